"""Notices, one per cause, and the channels that they go out by. No JVM here."""

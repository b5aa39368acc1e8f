"""Ingest: land new files in bronze, once each, as received, and clean them into silver."""

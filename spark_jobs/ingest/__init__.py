"""Ingest: land new files in bronze, once each, as received."""

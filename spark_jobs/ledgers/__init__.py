"""Ledgers: one module per table of `ops`, with its row, how it is recorded and how the latest is read. No JVM here."""

"""Contracts: settings, domain files, tables, jobs, DAGs, errors. Everything imports them; no pyspark here."""

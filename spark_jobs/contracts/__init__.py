"""What everybody agrees on: settings, domain files, tables, features and jobs. Imports nothing of ours, no pyspark."""

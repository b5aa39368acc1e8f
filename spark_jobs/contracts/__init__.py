"""What everybody agrees on: settings, domain files, tables, features and the job catalogue. Imports nothing of ours and no pyspark."""

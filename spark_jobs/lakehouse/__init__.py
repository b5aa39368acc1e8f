"""The lakehouse: where tables lie, and checked access to them from Spark and without it."""

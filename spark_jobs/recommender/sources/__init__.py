"""Candidate sources: each builds its artefacts in Spark and scores batches of users in numpy."""

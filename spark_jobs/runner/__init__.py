"""Runs jobs of the catalogue: starts, times, gates and records each; stages and nights by name."""

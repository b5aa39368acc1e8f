"""A retail shop that never was: landing files of any size, the planted truth beside them. Imports nothing of ours."""

"""Nightjar: the night's jobs in one folder per stage, and the rooms that they share."""

import gc

# What a process loads it keeps. Python would look through it again and again meanwhile, a fifth of the time it takes.
gc.set_threshold(50_000, 50, 100)

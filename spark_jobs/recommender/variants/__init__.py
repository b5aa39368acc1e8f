"""Smaller and simpler models than the ranker, and what each would cost."""

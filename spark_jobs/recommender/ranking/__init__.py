"""The ranker: what it learns from, scores, lists and reasons."""

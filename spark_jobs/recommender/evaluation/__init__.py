"""Metrics, the evaluation of models on the same users, and promotion."""

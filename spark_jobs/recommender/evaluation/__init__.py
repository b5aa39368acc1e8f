"""Metrics, the evaluation of contenders on the same users, and promotion."""

"""Pure recommender logic: candidate sources, features, labels, splits, metrics and rules."""

"""Pure recommender logic: candidate sources, features, labels, ranking, metrics and rules."""

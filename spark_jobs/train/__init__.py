"""Train: fit, evaluate and register a ranker; promote it when it is better."""

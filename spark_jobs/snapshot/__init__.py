"""Snapshot: describe users and items as of tonight, and as of the training cuts when training is due."""

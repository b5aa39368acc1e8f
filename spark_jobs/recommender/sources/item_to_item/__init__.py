"""Item-to-item: items that the same users took."""

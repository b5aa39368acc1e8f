"""Features of users, items and pairs."""

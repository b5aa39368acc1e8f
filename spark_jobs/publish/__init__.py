"""Publish: make every user's list, check the lists, then replace what is served in one commit."""

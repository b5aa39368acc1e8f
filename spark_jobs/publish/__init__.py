"""Publish: check the staged lists, then replace what is served in one commit."""

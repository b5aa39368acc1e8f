"""Monitoring as pure functions: what lists came to, how distributions moved, and when that is an alarm."""

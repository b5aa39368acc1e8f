"""Stage monitor: whether lists worked, and what drifted."""

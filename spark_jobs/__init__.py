"""Nightjar's jobs: every module at this level is one job; the packages below hold what jobs share."""

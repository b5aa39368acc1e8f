"""Popularity: what most people took, ever and lately."""

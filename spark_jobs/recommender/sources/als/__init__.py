"""Matrix factorisation with implicit ALS."""

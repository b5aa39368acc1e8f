"""Own history: what the user took before."""

"""Check a domain file against the landing files it names: `nightjar check-domain`."""

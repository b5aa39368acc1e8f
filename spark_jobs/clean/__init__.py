"""Clean: type, check and deduplicate into silver; refused records go to quarantine."""

"""What is known at a moment: events before it, the catalogue and batches of users as arrays."""

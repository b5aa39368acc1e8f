"""Prepare: land new files once, as received; clean them; describe users and items as of tonight and of training."""

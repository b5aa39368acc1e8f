"""What people look at: plots of an evaluation."""

"""What people look at: the report of a training with its plots, and the model card."""

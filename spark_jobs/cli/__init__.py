"""The nightjar command: thin groups of commands over the jobs and the published tables."""

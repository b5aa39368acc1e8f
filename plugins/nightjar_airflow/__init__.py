"""What DAGs are made of: the operator that runs a stage, run dates, branching, and what other tasks call."""

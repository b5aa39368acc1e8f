"""Planning: what a night has to do: training dates, snapshots, what to clean, and whether the input is fresh."""

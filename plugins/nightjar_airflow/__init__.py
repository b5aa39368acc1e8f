"""What Airflow loads of Nightjar: the operator that runs a stage, run dates, and gates between stages."""

"""The only code that touches the outside world: Spark, Delta, Great Expectations, MLflow."""

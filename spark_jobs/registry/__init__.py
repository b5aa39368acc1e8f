"""The model registry: MLflow."""

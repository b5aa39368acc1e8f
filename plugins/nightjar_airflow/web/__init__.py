"""Nightjar's pages in Airflow's web UI: read-only, of what `views/` say, drawn on the server."""

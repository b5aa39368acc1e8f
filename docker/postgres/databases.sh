#!/bin/sh
# First start of the database: one role and one database each for Airflow and MLflow.
set -eu
for name in airflow mlflow; do
    password=$(printenv "$(echo "$name" | tr a-z A-Z)_DB_PASSWORD")
    psql -v ON_ERROR_STOP=1 -v name="$name" -v password="$password" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
done

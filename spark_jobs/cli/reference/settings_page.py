"""Every environment variable that Nightjar reads its settings from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spark_jobs.cli.reference.domain_types import type_text
from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings

Variable = tuple[str, str, str]
"""Name, default and meaning."""
OUTSIDE: tuple[tuple[str, str, tuple[Variable, ...]], ...] = (
    (
        "Commands and set-up",
        "Read by `make`, the scripts behind it and the `nightjar` command itself.",
        (
            ("NIGHTJAR_AIRFLOW_PORT", "8080", "Port of the Airflow web UI on loopback (`make airflow`, Compose)."),
            ("NIGHTJAR_XGBOOST", "cpu", "Build of XGBoost that set-up and the image install: `cpu` or `gpu`."),
            ("NIGHTJAR_MAVEN_MIRROR", "", "Address of a mirror of Maven Central for the Delta JARs."),
            ("NIGHTJAR_JARS_LOCK", "<project>/jars.lock", "File with names and checksums of the JARs to fetch."),
            ("NIGHTJAR_DEMO_DATA_URL", "", "Where to fetch MovieLens 100K from instead of its usual places."),
            ("NIGHTJAR_DEMO_DATA_MD5", "", "Checksum of that archive, where it is another than the original."),
        ),
    ),
    (
        "Compose",
        "Read from `.env`, which `make compose-env` writes.",
        (
            ("NIGHTJAR_ADMIN_PASSWORD", "", "Password of the Airflow user `admin`; generated."),
            ("NIGHTJAR_MLFLOW_PORT", "5000", "Port of MLflow on the host's loopback."),
            ("NIGHTJAR_SPARK_PORT", "8081", "Port of the Spark master's page on the host's loopback."),
            ("NIGHTJAR_WORKER_CORES", "2", "Cores of each Spark worker."),
            ("NIGHTJAR_DATA", "./.compose", "Folder of the host that holds landing files and the lakehouse."),
            ("NIGHTJAR_UID", "50000", "User id of the containers' processes, who owns what they write."),
            ("NIGHTJAR_UV_SYNC", "--locked", "Arguments of `uv sync` when the image is built."),
            ("NIGHTJAR_ENV_FILE", ".env", "File that `make compose-env` writes."),
        ),
    ),
    (
        "Between our own processes",
        "Set by `nightjar`, `make airflow` and Compose.",
        (
            ("NIGHTJAR_SUBMITTED", "", "Set where spark-submit started the JVM, so that no other one is started."),
            (
                "AIRFLOW_CONN_NIGHTJAR_SPARK",
                "",
                "Airflow connection: where stages run. It can be made in Airflow, too.",
            ),
        ),
    ),
)
"""Variables that are not fields of Settings, by who reads them."""


def page() -> str:
    """The page as Markdown."""
    intro = (
        "Settings of one installation come from environment variables; what describes a shop is in its "
        "[domain file](domain-file.md). A value that can't be used is refused with the variable's name."
    )
    rows = [
        (code(f"NIGHTJAR_{name.upper()}"), type_text(info.annotation), _default(info.default), info.description or "")
        for name, info in Settings.model_fields.items()
    ]
    listed = table(("variable", "type", "default", "meaning"), rows)
    others = [
        f"## {title}\n\n{about}\n\n{table(('variable', 'default', 'meaning'), _outside(names))}"
        for title, about, names in OUTSIDE
    ]
    return document("Settings", "spark_jobs/contracts/settings.py", intro, listed, *others)


def _outside(variables: tuple[Variable, ...]) -> list[tuple[str, str, str]]:
    return [(code(name), code(default) if default else "unset", meaning) for name, default, meaning in variables]


def _default(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        # Where the project lies differs between machines, the page must not.
        return code(f"<project>/{value.relative_to(PROJECT_ROOT)}")
    return code(str(value))

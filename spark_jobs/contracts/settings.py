"""Settings of one installation: where things lie and how much of the machine to use.

Every field is read from the environment variable `NIGHTJAR_<FIELD>`; nothing is read at import.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from spark_jobs.contracts.errors import NightjarError

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "shipped"
PROJECT_ROOT = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent
"""Folder with `conf/`, `dags/`, `expectations/` and `plugins/`: the checkout, or what the wheel brought."""
_WORK = Path.cwd() if _SHIPPED.is_dir() else PROJECT_ROOT
"""Where files are written unless a setting says otherwise."""


UNUSABLE = frozenset("[]^%\\")
"""Signs that delta-rs takes for something else in a path."""


class SettingsError(NightjarError):
    """A setting holds a value that can't be used; the message names the variable."""


class Settings(BaseSettings):
    """Frozen settings; build them with `load_settings()` for readable errors."""

    model_config = SettingsConfigDict(env_prefix="NIGHTJAR_", frozen=True, extra="ignore", env_parse_none_str="")

    home: Path = Field(
        default=_WORK / ".nightjar",
        description="Folder that holds everything Nightjar writes: landing, lakehouse, MLflow, Airflow.",
    )
    conf_dir: Path = Field(default=PROJECT_ROOT / "conf", description="Folder of the domain files.")
    expectations_dir: Path = Field(
        default=PROJECT_ROOT / "expectations",
        description="Folder of the Great Expectations suites, one JSON file per table.",
    )
    jars_dir: Path = Field(
        default=_WORK / ".tools" / "jars", description="Folder of the pinned Delta JARs (see jars.lock)."
    )
    java_home: Path | None = Field(
        default=None,
        description="Java (17 or newer) for Spark. Unset: what set-up found, else JAVA_HOME, else `java` on PATH.",
    )
    landing_dir: Path | None = Field(
        default=None,
        description="Folder that the paths of domain files are relative to. Unset: `<home>/landing`.",
    )
    spark_master: str = Field(
        default="local[*]", description="Spark master for `nightjar` commands and the embedded Airflow."
    )
    driver_memory: str = Field(
        default="1g", description="Heap of the Spark driver, as Spark writes it (`1g`, `1500m`)."
    )
    executor_memory: str = Field(
        default="1g", description="Heap of each executor, where the master starts some: `spark://`, YARN, Kubernetes."
    )
    full_jit: bool | None = Field(
        default=None,
        description="Whether the driver's JVM uses its second compiler, which makes long nights faster and quick ones "
        "slower. Unset: for domains of more than half a million events.",
    )
    shuffle_partitions: int = Field(
        default=2,
        ge=1,
        description="Least number of partitions after a shuffle; about the number of cores on one machine. There are "
        "more from a million events on, one per half million.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description="Where rankers train. `auto` takes the GPU when there is one; `cuda` refuses to run without it.",
    )
    retention_days: int = Field(
        default=30,
        ge=7,
        description="Days that earlier versions of tables stay readable; maintenance deletes older ones.",
    )
    history_days: int | None = Field(
        default=365,
        ge=1,
        description="Days that published lists stay in gold.recommendation_history; maintenance deletes older ones. "
        "Empty for ever.",
    )
    mlflow_tracking_uri: str | None = Field(
        default=None, description="MLflow tracking server. Unset: SQLite below `<home>/mlflow`."
    )
    code_version: str | None = Field(
        default=None, description="Version of the code to record with runs and models. Unset: the git commit."
    )
    alert_channels: str = Field(
        default="",
        description="Where alerts go: URLs with blanks between them. `smtp://user:password@host:587/?from=a@b&to=c@d` "
        "(or `smtps:`), `slack+https://...` for webhooks that take Slack's messages, `https://...` for any other.",
    )
    allow_uncommitted: bool = Field(
        default=False,
        description="Let scheduled nights run code with uncommitted changes, whose lists nobody can make again.",
    )

    @property
    def lakehouse(self) -> Path:
        """Root of all Delta tables: `<home>/lakehouse/<domain>/<layer>/<table>`."""
        return self.home / "lakehouse"

    @property
    def landing(self) -> Path:
        """Folder that landing paths of domain files are relative to."""
        return self.landing_dir or self.home / "landing"

    def tracking_uri(self) -> str:
        """MLflow tracking URI; creates the SQLite folder when the default is used."""
        if self.mlflow_tracking_uri:
            return self.mlflow_tracking_uri
        folder = self.home / "mlflow"
        folder.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{folder / 'mlflow.db'}"


def load_settings() -> Settings:
    """Settings from the environment; raises SettingsError naming each variable that can't be used."""
    try:
        settings = Settings()
    except ValidationError as error:
        lines = [f"NIGHTJAR_{str(e['loc'][0]).upper()}: {e['msg']} (got {e['input']!r})" for e in error.errors()]
        raise SettingsError("; ".join(lines)) from None
    if odd := UNUSABLE.intersection(str(settings.home.absolute())):
        raise SettingsError(
            f"NIGHTJAR_HOME: {settings.home.absolute()} has {' '.join(sorted(odd))} in it, which Delta's libraries "
            "can't read in paths; choose another folder."
        )
    paths = {
        name: getattr(settings, name) for name in ("home", "conf_dir", "expectations_dir", "jars_dir", "landing_dir")
    }
    return settings.model_copy(update={name: path.resolve() for name, path in paths.items() if path})

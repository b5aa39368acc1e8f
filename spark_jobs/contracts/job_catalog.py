"""One definition of the night: every job with its tables and its place. DAGs and `nightjar night` are built from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from spark_jobs.contracts.tables import TABLES


@dataclass(frozen=True)
class Job:
    """One job: module `spark_jobs.<stage>.<name>` with `run(night)`; its inputs and outputs are table names.

    A job that reads or writes another table fails (`lakehouse.access`), so that lineage, the order of jobs that run
    side by side and `ops.runs` are true. What a job wrote itself it may read back.
    """

    name: str
    description: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    gates: tuple[str, ...] = ()
    """Outputs checked by their suite in `expectations/` right after the job; a critical failure stops the night.

    `silver.users` is checked in domains that have users.
    """


@dataclass(frozen=True)
class Stage:
    """Jobs that share one Spark application: one task of the DAG. `only_if` names the decision it needs.

    Jobs run in order; `side_by_side` they run as soon as the jobs before them that write what they read are done.
    """

    name: str
    description: str
    jobs: tuple[Job, ...]
    only_if: str | None = None
    on_failure: Literal["stop", "warn"] = "stop"
    """`warn`: the night goes on without it, never takes lists back, and is a failed one at its end."""
    side_by_side: bool = False
    timeout_minutes: int = 120


SERVED = ("gold.recommendations", "ops.releases")
"""What serves now, and what served on earlier dates: where the champion is read from."""
SNAPSHOT_PLAN = ("silver.interactions", "ops.decisions")
"""What says which snapshots a night needs: the log's length and whether the night trains."""
SNAPSHOTS = (
    *("gold.user_histories", "gold.item_features", "gold.item_neighbours", "gold.item_factors"),
    *("gold.segment_popularity", "silver.users"),
)
"""What candidates are made of; the last two only where users have attributes, factors only where ALS is on."""

NIGHT: tuple[Stage, ...] = (
    Stage(
        "prepare",
        "Land new files and clean them, refused records apart; decide on training; describe users and items as of "
        "tonight and, when training is due, of its cutoffs.",
        (
            Job(
                "ingest_landing_files",
                "Read landing files not seen before into bronze.",
                ("ops.batches",),
                ("bronze.interactions", "bronze.items", "bronze.users", "ops.quality_results"),
                gates=("bronze.interactions",),
            ),
            Job(
                "clean_interactions",
                "New interaction batches to silver, one row per event key.",
                ("bronze.interactions",),
                ("silver.interactions", "quarantine.interactions", "ops.batches", "ops.quality_results"),
                gates=("silver.interactions",),
            ),
            Job(
                "clean_users",
                "User batches to the latest known attributes.",
                ("bronze.users",),
                ("silver.users", "quarantine.users", "ops.batches"),
                gates=("silver.users",),
            ),
            Job(
                "clean_items",
                "Catalogue batches to item versions.",
                ("bronze.items", "bronze.interactions"),
                ("silver.items", "quarantine.items", "ops.batches"),
                gates=("silver.items",),
            ),
            Job(
                "decide_training",
                "Decide whether the ranker trains tonight, and say why.",
                ("silver.interactions", "ops.drift", *SERVED),
                ("ops.decisions",),
            ),
            Job(
                "build_user_histories",
                "Time-ordered histories and blocked items of every user.",
                (*SNAPSHOT_PLAN, "silver.users"),
                ("gold.user_histories", "ops.snapshots"),
                gates=("gold.user_histories",),
            ),
            Job(
                "build_item_features",
                "Catalogue entry, eligibility and popularity of every item.",
                (*SNAPSHOT_PLAN, "silver.items", "gold.user_histories"),
                ("gold.item_features", "ops.snapshots"),
                gates=("gold.item_features",),
            ),
            Job(
                "build_item_neighbours",
                "Item-to-item similarities from co-visitation.",
                (*SNAPSHOT_PLAN, "gold.user_histories", "ops.quality_results"),
                ("gold.item_neighbours", "ops.snapshots"),
                gates=("gold.item_neighbours",),
            ),
            Job(
                "build_item_factors",
                "ALS item factors.",
                (*SNAPSHOT_PLAN, "gold.user_histories", "ops.quality_results"),
                ("gold.item_factors", "ops.snapshots"),
                gates=("gold.item_factors",),
            ),
            Job(
                "build_segment_popularity",
                "What users with an attribute take more than others.",
                (*SNAPSHOT_PLAN, "gold.user_histories", "silver.users", "ops.quality_results"),
                ("gold.segment_popularity", "ops.snapshots"),
                gates=("gold.segment_popularity",),
            ),
        ),
        side_by_side=True,
        timeout_minutes=360,
    ),
    Stage(
        "train",
        "Train, evaluate and register a ranker; promote it when it is better.",
        (
            Job(
                "build_training_examples",
                "Candidates at earlier cutoffs with features and labels.",
                (*SNAPSHOTS, "silver.interactions"),
                ("gold.training_examples",),
                gates=("gold.training_examples",),
            ),
            Job(
                "train_ranker",
                "Fit the ranker, log and register the model version.",
                ("gold.training_examples",),
                (),
            ),
            Job(
                "compare_variants",
                "What smaller and simpler models would cost; the smallest good enough, where the domain prefers it.",
                ("gold.training_examples", *SNAPSHOTS, "silver.interactions"),
                ("ops.model_variants",),
            ),
            Job(
                "evaluate_ranker",
                "Metrics of ranker, sources and baselines on the newest window; the report.",
                (*SNAPSHOTS, "silver.interactions", "ops.model_variants", *SERVED),
                ("gold.evaluation_users", "ops.model_metrics"),
                gates=("gold.evaluation_users",),
            ),
            Job(
                "export_ranker",
                "An ONNX twin of the new version, proven to rank tonight's candidates the same.",
                (*SNAPSHOTS, "gold.training_examples"),
                ("ops.model_metrics",),
            ),
            Job(
                "promote_ranker",
                "Make the new version champion if it is better.",
                ("ops.model_metrics", *SERVED),
                ("ops.decisions",),
            ),
        ),
        only_if="train",
        on_failure="warn",
        timeout_minutes=360,
    ),
    Stage(
        "publish",
        "Score every user with the champion; check the lists against rules and contract; publish them in one commit.",
        (
            Job(
                "score_users",
                "Candidates, features, scores, rules and reasons for every user.",
                (*SNAPSHOTS, "gold.recommendations", "ops.model_metrics"),
                ("gold.recommendations_staged", "ops.releases", "ops.decisions", "ops.list_rules"),
                gates=("gold.recommendations_staged",),
            ),
            Job(
                "check_recommendations",
                "No blocked, ineligible or missing items; every user served.",
                ("gold.recommendations_staged", "gold.user_histories", "gold.item_features"),
                ("ops.quality_results",),
            ),
            Job(
                "publish_recommendations",
                "Replace what is served; keep what this date published.",
                ("gold.recommendations_staged",),
                ("gold.recommendations", "gold.recommendation_history", "ops.releases", "ops.decisions"),
            ),
        ),
        timeout_minutes=240,
    ),
    Stage(
        "monitor",
        "Measure how lists that were served did once the truth arrived, and what is not as usual.",
        (
            Job(
                "measure_outcomes",
                "What served lists came to, beside popularity, own history and the lists before, on the same users.",
                ("silver.interactions", "silver.items", "gold.recommendation_history", "ops.releases"),
                ("ops.outcomes",),
            ),
            Job(
                "measure_drift",
                "What the last day and tonight's lists were like, and how far that is from what is usual.",
                (
                    *("silver.interactions", "silver.items", "gold.recommendations", "ops.batches", "ops.releases"),
                    "gold.item_features",
                ),
                ("ops.profiles", "ops.drift"),
            ),
        ),
        on_failure="warn",
        timeout_minutes=120,
    ),
)

JOBS: dict[str, Job] = {job.name: job for stage in NIGHT for job in stage.jobs}
STAGES: dict[str, Stage] = {stage.name: stage for stage in NIGHT}


def stage_order() -> list[tuple[str, str]]:
    """Pairs (stage, next stage): the edges of the nightly DAG."""
    return [(before.name, after.name) for before, after in pairwise(NIGHT)]


def unknown_tables() -> list[str]:
    """Tables that a job names but the table contract does not have; empty when the two agree."""
    named = {name for job in JOBS.values() for name in (*job.inputs, *job.outputs, *job.gates)}
    return sorted(named - set(TABLES))

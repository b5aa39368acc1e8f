"""Whether a newly trained ranker may serve, from figures of all evaluated models on the same users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spark_jobs.recommender.evaluation.evaluator import CHAMPION, DIVERSIFIED, MODELS, RANKER
from spark_jobs.recommender.sources import SOURCES

MOST_LOSS = 0.005
"""Share of the champion's NDCG@10 that a ranker on a par with it may lose on average."""
MOST_GROWTH = 1.05
"""Size, against the champion's, up to which a ranker costs no more."""
FEWEST_USERS = 30
"""Users of a segment from which it is judged on its own."""
METRIC = "ndcg_at_10"
Row = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, why or why not, and the best source, which serves where there is no champion."""

    promote: bool
    reason: str
    best_source: str | None


@dataclass(frozen=True)
class Finding:
    """What one criterion says of the ranker, in words."""

    passed: bool
    text: str


def decide_promotion(rows: list[Row], *, min_coverage: float | None = None, growth: float = 1.0) -> Verdict:
    """Decide by the rows of ops.model_metrics of one evaluation.

    The ranker must beat every source, which could serve in its place, and lose to no baseline beyond chance; be
    better than the champion beyond chance, or on a par with it at no higher cost; be worse than it beyond chance in no
    segment; and reach the coverage that the domain demands.

    Args:
        rows: Rows of ops.model_metrics.
        min_coverage: Least coverage@10 that the domain demands, if any.
        growth: Size of the ranker over the champion's.
    """
    by_model = {row["model"]: row for row in rows if row["metric"] == METRIC and row["slice"] is None}
    baselines = [name for name in by_model if name not in MODELS]
    sources = [name for name in baselines if name in SOURCES]
    best_source = max(sources, key=lambda name: by_model[name]["value"], default=None)
    if RANKER not in by_model or not baselines:
        names = ", ".join(sorted(by_model)) or "none"
        return Verdict(False, f"not evaluated against any baseline (evaluated: {names})", best_source)
    findings = [_against_baselines(by_model, baselines)]
    if CHAMPION in by_model:
        findings += [_against_champion(by_model[CHAMPION], growth), *_worse_segments(rows)]
    findings += _coverage(rows, min_coverage)
    promote = all(finding.passed for finding in findings)
    # A refusal names what speaks against the ranker, a promotion what speaks for it.
    texts = [finding.text for finding in findings if finding.passed is promote]
    reason = (" and " if promote else "; ").join(texts)
    return Verdict(promote, f"{reason}: {_figures(by_model, baselines)}", best_source)


def _figures(by_model: dict[str, Row], baselines: list[str]) -> str:
    """The figures that were compared."""
    best = max(baselines, key=lambda name: by_model[name]["value"])
    text = f"NDCG@10 {by_model[RANKER]['value']:.4f}, best baseline {best} {by_model[best]['value']:.4f}"
    if CHAMPION in by_model:
        champion = by_model[CHAMPION]
        text += (
            f", champion {champion['value']:.4f} (difference {champion['difference']:+.4f}, 95 % interval "
            f"{champion['difference_low']:+.4f} to {champion['difference_high']:+.4f})"
        )
    return text


def _against_baselines(by_model: dict[str, Row], baselines: list[str]) -> Finding:
    ahead = [name for name in baselines if by_model[name]["value"] >= by_model[RANKER]["value"]]
    if any(name in SOURCES or not _by_chance(by_model[name]) for name in ahead):
        return Finding(False, "does not beat every baseline")
    if ahead:
        return Finding(True, "better than every source, no baseline better beyond chance")
    return Finding(True, "better than every baseline")


def _by_chance(baseline: Row) -> bool:
    """Whether the interval of the ranker's difference leaves it open which one is better."""
    return baseline.get("difference_high") is not None and baseline["difference_high"] >= 0


def _against_champion(champion: Row, growth: float) -> Finding:
    if champion["difference_low"] > 0:
        return Finding(True, "better than the champion")
    if champion["difference_high"] < 0 or champion["difference"] < -MOST_LOSS * champion["value"]:
        return Finding(False, "the champion is better")
    if growth > MOST_GROWTH:
        return Finding(False, f"on a par with the champion, and {growth:.2f} times its size")
    return Finding(True, "on a par with the champion at no higher cost")


def _worse_segments(rows: list[Row]) -> list[Finding]:
    return [
        Finding(
            False,
            f"worse than the champion for {row['slice']} ({row['difference']:+.4f}, at most "
            f"{row['difference_high']:+.4f})",
        )
        for row in rows
        if row["model"] == CHAMPION
        and row["metric"] == METRIC
        and (row["slice"] or "").startswith("users: ")
        and row["users"] >= FEWEST_USERS
        and row["difference_high"] < 0
    ]


def _coverage(rows: list[Row], min_coverage: float | None) -> list[Finding]:
    if min_coverage is None:
        return []
    values = [row["value"] for row in rows if (row["model"], row["metric"]) == (DIVERSIFIED, "coverage_at_10")]
    coverage = values[0] if values else 0.0
    if coverage >= min_coverage:
        return []
    return [Finding(False, f"coverage@10 is {coverage:.3f}, {min_coverage:.3f} is demanded")]

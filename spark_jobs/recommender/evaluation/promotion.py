"""Whether a newly trained ranker may serve, from figures of all contenders on the same users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spark_jobs.recommender.evaluation.evaluator import BALANCED, CHAMPION, MODELS, RANKER
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


def judge(rows: list[Row], *, min_coverage: float | None = None, growth: float = 1.0) -> Verdict:
    """Judge by the rows of ops.model_metrics of one evaluation; `growth` is the ranker's size against the champion's.

    The ranker must beat every source, which could serve in its place, and lose to no baseline beyond chance; be
    better than the champion beyond chance, or on a par with it at no higher cost; be worse than it beyond chance in no
    segment; and reach the coverage that the domain demands.
    """
    found = {row["contender"]: row for row in rows if row["metric"] == METRIC and row["slice"] is None}
    rivals = [name for name in found if name not in MODELS]
    sources = [name for name in rivals if name in SOURCES]
    best_source = max(sources, key=lambda name: found[name]["value"], default=None)
    if RANKER not in found or not rivals:
        told = ", ".join(sorted(found)) or "none"
        return Verdict(False, f"not evaluated against any rival (contenders: {told})", best_source)
    ranker, rival = found[RANKER]["value"], max(rivals, key=lambda name: found[name]["value"])
    compared = f"NDCG@10 {ranker:.4f}, best rival {rival} {found[rival]['value']:.4f}"
    ahead = [name for name in rivals if found[name]["value"] >= ranker]
    lost = any(name in sources or not _by_chance(found[name]) for name in ahead)
    objections = ["does not beat every rival"] if lost else []
    merit = "better than every source, and no baseline is better beyond chance" if ahead else "better than every rival"
    if CHAMPION in found:
        champion = found[CHAMPION]
        compared += (
            f", champion {champion['value']:.4f} (difference {champion['difference']:+.4f}, 95 % interval "
            f"{champion['difference_low']:+.4f} to {champion['difference_high']:+.4f})"
        )
        stands, against = _against_champion(champion, growth)
        merit += f" and {against}"
        objections += [] if stands else [against]
        objections += _worse_segments(rows)
    reached = next(
        (row["value"] for row in rows if (row["contender"], row["metric"]) == (BALANCED, "coverage_at_10")), None
    )
    if min_coverage is not None and (reached is None or reached < min_coverage):
        objections.append(f"coverage@10 is {reached or 0.0:.3f}, {min_coverage:.3f} is demanded")
    return Verdict(not objections, f"{'; '.join(objections) or merit}: {compared}", best_source)


def _by_chance(rival: Row) -> bool:
    """Whether the interval of the ranker's difference leaves it open which one is better."""
    return rival.get("difference_high") is not None and rival["difference_high"] >= 0


def _against_champion(champion: Row, growth: float) -> tuple[bool, str]:
    if champion["difference_low"] > 0:
        return True, "better than the champion"
    if champion["difference_high"] < 0 or champion["difference"] < -MOST_LOSS * champion["value"]:
        return False, "the champion is better"
    if growth > MOST_GROWTH:
        return False, f"on a par with the champion, and {growth:.2f} times its size"
    return True, "on a par with the champion at no higher cost"


def _worse_segments(rows: list[Row]) -> list[str]:
    return [
        f"worse than the champion for {row['slice']} ({row['difference']:+.4f}, at most {row['difference_high']:+.4f})"
        for row in rows
        if row["contender"] == CHAMPION
        and row["metric"] == METRIC
        and (row["slice"] or "").startswith("users: ")
        and row["users"] >= FEWEST_USERS
        and row["difference_high"] < 0
    ]

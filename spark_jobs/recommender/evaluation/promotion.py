"""Whether a newly trained ranker becomes champion."""

from __future__ import annotations

from spark_jobs.recommender.evaluation.evaluator import RANKER


def judge(ndcg: dict[str, float], *, first: bool) -> tuple[bool, str]:
    """Promote and why, from NDCG@10 by contender: the ranker must beat every source on the same users.

    Without an earlier champion (`first`) it is promoted in any case, with the comparison as reason.
    """
    if RANKER not in ndcg or len(ndcg) < 2:
        return False, f"not evaluated against any source (contenders: {', '.join(sorted(ndcg)) or 'none'})"
    rival = max((name for name in ndcg if name != RANKER), key=lambda name: ndcg[name])
    compared = f"NDCG@10 {ndcg[RANKER]:.4f}, best single source {rival} {ndcg[rival]:.4f}"
    if ndcg[RANKER] > ndcg[rival]:
        return True, f"better than every source: {compared}"
    if first:
        return True, f"first model, promoted although it does not beat every source: {compared}"
    return False, f"does not beat every source: {compared}"

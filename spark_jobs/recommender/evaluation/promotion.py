"""Whether a newly trained ranker becomes champion."""

from __future__ import annotations

from spark_jobs.recommender.evaluation.evaluator import CHAMPION, MODELS, RANKER


def judge(ndcg: dict[str, float], *, first: bool) -> tuple[bool, str]:
    """Promote and why, from NDCG@10 by contender, on the same users.

    The ranker must beat every rival (source or baseline) and do no worse than the champion. Without an earlier
    champion (`first`) it is promoted in any case, with the comparison as reason.
    """
    rivals = [name for name in ndcg if name not in MODELS]
    if RANKER not in ndcg or not rivals:
        return False, f"not evaluated against any rival (contenders: {', '.join(sorted(ndcg)) or 'none'})"
    rival = max(rivals, key=lambda name: ndcg[name])
    compared = f"NDCG@10 {ndcg[RANKER]:.4f}, best rival {rival} {ndcg[rival]:.4f}"
    if CHAMPION in ndcg:
        compared += f", champion {ndcg[CHAMPION]:.4f}"
    if ndcg[RANKER] <= ndcg[rival]:
        if first:
            return True, f"first model, promoted although it does not beat every rival: {compared}"
        return False, f"does not beat every rival: {compared}"
    if ndcg[RANKER] < ndcg.get(CHAMPION, 0.0):
        return False, f"the champion is better: {compared}"
    return True, f"better than every rival{' and no worse than the champion' * (CHAMPION in ndcg)}: {compared}"

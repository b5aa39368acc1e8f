"""What is measured of every night to see what is not as usual, and when that is an alarm."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.recommender.monitoring.drift import (
    ABOVE_NOISE,
    FEWEST_NIGHTS,
    FEWEST_WEEKDAYS,
    HOURS,
    LARGE_CHANGE,
    NEAREST,
    POOLED,
    REMEMBERED,
    SMALLEST_SHARE,
    WEEKDAYS,
)
from spark_jobs.recommender.monitoring.measures import MEASURES

INTRO = f"""Every night keeps a compact profile of its last day of events, of what landed and of its lists
(`ops.profiles`), and says how far it is from what is usual (`ops.drift`, `nightjar drift`).

What is usual are the latest {WEEKDAYS} nights of the same weekday (at least {FEWEST_WEEKDAYS}; until then the latest
{NEAREST}, and with fewer than {FEWEST_NIGHTS} nights nothing is judged: `learning`).

- **Counts and shares** are unusual where they are more than `monitor.deviation` robust standard deviations (of
  logarithms, or logits) from the median, and more than `monitor.change` of it; shares also by at least
  {SMALLEST_SHARE:.0%}. At twice the deviations and a change of {LARGE_CHANGE:.0%} a night is an alarm by itself.
- **Histograms** are unusual where the population stability index (PSI) to the latest {POOLED} nights of the same
  weekday is more than `monitor.shift`, more than {ABOVE_NOISE:.0f} times what equal distributions of so many users
  differ by, and its root more than `monitor.deviation` robust deviations from those of the last {REMEMBERED} nights; at
  twice that a night is an alarm by itself. Days of fewer than `monitor.least_users` users say nothing (`too_few`).
- **A clock** is unusual where the middle of the day (the circular mean of hours) moved by more than {HOURS} hours and
  `monitor.deviation` robust deviations.
- **An alarm** is what is unusual in two of three nights, or far enough in one. A count that is gone is zero.
- **Campaigns** explain shifts: rules (`pin`, `boost`, `block`) with a beginning or an end make `explained` of an alarm
  while they hold and for a week after."""


def page() -> str:
    """The page as Markdown."""
    rows = [(code(name), kind, meaning) for name, (kind, meaning) in MEASURES.items()]
    return document("Drift", "spark_jobs/recommender/monitoring", INTRO, table(("measure", "kind", "meaning"), rows))

"""Pages as text, from views. Titles and ids are other people's text: templates escape everything."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nightjar_airflow.web.charts import Line, line_chart
from nightjar_airflow.web.remembered import remembered
from spark_jobs.contracts.dag_catalog import NIGHT_DAG, ROLLBACK_DAG
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import job_costs
from spark_jobs.ledgers.alerts import open_alerts
from spark_jobs.ledgers.releases import serving
from spark_jobs.notify.causes import causes, causes_of_time
from spark_jobs.views.changes import what_changed
from spark_jobs.views.drift import shifts
from spark_jobs.views.models import version_rows
from spark_jobs.views.nights import last_nights
from spark_jobs.views.outcomes import OutcomeView, outcomes_over_time
from spark_jobs.views.quality import quality_over_time
from spark_jobs.views.quarantine import refusals
from spark_jobs.views.releases import release_rows
from spark_jobs.views.sources import recall_by_source
from spark_jobs.views.status import StatusView, described
from spark_jobs.views.user_lists import NoListError
from spark_jobs.views.user_story import user_story

NIGHTS, WINDOWS = 14, 90
"""Nights in tables, windows in charts."""
AT_ONCE = 8
"""Domains that are looked up side by side: most of the time is waiting for files."""

_templates = Environment(
    loader=PackageLoader("nightjar_airflow.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def served_below(prefix: str) -> None:
    """Let links lead below this path."""
    _templates.globals["root"] = f"{prefix}/nightjar/"


served_below("")


def message(text: str) -> str:
    """A page of one sentence."""
    return _templates.get_template("message.html").render(text=text)


def overview(settings: Settings, domains: Sequence[Domain], broken: dict[str, str]) -> str:
    """Every domain in a line; what to do first where there is none that ran."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(
            pool.map(lambda one: remembered((settings.home, one.domain), lambda: _line(settings, one)), domains)
        )
    return _templates.get_template("overview.html").render(rows=rows, broken=broken, now=datetime.now(UTC))


def _line(settings: Settings, domain: Domain) -> tuple[Domain, StatusView, list[tuple[str, str]]]:
    """With the severity and title of what is wrong: what the last night told, and what time brought since."""
    lakehouse = Lakehouse.of(settings, domain)
    nights, served = last_nights(lakehouse, 1), serving(lakehouse)
    since = {notice.key: notice for notice in causes_of_time(domain, nights, served, datetime.now(UTC))}
    told = [row for row in open_alerts(lakehouse) if row["key"] not in since]
    wrong = [*((str(n.severity), n.title) for n in since.values()), *((row["severity"], row["title"]) for row in told)]
    return domain, described(lakehouse, domain, nights, served), wrong


def domain(settings: Settings, domain: Domain, *, may_roll_back: bool) -> str:
    """One domain, whole."""
    lakehouse = Lakehouse.of(settings, domain)
    nights = last_nights(lakehouse, NIGHTS)
    served = serving(lakehouse)
    outcomes = outcomes_over_time(lakehouse, 3 * WINDOWS)
    releases = release_rows(lakehouse, served, NIGHTS) if served else []
    return _templates.get_template("domain.html").render(
        domain=domain,
        status=described(lakehouse, domain, nights, served),
        notices=causes(lakehouse, domain, datetime.now(UTC)),
        changed=what_changed(lakehouse),
        nights=nights,
        charts=[chart for days in sorted({view.days for view in outcomes}) if (chart := _chart(outcomes, days))],
        outcomes=outcomes[:NIGHTS],
        trainings=quality_over_time(lakehouse, 5),
        drift=shifts(lakehouse, 30),
        sources=recall_by_source(lakehouse),
        costs=sorted(
            job_costs.of_date(lakehouse, nights[0].run_date) if nights else [], key=lambda row: -row["seconds"]
        )[:8],
        refusals=refusals(lakehouse, 15),
        releases=releases,
        models=_models(settings, domain) if served else [],
        may_roll_back=may_roll_back,
        rollback_dag=ROLLBACK_DAG.dag_id(domain),
        night_dag=NIGHT_DAG.dag_id(domain),
    )


def _models(settings: Settings, domain: Domain) -> list[dict[str, Any]]:
    try:
        return version_rows(settings, domain, 5)
    except Exception as error:  # the registry is another server; the page is of what we have
        return [{"version": "", "run_date": "", "ndcg_at_10": None, "aliases": "", "verdict": f"not reached: {error}"}]


def _chart(outcomes: Sequence[OutcomeView], days: int) -> tuple[str, Markup] | None:
    views = [view for view in reversed(outcomes) if view.days == days and view.value is not None][-WINDOWS:]
    if not views:
        return None
    dates = [view.served_from for view in views]
    lines = [Line("as served", 0, dates, *_columns(views, "value", "low", "high"))]
    if any(view.promised is not None for view in views):
        promised = _columns(views, "promised", "promised_low", "promised_high")
        lines.append(Line("promised", 1, dates, *promised))
    for style, name in enumerate(("popularity", "own_history"), 2):
        values = [
            view.value - compared.difference if view.value is not None and (compared := getattr(view, name)) else None
            for view in views
        ]
        lines.append(Line(name.replace("_", " "), style, dates, values))
    title = f"NDCG@10 over {days} day{'s' if days > 1 else ''} after publication"
    return title, line_chart(title, lines, _new_models(views))


def _columns(views: Sequence[OutcomeView], *names: str) -> list[list[float | None]]:
    return [[getattr(view, name) for view in views] for name in names]


def _new_models(views: Sequence[OutcomeView]) -> list[tuple[date, str]]:
    return [
        (now.served_from, f"model {now.model_version}")
        for before, now in pairwise(views)
        if now.model_version != before.model_version
    ]


def user(settings: Settings, domain: Domain, user_id: str) -> str:
    """One user; a sentence where there is no list."""
    story, problem = None, ""
    if user_id:
        try:
            story = user_story(settings, domain.domain, user_id)
        except NoListError as error:
            problem = str(error)
    template = _templates.get_template("user.html")
    return template.render(domain=domain, user_id=user_id, story=story, problem=problem)

"""The `nightjar` command. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from spark_jobs.contracts.errors import REPORT_BUGS, NightjarError
from spark_jobs.contracts.settings import load_settings

app = typer.Typer(
    help="Fresh, checked, explainable recommendations for every user, every night.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
alerts = typer.Typer(help="What is wrong now, and who was told.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")
models = typer.Typer(help="Registered model versions.", no_args_is_help=True)
app.add_typer(models, name="models")
console = Console()
complaints = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, help="Rows to show.")]
DomainName = Annotated[str, typer.Option("--domain", "-d", help="Domain: the name of a file in conf/, without .yaml.")]


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"expected a date such as 2026-11-24, got {text!r}") from None


RunDate = Annotated[
    date, typer.Option("--run-date", parser=_day, metavar="YYYY-MM-DD", help="The night that starts this day.")
]


@app.command()
def night(
    domain: DomainName,
    run_date: RunDate,
    force_training: Annotated[bool, typer.Option(help="Train even if it is not due.")] = False,
    job_costs: Annotated[bool, typer.Option("--job-costs", help="Print what each job cost, and of what.")] = False,
) -> None:
    """Run the whole night in one Spark session: the jobs of the DAG in the same order."""
    from spark_jobs.runner.start import whole_night

    whole_night(domain, run_date, force_training=force_training)
    if job_costs:
        from spark_jobs.cli.job_costs import show

        show(load_settings(), domain, run_date, console)


@app.command("check-domain")
def check_domain_file(path: Annotated[Path, typer.Argument(help="A domain file, such as conf/shop.yaml.")]) -> None:
    """Report every mistake in a domain file at once, or a sample of what it makes of the landing files."""
    from spark_jobs.cli.check_domain import check_domain, show

    raise typer.Exit(show(check_domain(path, load_settings()), console))


@app.command("check-leakage")
def check_for_leakage(domain: DomainName, run_date: RunDate) -> None:
    """Prove that features of the latest training, which ran at this date, come out the same without later events."""
    from spark_jobs.runner.start import leakage

    cutoff, pairs = leakage(domain, run_date)
    console.print(
        f"{pairs:,} candidates of {cutoff} and all their features are the same without the events from then on."
    )


@app.command()
def recommendations(
    domain: DomainName,
    user: Annotated[str, typer.Option("--user", "-u", help="User.")],
    limit: Annotated[int, typer.Option(min=1, help="Items to show.")] = 10,
    json: AsJson = False,
) -> None:
    """Show a user's published list with its reasons."""
    from spark_jobs.cli.recommendations import show
    from spark_jobs.views.user_lists import user_list

    published = user_list(load_settings(), domain, user, limit)
    if json:
        print(published.to_json())
    else:
        show(published, console)


@app.command()
def nights(domain: DomainName, limit: Limit = 14, json: AsJson = False) -> None:
    """List the latest nights: how each ended, how long it took, what it trained and published."""
    from spark_jobs.cli.views import show

    show("nights", load_settings(), domain, limit, console, json=json)


@app.command()
def quality(domain: DomainName, limit: Limit = 14, json: AsJson = False) -> None:
    """List the latest trainings: NDCG@10 of the ranker beside the best baseline and the champion."""
    from spark_jobs.cli.views import show

    show("quality", load_settings(), domain, limit, console, json=json)


@app.command()
def outcomes(domain: DomainName, limit: Limit = 14, json: AsJson = False) -> None:
    """List what served lists came to: NDCG@10 of those who came back, beside the promise, popularity and the lists
    before."""
    from spark_jobs.cli.views import show

    show("outcomes", load_settings(), domain, limit, console, json=json)


@app.command()
def drift(domain: DomainName, limit: Limit = 14, json: AsJson = False) -> None:
    """List what of the latest nights is not as usual: events, landing files, lists."""
    from spark_jobs.cli.views import show

    show("drift", load_settings(), domain, limit, console, json=json)


@app.command()
def quarantine(domain: DomainName, limit: Limit = 30, json: AsJson = False) -> None:
    """List refused records by delivery and failed check, with an example of each."""
    from spark_jobs.cli.views import show

    show("quarantine", load_settings(), domain, limit, console, json=json)


@app.command()
def releases(
    domain: DomainName,
    limit: Annotated[int, typer.Option(min=1, help="Releases to show.")] = 14,
    json: AsJson = False,
) -> None:
    """List what was published and put back: model, quality, users, churn, and what serves now."""
    from spark_jobs.cli.releases import show

    show(load_settings(), domain, limit, console, json=json)


@app.command()
def rollback(
    domain: DomainName,
    release: Annotated[str, typer.Option(help="Release to serve again: see nightjar releases.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
) -> None:
    """Serve an earlier or later release again, lists and model, and keep the model until somebody promotes another."""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.operations.rollback import roll_back

    settings = load_settings()
    result = roll_back(settings, find_domain(settings.conf_dir, domain), release, reason)
    console.print(
        f"{result.release} serves, {result.rows:,} rows, instead of {result.before} ({result.seconds:.1f} s). Its "
        f"model is held: nightjar models promote --domain {domain} lets another one in.",
        soft_wrap=True,
    )


@app.command()
def reproduce(
    domain: DomainName, release: Annotated[str, typer.Option(help="Release to make again: see nightjar releases.")]
) -> None:
    """Make a past release again from the table versions, domain file and model that it was made from, and compare."""
    from spark_jobs.runner.start import reproduction

    rows = reproduction(domain, release)
    console.print(f"{release}: {rows:,} rows, made again and identical.", soft_wrap=True)


@app.command()
def replay(
    domain: DomainName,
    batch: Annotated[str, typer.Option(help="Batch to clean again: see nightjar quarantine.")],
    json: AsJson = False,
) -> None:
    """Clean a delivery again after a correction, from bronze, and say what moved."""
    from dataclasses import asdict

    from spark_jobs.cli.listing import print_json, print_table
    from spark_jobs.runner.start import replayed

    rows = [asdict(row) for row in replayed(domain, batch)]  # type: ignore[call-overload]
    if json:
        print_json(rows)
    else:
        print_table(console, rows, {"table": "", "count": "", "before": ",", "now": ","})


@alerts.command("list")
def list_alerts(domain: DomainName, json: AsJson = False) -> None:
    """List what holds now: what happened, what consumers see, what to do."""
    from spark_jobs.cli.alerts import show

    show(load_settings(), domain, console, json=json)


@alerts.command("send")
def send_alerts(domain: DomainName) -> None:
    """Send what began, goes on and passed to NIGHTJAR_ALERT_CHANNELS, and write metrics; for a timer outside of
    Airflow."""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.notify.metrics import write_metrics
    from spark_jobs.notify.tell import tell

    settings = load_settings()
    described = find_domain(settings.conf_dir, domain)
    changes = tell(settings, described)
    write_metrics(settings, described)
    for change in changes:
        console.print(f"{change.status} {change.notice.title}", soft_wrap=True, markup=False)
    if not changes:
        console.print("Nothing changed.")


@alerts.command("acknowledge")
def acknowledge_alert(
    domain: DomainName,
    key: Annotated[str, typer.Option(help="Key of an open alert: see nightjar alerts list --json.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    until: Annotated[date, typer.Option(parser=_day, metavar="YYYY-MM-DD", help="Nobody is reminded before this day.")],
) -> None:
    """Note that somebody knows, so that nobody is reminded."""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.lakehouse.run_context import RunContext
    from spark_jobs.ledgers.alerts import acknowledge

    settings = load_settings()
    described = find_domain(settings.conf_dir, domain)
    acknowledge(RunContext.tonight(settings, described), key, reason, described.start_of(until))
    console.print(f"{key}: nobody is reminded before {until}.", soft_wrap=True)


@alerts.command("drill")
def drill_alerts(domain: DomainName) -> None:
    """Send the alert of a night that did not fail by every channel, and that it has passed: do they arrive?"""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.operations.drill import drill

    settings = load_settings()
    found = drill(settings, find_domain(settings.conf_dir, domain))
    console.print(f"Arrived by {', '.join(found.sent_by)}; look whether people saw it.", soft_wrap=True)


@app.command()
def status(
    domain: Annotated[str | None, typer.Option("--domain", "-d", help="Domain; default: all.")] = None,
    json: AsJson = False,
) -> None:
    """Say of every domain what serves and what is wrong; the exit code is 1 where something critical holds."""
    from spark_jobs.cli.status import show

    raise typer.Exit(show(load_settings(), domain, console, json=json))


@models.command("list")
def list_models(
    domain: DomainName,
    limit: Annotated[int, typer.Option(min=1, help="Versions to show.")] = 10,
    json: AsJson = False,
) -> None:
    """List registered versions: quality, aliases, and why each was promoted or refused."""
    from spark_jobs.cli.models import show

    show(load_settings(), domain, limit, console, json=json)


@models.command("promote")
def promote_model(
    domain: DomainName,
    version: Annotated[str, typer.Option(help="Registered model version that the next night scores with.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
) -> None:
    """Let the next night score with a version, whatever its evaluation said; ends a hold on another one."""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.operations.promotion import promote

    settings = load_settings()
    promote(settings, find_domain(settings.conf_dir, domain), version, reason)
    console.print(
        f"Version {version} scores from the next night on, and becomes champion when its lists are published."
    )


@models.command("refuse")
def refuse_model(
    domain: DomainName,
    version: Annotated[str, typer.Option(help="Registered model version.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
) -> None:
    """Write down that a version is not to serve; where the domain asks for approval it won't."""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.operations.promotion import refuse

    settings = load_settings()
    refuse(settings, find_domain(settings.conf_dir, domain), version, reason)
    console.print(f"Version {version} is refused.")


@models.command("export")
def export_model(
    domain: DomainName,
    version: Annotated[str, typer.Option(help="Registered model version.")],
    to: Annotated[Path, typer.Option(help="Folder to write, new or empty.")],
) -> None:
    """Write a version's ONNX model with its features and a page on how to serve it without Nightjar."""
    from spark_jobs.cli.models import export

    console.print(str(export(load_settings(), domain, version, to)), soft_wrap=True)


@app.command()
def simulate(
    first_day: Annotated[date, typer.Option(parser=_day, metavar="YYYY-MM-DD", help="First day.")],
    days: Annotated[int, typer.Option(min=1, help="Days to write.")],
    out: Annotated[Path | None, typer.Option(help="Folder; default: the retail domain's landing folder.")] = None,
    users: Annotated[int, typer.Option(min=1, help="Users.")] = 2_000,
    items: Annotated[int, typer.Option(min=1, help="Items.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Seed: equal seeds write equal files.")] = 7,
    dirt: Annotated[
        list[str] | None,
        typer.Option(help="Malformed records per event, such as no_user=0.01; again for another kind."),
    ] = None,
) -> None:
    """Write landing files of a simulated retail shop, day by day, with the planted truth beside them."""
    from pydantic import ValidationError

    from spark_jobs.simulator.shop import ShopSettings, simulate

    shares = {"dirt": dict(part.split("=", 1) for part in dirt if "=" in part)} if dirt else {}
    try:
        settings = ShopSettings(users=users, items=items, seed=seed, **shares)  # type: ignore[arg-type]
    except ValidationError as error:
        raise typer.BadParameter(str(error)) from None
    console.print(str(simulate(settings, out or load_settings().landing / "retail", first_day, days)), soft_wrap=True)


@app.command()
def jars() -> None:
    """Fetch the pinned Delta JARs, checked, into NIGHTJAR_JARS_DIR."""
    import subprocess

    from spark_jobs.contracts.settings import PROJECT_ROOT

    environment = os.environ | {
        "NIGHTJAR_JARS_DIR": str(load_settings().jars_dir),
        "NIGHTJAR_JARS_LOCK": str(PROJECT_ROOT / "jars.lock"),
    }
    script = str(PROJECT_ROOT / "scripts" / "fetch_jars.py")
    raise typer.Exit(subprocess.run([sys.executable, script], env=environment, check=False).returncode)


@app.command()
def maintain(domain: DomainName, json: AsJson = False) -> None:
    """Compact and vacuum the domain's tables: few files, no versions beyond NIGHTJAR_RETENTION_DAYS."""
    from spark_jobs.cli.maintenance import show
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.operations.maintenance import maintain as maintain_tables

    settings = load_settings()
    show(maintain_tables(settings, find_domain(settings.conf_dir, domain)), console, json=json)


@app.command(context_settings={"ignore_unknown_options": True})
def airflow(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="An airflow command to run in this installation.")
    ] = None,
    port: Annotated[int, typer.Option(envvar="NIGHTJAR_AIRFLOW_PORT", help="Port of the web UI on loopback.")] = 8080,
) -> None:
    """Serve the Airflow web UI until ctrl-C; or run an airflow command: `nightjar airflow dags list`."""
    from spark_jobs.cli.serve import run_airflow, serve

    if arguments:
        raise typer.Exit(run_airflow(load_settings(), port, arguments))
    serve(load_settings(), port, console)


@app.command()
def demo() -> None:
    """Run one night of MovieLens 100K through Airflow and show what it recommends."""
    from spark_jobs.cli.demo import run_demo

    run_demo(load_settings(), console)


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Fail if the pages are stale; write nothing.")] = False,
) -> None:
    """Write the reference pages and the JSON schema of domain files from the code."""
    from spark_jobs.cli.docs import run_docs

    raise typer.Exit(run_docs(check=check, console=console))


def main() -> None:
    """Run the command; failures that were foreseen are one message, and others are bugs with their traceback."""
    # Garbage collection at exit would look through all that was loaded, for a second.
    atexit.register(gc.freeze)
    try:
        app()
    except NightjarError as error:
        if getattr(getattr(error, "failure", None), "bug", False):
            traceback.print_exception(error.__cause__)
            complaints.print(REPORT_BUGS, soft_wrap=True)
        complaints.print(f"[red]error[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        complaints.print(REPORT_BUGS, soft_wrap=True)
        sys.exit(70)


if __name__ == "__main__":
    main()

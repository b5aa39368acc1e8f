"""The DAGs as Airflow loads them: the exact set, their edges, and what on-call relies on."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk.exceptions import AirflowFailException
from hypothesis import given
from hypothesis import strategies as st
from nightjar_airflow.leases import release_lease, take_lease
from nightjar_airflow.run_dates import run_date

from spark_jobs.contracts.domain import load_domain
from spark_jobs.contracts.job_catalog import NIGHT, STAGES, stage_order
from spark_jobs.contracts.settings import PROJECT_ROOT, load_settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.leases import Lease, LeaseTakenError, hold_lease
from tests.dags.conftest import load_dags, run_dag

CONF = PROJECT_ROOT / "conf"
MAINTENANCE = {f"maintenance_{load_domain(path).slug}" for path in CONF.glob("*.yaml")}
ROLLBACK = {name.replace("maintenance_", "rollback_") for name in MAINTENANCE}
PROMOTION = {name.replace("maintenance_", "promotion_") for name in MAINTENANCE}
DOMAINS = {f"night_{load_domain(path).slug}": load_domain(path) for path in CONF.glob("*.yaml")}


@pytest.fixture(scope="module")
def loaded(airflow_home: Path) -> dict[str, Any]:
    return load_dags(airflow_home, CONF)


def test_one_dag_per_domain_and_nothing_else(loaded: dict[str, Any]) -> None:
    assert loaded["errors"] == {}
    assert set(loaded["dags"]) == {*DOMAINS, *MAINTENANCE, *ROLLBACK, *PROMOTION}
    assert not loaded["pyspark"]


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_edges_are_those_of_the_catalogue_with_a_gate_before_training(loaded: dict[str, Any], name: str) -> None:
    tasks = loaded["dags"][name]["tasks"]
    edges = {(task, after) for task, found in tasks.items() for after in found["down"]}
    expected = {pair for pair in stage_order() if "train" not in pair}
    training = {("prepare", "train_due"), ("train_due", "train"), ("train", "training_over"), ("train", "complete")}
    training |= {("prepare", "publish"), ("training_over", "publish")}
    leases = {("take_lease", "prepare"), ("take_lease", "release_lease"), ("complete", "send_alerts")}

    leases |= {("take_lease", "send_alerts"), ("send_alerts", "release_lease")}

    assert edges == expected | training | leases | {("monitor", "complete")}


@pytest.mark.parametrize("name", sorted(ROLLBACK))
def test_a_rollback_asks_for_release_and_reason_and_never_runs_by_itself(loaded: dict[str, Any], name: str) -> None:
    dag = loaded["dags"][name]

    assert dag["params"]["release"] == {"type": "string", "minLength": 1}
    assert dag["params"]["reason"] == {"type": "string", "minLength": 3}
    assert set(dag["tasks"]) == {"roll_back"}
    assert dag["max_active_runs"] == 1


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_what_on_call_relies_on(loaded: dict[str, Any], name: str) -> None:
    dag = loaded["dags"][name]

    assert "| stage | what | jobs |" in dag["doc"]
    assert f"reports/{DOMAINS[name].domain}/<run date>/report.html" in dag["doc"]
    assert {"nightjar", "nightly", DOMAINS[name].domain} <= set(dag["tags"])
    assert dag["owner"] == "nightjar"
    assert dag["max_active_runs"] == 1
    assert dag["catchup"] is False
    assert dag["timeout"] > 0
    assert dag["params"]["run_date"] == {"type": ["null", "string"], "format": "date"}
    assert dag["params"]["force_training"] == {"type": "boolean"}

    for stage in NIGHT:
        task = dag["tasks"][stage.name]
        assert task["timeout"] == stage.timeout_minutes * 60
        assert task["retries"] == 2
        assert task["backoff"]


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_other_teams_can_follow_what_is_published(loaded: dict[str, Any], name: str) -> None:
    tasks, domain = loaded["dags"][name]["tasks"], DOMAINS[name].domain

    assert tasks["publish"]["outlets"] == [f"{domain}/gold.recommendations"]
    assert tasks["prepare"]["inlets"] == [f"{domain}/landing"]
    assert tasks["publish"]["inlets"] == tasks["prepare"]["outlets"]
    assert {link for task in STAGES for link in tasks[task]["links"]} == {"Nightjar", "Data Docs", "Report"}
    assert loaded["dags"][name]["deadlines"] == ["nightjar_airflow.alerts.night_is_late"]


@pytest.mark.parametrize(
    ("before", "decided", "states"),
    [
        ("success", "no", {"train": "skipped", "publish": "success", "complete": "success"}),
        # The night goes on where training failed, and the night is a failed one all the same.
        ("success", "yes", {"train": "failed", "publish": "success", "complete": "upstream_failed"}),
        ("failed", "no", {"train": "upstream_failed", "publish": "upstream_failed", "complete": "upstream_failed"}),
    ],
)
def test_a_night_without_training_and_one_whose_training_fails_publish_all_the_same(
    airflow_home: Path, home: Path, before: str, decided: str, states: dict[str, str]
) -> None:
    decision = {"run_date": date(2026, 1, 5), "decision": "train", "outcome": decided, "reason": "tested"}
    lakehouse = Lakehouse.of(load_settings(), "retail")
    lakehouse.append("ops.decisions", [decision | {"recorded_at": datetime.now(UTC)}], {})
    failing = ["train", *(["prepare"] if before == "failed" else [])]
    found = run_dag(airflow_home, home, "night_retail", {"run_date": "2026-01-05"}, failing)

    assert {name: found[name] for name in states} == states
    assert found["release_lease"] == "success"


def test_broken_domains_are_red_and_take_nobody_down(airflow_home: Path, tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    retail = (CONF / "retail.yaml").read_text()
    pin = "rules: {pin: [{item: a, place: 1, reason: b, until: 2026-02-30}]}"
    (conf / "zone.yaml").write_text("domain: zone\ntime_zone: Nowhere\n")
    (conf / "day.yaml").write_text(f"domain: day\n{pin}\n")
    (conf / "cron.yaml").write_text(re.sub("schedule: .*", "schedule: 0 25 * * *", retail).replace("retail", "cron"))
    (conf / "never.yaml").write_text(re.sub("schedule: .*", "schedule: 0 0 30 2 *", retail).replace("retail", "never"))
    (conf / "folder.yaml").mkdir()
    (conf / "big.yaml").write_bytes(b"#" * 1_000_000)
    (conf / "deep.yaml").write_text("[" * 5_000)
    (conf / "ending.yml").write_text(retail)
    for name in ("another", "movielens_100k", "sh\u00f6p & co"):
        (conf / f"{name}.yaml").write_text(retail)
    found = load_dags(airflow_home, conf)

    words = {
        "night_zone": "time_zone",
        "night_day": "2026-02-30",
        "night_cron": "25",
        "night_never": "schedule",
        "night_folder": "not a file",
        "night_big": "1,000,000 bytes",
        "night_deep": "nested too deeply",
        "night_ending.yml": "must be called ending.yaml",
        "night_another": "must equal the file's name 'another'",
        # Not the night of movielens-100k, which is whole.
        "night_movielens_100k.yaml": "must equal the file's name",
        "night_sh_p___co.yaml": "must equal the file's name",
    }
    assert found["errors"] == {}
    assert set(found["dags"]) == {*DOMAINS, *MAINTENANCE, *ROLLBACK, *PROMOTION, *words}
    for name, text in words.items():
        assert set(found["dags"][name]["tasks"]) == {"domain_file"}
        assert text in found["dags"][name]["doc"]
    for name in DOMAINS:
        assert set(found["dags"][name]["tasks"]) > {"publish"}


@given(
    st.datetimes(timezones=st.just(ZoneInfo("UTC"))).filter(lambda moment: 1971 < moment.year < 2100),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"]),
)
def test_a_run_date_is_the_local_day_the_interval_ends_on(moment: Any, zone: str) -> None:
    found = run_date(SimpleNamespace(data_interval_end=moment, logical_date=None), {}, zone)
    assert found == str(moment.astimezone(ZoneInfo(zone)).date())


def test_runs_of_a_dag_exclude_each_other_and_with_nights_by_hand(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = {"first", "second"}
    ti = SimpleNamespace(dag_id="night_shop", get_dr_count=lambda run_ids, **_: len(running & set(run_ids)))
    first, second = (SimpleNamespace(run_id=name, run_type="manual") for name in ("first", "second"))

    assert take_lease("shop", ti, first)
    assert take_lease("shop", ti, first)
    assert not take_lease("shop", ti, second)
    assert "written by Airflow run first since" in capsys.readouterr().out

    running.remove("first")  # killed, so that it never released its lease

    assert take_lease("shop", ti, second)

    shop = Lakehouse.of(load_settings(), "shop")

    with pytest.raises(LeaseTakenError, match="Airflow run second"), hold_lease(shop, Lease.of_this_process("night")):
        pass

    release_lease("shop", "second")
    with hold_lease(shop, Lease.of_this_process("night")):
        assert not take_lease("shop", ti, first)

    assert take_lease("shop", ti, first)


def test_a_scheduled_night_refuses_code_that_nobody_can_find_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ti = SimpleNamespace(dag_id="night_shop", get_dr_count=lambda **_: 0)
    scheduled, by_hand = (SimpleNamespace(run_id=kind, run_type=kind) for kind in ("scheduled", "manual"))
    monkeypatch.setenv("NIGHTJAR_CODE_VERSION", "3fa2b1c-dirty")

    with pytest.raises(AirflowFailException, match=r"not committed \(git status\).*NIGHTJAR_ALLOW_UNCOMMITTED=true"):
        take_lease("shop", ti, scheduled)
    assert take_lease("shop", ti, by_hand)

    release_lease("shop", "manual")
    monkeypatch.setenv("NIGHTJAR_ALLOW_UNCOMMITTED", "true")

    assert take_lease("shop", ti, scheduled)


def test_a_domain_that_wants_approval_asks_and_does_not_wait(airflow_home: Path, tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    text = (conf / "retail.yaml").read_text()
    (conf / "retail.yaml").write_text(text.replace("train: {", "train: {approval: required, "))
    found = load_dags(airflow_home, conf)

    assert found["errors"] == {}

    tasks = found["dags"]["night_retail"]["tasks"]

    assert set(tasks["train"]["down"]) == {"training_over", "approval_due", "complete"}
    assert tasks["approval_due"]["down"] == ["ask_for_approval"]
    # The night is red where nobody could be asked, and its lists do not depend on it.
    assert tasks["ask_for_approval"]["down"] == ["complete"]
    assert "approval_due" not in found["dags"]["night_movielens_100k"]["tasks"]


def test_the_question_to_a_person_shows_the_card_and_wants_a_reason(loaded: dict[str, Any]) -> None:
    for name in PROMOTION:
        dag = loaded["dags"][name]
        assert dag["params"]["version"] == {"type": "string", "pattern": "^[0-9]+$"}
        tasks = {task: found["down"] for task, found in dag["tasks"].items()}
        assert tasks == {"show_version": ["decide"], "decide": ["record_answer"], "record_answer": []}


def test_the_param_wins_and_must_be_a_date() -> None:
    run = SimpleNamespace(data_interval_end=None, logical_date=None, run_after=None)

    assert run_date(run, {"run_date": "1998-04-23"}, "UTC") == "1998-04-23"
    with pytest.raises(ValueError, match="Invalid isoformat"):
        run_date(run, {"run_date": "yesterday"}, "UTC")

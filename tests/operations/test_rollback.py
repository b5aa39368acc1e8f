"""Rolling back: lists and model together, whole or not at all, and a pin that nights respect; without Spark."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from nightjar_airflow.promotions import PROMOTE, REFUSE, describe_version, record_answer, waiting_version
from rich.console import Console

from spark_jobs.cli.releases import show
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.decisions import Outcome, held_model, latest, latest_about, promotion_candidate
from spark_jobs.ledgers.leases import Lease, LeaseTakenError, hold_lease
from spark_jobs.ledgers.releases import HISTORY, LEDGER, SERVED, UnknownReleaseError, champion, published, serving
from spark_jobs.operations import rollback as module
from spark_jobs.operations.promotion import NoReasonError, promote, refuse
from spark_jobs.operations.rollback import RollbackError, roll_back
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry
from tests.nights import write_domain

USERS = 3


class Shop:
    """A domain with releases made by hand, as nights leave them."""

    def __init__(self, home: Path) -> None:
        self.domain: Domain = write_domain(home)
        self.settings = Settings(home=home, conf_dir=home / "conf", code_version="tested")
        self.lakehouse = Lakehouse.of(self.settings, self.domain)
        self.registry = ModelRegistry(self.settings, self.domain)
        self.clock = datetime.now(UTC) - timedelta(hours=1)

    def train(self, day: date) -> str:
        data = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})
        booster = xgb.train({"objective": "rank:ndcg"}, xgb.DMatrix(data, [0, 1], qid=[0, 0]), 1)
        tags = {"run_date": str(day), "examples_digest": "x", "code_version": "tested"}
        made = self.registry.register(
            booster, tested=booster, params={}, domain=self.domain, inputs=[], tags=tags, example=data
        )
        return made.number

    def decide(self, decision: str, day: date, outcome: str = "yes", version: str | None = None) -> None:
        row = {"decision": decision, "outcome": outcome, "reason": "why", "model_version": version}
        self.lakehouse.append("ops.decisions", [row | {"run_date": day, "recorded_at": self.tick()}], {})

    def publish(self, name: str, day: date, version: str, item: str) -> None:
        lists = [
            {"user_id": f"u{k}", "rank": 1, "item_id": item, "title": item, "score": 1.0, "sources": ["als"]}
            | {"reason": "why", "run_date": day, "release": name, "model_version": version}
            for k in range(USERS)
        ]
        rows = pa.Table.from_pylist(lists, schema=arrow_schema(TABLES[SERVED]))
        self.lakehouse.replace(HISTORY, rows, f"release = '{name}'", {})
        self.lakehouse.replace(SERVED, rows, None, {})
        facts = {"release": name, "kind": "publish", "model_version": version, "inputs": {}, "domain_digest": "d"}
        facts |= {"code_version": "tested", "users": USERS, "rows": USERS, "serving": True, "churn": 0.5}
        self.lakehouse.append(LEDGER, [facts | {"run_date": day, "recorded_at": self.tick()}], {})
        self.decide("publish", day)
        self.registry.follow(version)

    def tick(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def aliases(self) -> dict[str, str]:
        found = mlflow.MlflowClient(self.settings.tracking_uri()).get_registered_model("nightjar.shop").aliases
        return {name: str(version) for name, version in found.items()}

    def items(self) -> set[str]:
        return set(self.lakehouse.query("SELECT item_id FROM s", s=SERVED)["item_id"].to_pylist())


@pytest.fixture
def shop(home: Path) -> Shop:
    """Two releases by two models: `good` yesterday, `bad` tonight."""
    made = Shop(home)
    tonight = made.domain.tonight()
    made.publish("good", tonight - timedelta(days=1), made.train(tonight - timedelta(days=1)), "old")
    made.publish("bad", tonight, made.train(tonight), "new")
    return made


def consistent(shop: Shop, release: str, version: str, item: str) -> None:
    now = serving(shop.lakehouse)
    assert now is not None
    assert (now.release, now.model_version) == (release, version)
    assert champion(shop.lakehouse) == version
    assert shop.items() == {item}
    assert shop.aliases()["champion"] == version


def test_lists_and_model_go_back_together_and_forward_by_the_same_command(shop: Shop) -> None:
    consistent(shop, "bad", "2", "new")
    done = roll_back(shop.settings, shop.domain, "good", "lists are off", by="anna")

    assert (done.release, done.before, done.rows) == ("good", "bad", USERS)
    assert done.seconds < 10

    consistent(shop, "good", "1", "old")

    assert shop.aliases()["previous"] == "2"

    row = published(shop.lakehouse, 1)[0]

    assert (row["kind"], row["release"], row["reason"], row["by"]) == ("rollback", "good", "lists are off", "anna")

    roll_back(shop.settings, shop.domain, "bad", "it was the data")
    consistent(shop, "bad", "2", "new")


class Killed(BaseException):
    """Stands for a process that dies: nothing catches it."""


STEPS = ("_hold_model", "copy_rows", "_record", "follow")


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_lists_and_champion_agree_and_the_command_again_finishes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, done: bool
) -> None:
    owner: Any = {"copy_rows": Lakehouse, "follow": ModelRegistry}.get(step, module)
    real = getattr(owner, step)

    def dies(*arguments: Any) -> None:
        if done:
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, dies)
        with pytest.raises(Killed):
            roll_back(shop.settings, shop.domain, "good", "lists are off")
    now = serving(shop.lakehouse)

    assert now is not None
    # Whatever is served, the next night scores with its model, and no new one gets in once the pin is written.
    assert champion(shop.lakehouse) == now.model_version == {"good": "1", "bad": "2"}[now.release]

    roll_back(shop.settings, shop.domain, "good", "lists are off")
    consistent(shop, "good", "1", "old")

    assert [row["kind"] for row in published(shop.lakehouse, 9)] == ["rollback", "publish", "publish"]

    held = held_model(shop.lakehouse, shop.domain.tonight())

    assert held is not None
    assert held.model_version == "1"


def candidate(shop: Shop, run_date: date) -> str | None:
    found = promotion_candidate(shop.lakehouse, run_date)
    return found.model_version if found else None


def test_a_promotion_is_not_lost_with_the_night_whose_publish_failed(shop: Shop) -> None:
    tonight = shop.domain.tonight()
    shop.decide("promote", tonight, version="2")
    shop.decide("promote", tonight + timedelta(days=1), "no", version="3")

    assert candidate(shop, tonight + timedelta(days=1)) == "2"

    shop.publish("later", tonight + timedelta(days=1), "2", "i")

    assert candidate(shop, tonight + timedelta(days=2)) is None


def test_refusing_one_version_takes_back_no_other(shop: Shop) -> None:
    tonight = shop.domain.tonight()
    shop.decide("choose", tonight, "yes", "7")
    shop.decide("choose", tonight, "no", "8")

    assert candidate(shop, tonight) == "7"

    shop.decide("choose", tonight, "no", "7")

    assert candidate(shop, tonight) is None


def test_a_pin_holds_against_trainings_until_somebody_promotes(shop: Shop) -> None:
    tonight = shop.domain.tonight()
    shop.decide("promote", tonight, version="2")

    assert candidate(shop, tonight) == "2"

    roll_back(shop.settings, shop.domain, "good", "lists are off")

    assert candidate(shop, tonight) is None, "a rerun of tonight keeps the held model"
    assert champion(shop.lakehouse, until=tonight) == "1"

    promote(shop.settings, shop.domain, "2", "it was the data", by="anna")

    assert held_model(shop.lakehouse, tonight) is None
    assert candidate(shop, tonight + timedelta(days=1)) == "2"
    assert champion(shop.lakehouse) == "1", "until its lists are published"


def test_bad_requests_say_why_and_change_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: shop.lakehouse.version(name) for name in (SERVED, LEDGER, "ops.decisions")}

    with pytest.raises(UnknownReleaseError, match=r"no published release 'nope'; the latest are bad, good\."):
        roll_back(shop.settings, shop.domain, "nope", "why")
    with pytest.raises(NoReasonError, match="Give a reason"):
        roll_back(shop.settings, shop.domain, "good", "  ")
    with (
        hold_lease(shop.lakehouse, Lease.of("night 2026-11-25")),
        pytest.raises(LeaseTakenError, match="written by night 2026-11-25"),
    ):
        roll_back(shop.settings, shop.domain, "good", "why")
    with pytest.raises(ModelNotFoundError, match="version 9"):
        promote(shop.settings, shop.domain, "9", "why")
    with pytest.raises(NoReasonError, match="Give a reason"):
        promote(shop.settings, shop.domain, "2", "")

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    down = shop.settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:9"})

    with pytest.raises(mlflow.exceptions.MlflowException):
        roll_back(down, shop.domain, "good", "why")
    assert {name: shop.lakehouse.version(name) for name in before} == before


def test_what_is_gone_is_named(shop: Shop) -> None:
    client = mlflow.MlflowClient(shop.settings.tracking_uri())
    client.delete_registered_model_alias("nightjar.shop", "previous")
    client.delete_model_version("nightjar.shop", "1")

    with pytest.raises(ModelNotFoundError, match=r"nightjar\.shop version 1 can't be loaded"):
        roll_back(shop.settings, shop.domain, "good", "why")

    shop.lakehouse.delete(HISTORY, "release = 'good' AND user_id = 'u0'", {})

    with pytest.raises(RollbackError, match=r"holds 2 of its 3 rows.*Nothing was changed"):
        roll_back(shop.settings, shop.domain, "good", "why")

    consistent(shop, "bad", "2", "new")


def test_the_champion_of_a_past_date_is_what_served_then(shop: Shop) -> None:
    tonight = shop.domain.tonight()

    assert champion(shop.lakehouse, until=tonight - timedelta(days=1)) == "1"
    assert champion(shop.lakehouse, until=tonight - timedelta(days=2)) is None
    assert champion(shop.lakehouse, until=tonight) == champion(shop.lakehouse) == "2"


def test_a_model_that_goes_on_serving_is_not_its_own_predecessor(shop: Shop) -> None:
    tonight = shop.domain.tonight()
    shop.publish("better", tonight, "2", "newer")

    assert shop.aliases() == {"champion": "2", "previous": "1"}


def test_the_page_shows_what_serves_and_who_put_it_back(shop: Shop) -> None:
    roll_back(shop.settings, shop.domain, "good", "lists are off", by="anna")
    narrow = Console(record=True, width=60)
    shop.publish("a-release-with-a-long-name-2026-11-25-bf0f49", shop.domain.tonight(), "1", "old")
    show(shop.settings, "shop", 5, narrow)

    assert "a-release-with-a-long-name-2026-11-25-bf0f49" in narrow.export_text()

    roll_back(shop.settings, shop.domain, "good", "lists are off", by="anna")
    console = Console(record=True, width=160)
    show(shop.settings, "shop", 5, console)
    lines = console.export_text().splitlines()

    assert "serving rollback by anna: lists are off" in lines[1]
    assert "50%" in lines[2]
    assert lines[-1].startswith("Held: version 1 stays until nightjar models promote")


def answered(option: str, reason: str | None, person: str | None) -> dict[str, Any]:
    """An answer as Airflow's human-in-the-loop operator returns it."""
    return {
        "chosen_options": [option],
        "params_input": {"reason": reason} if reason else {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": person, "name": person} if person else None,
    }


@pytest.mark.parametrize(
    ("option", "reason", "person", "outcome", "told"),
    [
        (PROMOTE, "looked at the report", "anna", "yes", "promoted by anna: looked at the report"),
        (REFUSE, "too many toys", "anna", "no", "refused by anna: too many toys"),
        (REFUSE, None, None, "no", "refused by Airflow: nobody answered in time"),
    ],
)
def test_what_a_person_answers_in_airflow_is_done_and_recorded(
    shop: Shop, option: str, reason: str | None, person: str | None, outcome: str, told: str
) -> None:
    tonight = shop.domain.tonight()
    unpublished = shop.train(tonight)

    assert waiting_version("shop", str(tonight)) is None

    shop.decide("promote", tonight, Outcome.WAITS, unpublished)

    assert waiting_version("shop", str(tonight)) == unpublished
    assert candidate(shop, tonight) is None

    record_answer("shop", unpublished, answered(option, reason, person))
    answer = latest_about(shop.lakehouse, "choose", unpublished)

    assert answer is not None
    assert answer.outcome == outcome
    assert candidate(shop, tonight + timedelta(days=1)) == (unpublished if outcome == "yes" else None)
    assert shop.registry.describe(unpublished).tags["promotion"] == told
    # It is not asked again when the night is run again, and its card says the last word.
    assert told in describe_version("shop", unpublished)


def test_a_challenger_is_one_until_it_serves(shop: Shop) -> None:
    tonight = shop.domain.tonight()
    number = shop.train(tonight)
    shop.registry.challenge(shop.registry.describe(number))

    assert shop.aliases() == {"champion": "2", "previous": "1", "challenger": number}

    shop.publish("third", tonight, number, "newer")

    assert shop.aliases() == {"champion": number, "previous": "2"}


def test_a_refusal_needs_a_reason_and_a_version_that_is_there(shop: Shop) -> None:
    with pytest.raises(NoReasonError, match="Give a reason"):
        refuse(shop.settings, shop.domain, "2", " ")
    with pytest.raises(ModelNotFoundError, match="version 9"):
        refuse(shop.settings, shop.domain, "9", "why")
    assert latest(shop.lakehouse, "choose") is None

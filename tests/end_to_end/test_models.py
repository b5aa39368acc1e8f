"""Models of a night: their ONNX twin alone, and the choice of a smaller one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import xgboost as xgb
from rich.console import Console

from spark_jobs.cli.models import ExportError, export, show
from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers.releases import champion
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry
from spark_jobs.train.compare_variants import run as compare_variants
from spark_jobs.train.export_ranker import run as export_ranker
from spark_jobs.train.train_ranker import run as train_ranker

PAGE = PROJECT_ROOT / "docs" / "how-to" / "serve-as-onnx.md"


def serving(shop: Night) -> str:
    version = champion(shop.lakehouse, until=shop.run_date)
    assert version is not None
    return version


def snippet(page: Path) -> str:
    """The Python of a page."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))


def run(text: str) -> dict[str, Any]:
    """Run a snippet; the names it defines."""
    names: dict[str, Any] = {}
    exec(text, names)
    return names


def test_the_page_orders_candidates_as_the_native_model_does(
    shop: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = serving(shop)
    folder = export(shop.settings, "retail", version, tmp_path / "ranker-1")

    assert {file.name for file in folder.iterdir()} == {"ranker.onnx", "features.json", "README.md"}

    page = snippet(PAGE)

    assert "spark_jobs" not in page
    assert "xgboost" not in page

    monkeypatch.chdir(tmp_path)
    gold = Path(shop.lakehouse.uri("gold.training_examples"))
    names = run(page.replace(".nightjar/lakehouse/movielens-100k/gold/training_examples", str(gold)))
    ordered, features = names["ordered"], names["features"]
    booster = ModelRegistry(shop.settings, shop.domain).load(version)

    assert features == booster.feature_names

    native = booster.predict(xgb.DMatrix(ordered[features]))

    assert np.abs(native - ordered["score"]).max() <= 1e-5

    mine = ordered.assign(native=native.astype(np.float64)).sort_values(
        ["query", "native", "item_id"], ascending=[True, False, True]
    )
    firsts = [frame.groupby("query").head(10)[["query", "item_id"]].to_numpy().tolist() for frame in (ordered, mine)]

    assert firsts[0] == firsts[1]
    assert "ai.onnx.ml 1" in (folder / "README.md").read_text()

    monkeypatch.chdir(folder)

    assert run(snippet(folder / "README.md"))["scores"](ordered) == pytest.approx(ordered["score"])


def test_versions_are_listed_with_quality_aliases_and_verdict(shop: Night) -> None:
    console = Console(record=True, width=250)
    show(shop.settings, "retail", 10, console)
    line = next(row for row in console.export_text().splitlines() if row.startswith(f"{serving(shop)} "))

    assert str(shop.run_date) in line
    assert "promoted: better than every baseline" in line


def test_what_can_not_be_exported_says_why(shop: Night, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()

    with pytest.raises(ExportError, match="there already"):
        export(shop.settings, "retail", serving(shop), tmp_path / "used")
    with pytest.raises(ModelNotFoundError, match=r"nightjar\.retail version 99 can't be loaded"):
        export(shop.settings, "retail", "99", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_every_training_says_what_smaller_models_cost(shop: Night) -> None:
    rows = shop.read("ops.model_variants").where(f"model_version = '{serving(shop)}'").collect()
    tried = [row for row in rows if row.ndcg_at_10 is not None]

    assert {"full", "best_source"} <= {row.variant for row in tried}
    assert [row.variant for row in rows if row.chosen] == ["full"]

    page = (shop.settings.home / "reports" / "retail" / str(shop.run_date) / "report.html").read_text()
    for row in rows:
        assert row.variant in page


def test_a_domain_that_prefers_smaller_models_gets_one(shop: Night) -> None:
    train = shop.domain.train.model_copy(update={"prefer_smaller": "99%"})
    domain = shop.domain.model_copy(update={"train": train})
    night = Night(shop.settings, domain, shop.run_date, spark=shop.spark)
    registry = ModelRegistry(shop.settings, domain)
    before = registry.require_trained_on(shop.run_date)
    versions = []
    try:
        train_ranker(night.for_job())
        versions.append(registry.require_trained_on(shop.run_date))
        # What the domain prefers decides what comes out: the version that was made without it is not reused.
        assert versions[0].number != before.number
        compare_variants(night.for_job())
        versions.append(registry.require_trained_on(shop.run_date))
        variant = versions[1].tags["variant"]
        rows = shop.read("ops.model_variants").where(f"model_version = '{versions[1].number}'").collect()
        assert [row.variant for row in rows if row.chosen] == [variant] != ["full"]
        smaller, full = (len(registry.load(version.number).save_raw("ubj")) for version in reversed(versions))
        assert smaller < full / 2
        export_ranker(night.for_job())
        assert registry.load_onnx(versions[1].number)
        # A rerun finds it, and neither trains nor chooses again.
        train_ranker(night.for_job())
        compare_variants(night.for_job())
        assert registry.require_trained_on(shop.run_date).number == versions[1].number
        # The domain as it was gets its own ranker again, not the one that was tried in between.
        train_ranker(shop.for_job())
        versions.append(registry.require_trained_on(shop.run_date))
        assert versions[2].tags["examples_digest"] == before.tags["examples_digest"]
        assert "variant" not in versions[2].tags
    finally:
        client = mlflow.MlflowClient(shop.settings.tracking_uri())
        for version in {version.number for version in versions} - {before.number}:
            client.delete_model_version("nightjar.retail", version)

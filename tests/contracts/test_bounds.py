"""What one odd value, folder or machine may not do to the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from spark_jobs.contracts.settings import SettingsError, load_settings
from spark_jobs.recommender import memory
from spark_jobs.recommender.arrays.attributes import LONGEST, texts
from spark_jobs.recommender.arrays.item_events import ItemEvents
from spark_jobs.reports.plots import category_plot


@pytest.mark.parametrize("sign", ["[", "^", "%"])
def test_a_home_that_delta_can_not_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path / f"a{sign}b"))

    with pytest.raises(SettingsError, match=r"NIGHTJAR_HOME: .*choose another folder"):
        load_settings()


def test_one_long_attribute_widens_nobody_elses() -> None:
    values = texts(pa.array(["a", "x" * 20_000, None]))

    assert values.tolist() == ["a", "x" * LONGEST, ""]
    assert values.nbytes <= 3 * LONGEST * 4


def test_one_long_id_widens_no_array_of_ids() -> None:
    histories = pa.table(
        {"user_id": ["u"], "item_ids": [["b", "i" * 1_000, "b", "a"]], "weights": [[1.0] * 4], "ages_days": [[1.0] * 4]}
    )
    events = ItemEvents.of(histories)

    assert events.item_ids.tolist() == ["b", "a", "i" * 1_000]
    assert events.items.tolist() == [0, 2, 0, 1]
    assert events.item_ids.dtype == np.dtype(object)


def test_files_that_the_kernel_gives_up_are_free_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 700\n")

    assert memory.free_bytes() == 800


def test_a_category_that_looks_like_a_formula_is_drawn(tmp_path: Path) -> None:
    row = {"slice": "category: 50% off $x_$", "model": "ranker", "value": 0.5, "metric": "recall_at_20", "users": 3}

    drawn = category_plot([row | {"low": 0.4, "high": 0.6}], tmp_path / "plot.svg")

    assert drawn is not None
    assert "50% off $x_$" in drawn.read_text()

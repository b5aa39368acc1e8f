"""What does not fit says so before it starts."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from spark_jobs.recommender.memory import LESS_SCORING, WontFitError, free_bytes, require_memory
from tests.recommender.builders import make_index


def test_what_fits_may_start_and_what_does_not_is_told_how_much_there_is() -> None:
    require_memory(1_000, "A little")

    assert free_bytes() > 1_000
    with pytest.raises(WontFitError, match=r"Training needs about 1,?024\.0 GiB of memory, and [\d.]+ GiB are free"):
        require_memory(2**40, "Training")


def test_a_catalogue_is_asked_for_before_it_is_sent_to_workers() -> None:
    """The index as it is sent, and what a worker makes of it: transposed neighbours, products of factors."""
    index = make_index(2_000)
    made = [index.neighbours_of, index.category_popularity, index.new_content, index.fitted["als"].products]
    held = sum(part.nbytes if isinstance(part, np.ndarray) else part.data.nbytes for part in made)

    assert 0.5 < index.worker_bytes / held < 3
    assert index.shared_bytes == pytest.approx(len(pickle.dumps(index)), rel=0.2)

    larger = make_index(4_000)

    assert larger.worker_bytes == pytest.approx(2 * index.worker_bytes, rel=0.1)
    assert larger.shared_bytes == pytest.approx(2 * index.shared_bytes, rel=0.1)
    with pytest.raises(
        WontFitError, match=r"Scoring .* are free\. Switch candidate sources off .*, or a larger machine"
    ):
        require_memory(2**40, "Scoring with 500,000 items in 2 workers", LESS_SCORING)

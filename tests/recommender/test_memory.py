"""What does not fit says so before it starts."""

from __future__ import annotations

import pytest

from spark_jobs.recommender.memory import WontFitError, free_bytes, require_memory


def test_what_fits_may_start_and_what_does_not_is_told_how_much_there_is() -> None:
    require_memory(1_000, "A little")
    assert free_bytes() > 1_000
    with pytest.raises(WontFitError, match=r"Training needs about 1,?024\.0 GiB of memory, and [\d.]+ GiB are free"):
        require_memory(2**40, "Training")

"""The examples in docstrings are run: what a docstring shows is what the function gives."""

from __future__ import annotations

import doctest
import importlib

import pytest

from spark_jobs.contracts.settings import PROJECT_ROOT

MODULES = sorted(
    ".".join(path.relative_to(PROJECT_ROOT).with_suffix("").parts)
    for path in (PROJECT_ROOT / "spark_jobs").rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))

    assert results.attempted > 0
    assert results.failed == 0


def test_pure_functions_have_examples() -> None:
    documented = [
        test.name
        for name in MODULES
        for test in doctest.DocTestFinder().find(importlib.import_module(name))
        if test.examples
    ]

    assert len(documented) >= 40

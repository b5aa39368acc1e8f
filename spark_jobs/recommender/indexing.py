"""Build the retrieval index of a snapshot from the tables that describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import SparkContext
from scipy import sparse

from spark_jobs.contracts.domain.policies import CandidateSource
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.sharing import SharedIndex, share
from spark_jobs.recommender.features.content import catalogue_numbers, content_matrix
from spark_jobs.recommender.memory import give_back
from spark_jobs.recommender.sources import SOURCES, candidates_per_source

NEW_DAYS = 28.0
"""Days for which an item is new."""


def index_as_of(
    snapshot: Callable[[str], pa.RecordBatchReader], per_user: Mapping[CandidateSource, int]
) -> RetrievalIndex:
    """The index of one snapshot from its tables; catalogue-sized, so it may reach the driver.

    `per_user` is those of the domain file.
    """
    features = snapshot("gold.item_features").read_all().sort_by("item_id")
    item_ids = features["item_id"].combine_chunks().cast(pa.string())
    names = [name for name in features.column_names if "popularity" in name]
    listed_days = features["listed_days"].to_numpy()
    categories, category_names = _categories(features["categories"].combine_chunks())
    index = RetrievalIndex(
        item_ids=item_ids,
        titles=features["title"].combine_chunks().cast(pa.string()),
        eligible=features["eligible"].to_numpy(),
        popularity={name: features[name].to_numpy() for name in names},
        age_days=features["age_days"].to_numpy(),
        mean_weight=features["mean_weight"].to_numpy(),
        categories=categories,
        category_names=category_names,
        content=content_matrix(features["categories"].combine_chunks(), features["attributes"].combine_chunks()),
        numbers=catalogue_numbers(
            features["title"].combine_chunks().cast(pa.string()), features["attributes"].combine_chunks()
        ),
        newness=np.where(listed_days < NEW_DAYS, 1.0 / (1.0 + np.maximum(listed_days, 0.0)), 0.0),
        usual_position=features["usual_position"].to_numpy(),
        repeat_share=features["repeat_share"].to_numpy(),
        candidates_per_source=candidates_per_source(per_user),
        fitted=_fitted(snapshot, item_ids),
    )
    del features
    # What building it took: with 275,000 items .4 GiB.
    give_back()
    return index


def shared_index(
    context: SparkContext,
    stream: Callable[..., pa.RecordBatchReader],
    day: date,
    per_user: Mapping[CandidateSource, int],
) -> SharedIndex:
    """The index of the date's snapshot, where workers find it; `stream(table, as_of=day)` reads the rows of a date."""
    return share(context, index_as_of(partial(stream, as_of=day), per_user))


def _fitted(snapshot: Callable[[str], pa.RecordBatchReader], item_ids: pa.StringArray) -> dict[str, Any]:
    """What each source fitted; a table that several share is read once."""
    fitted = {name: source.fitted for name, source in SOURCES.items() if source.fitted}
    tables = {model.table: model.arrays for model in fitted.values()}
    arrays_by_source: dict[str, Any] = {}
    for table, arrays in tables.items():
        arrays_by_source |= arrays(snapshot(table), item_ids, [name for name in fitted if fitted[name].table == table])
    return arrays_by_source


def _categories(lists: pa.ListArray) -> tuple[sparse.csr_matrix, tuple[str, ...]]:
    encoded = pc.list_flatten(lists).dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy()
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    shape = (len(lists), max(len(encoded.dictionary), 1))
    matrix = sparse.csr_matrix((1.0 / lengths[rows], (rows, encoded.indices.to_numpy())), shape=shape)
    return matrix, tuple(encoded.dictionary.to_pylist())

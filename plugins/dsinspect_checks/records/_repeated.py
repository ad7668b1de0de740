"""A check for keys that must be there once only, over all shards."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import pandas as pd

from dsinspect.checks import BaseOptions, Batch, Check, Findings, Result
from dsinspect.model import DatasetInfo

State = tuple[pd.DataFrame, ...]
WHERE = ("image", "split", "source", "line", "index")


class RepeatedKey(Check[State, BaseOptions]):
    """Reports every record but the first with a key; a subclass says what the key is and how to tell it.

    The state holds the keys and places of all records: a repetition may lie in any two shards. A record is told from
    others by its source and index, so the order in which shards come does not matter.
    """

    @abstractmethod
    def keys(self, batch: Batch) -> pd.DataFrame:
        """Return one row per record: the key in columns starting with `key`, and the columns the finding needs."""

    @abstractmethod
    def report(self, repeated: pd.DataFrame) -> Findings:
        """Return the findings of the repeated records; `first` and `count` are added columns."""

    def map(self, batch: Batch) -> State:
        """Keep keys and places."""
        frame = self.keys(batch)
        return (frame,) if len(frame) else ()

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Find the keys that occur again."""
        if not state:
            return Result()
        frame = pd.concat(state, ignore_index=True)
        columns = [c for c in frame.columns if c.startswith("key")]
        twice = frame[frame.duplicated(columns, keep=False)]
        if not len(twice):
            return Result()
        twice = twice.sort_values([*columns, "source", "index"], kind="stable").reset_index(drop=True)
        groups = twice.groupby(columns, sort=False, dropna=False)
        again = groups.cumcount().to_numpy() > 0
        extra: dict[str, Any] = {"first": groups["image"].transform("first"), "count": groups["image"].transform("size")}
        return Result(self.report(twice.assign(**extra)[again].reset_index(drop=True)))


def image_records(batch: Batch, **keys: Any) -> pd.DataFrame:
    """Return keys and places of the images."""
    images = batch.images
    places = {"image": images["path"], **{c: images[c] for c in WHERE[1:]}}
    return _frame({**keys, **places})


def annotation_records(batch: Batch, **keys: Any) -> pd.DataFrame:
    """Return keys and places of the annotations."""
    a = batch.annotations
    rows = a["image_row"].to_numpy()
    paths = np.concatenate([batch.images["path"].to_numpy(), np.array([None], object)])[rows]
    splits = np.concatenate([batch.images["split"].to_numpy(), np.array([None], object)])[rows]
    places = {"image": paths, "split": splits, "category": a["category"], "annotation_id": a["annotation_id"],
              **{c: a[c] for c in ("source", "line", "index", "x_min", "y_min", "x_max", "y_max")}}
    return _frame({**keys, **places})


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({k: pd.Series(np.asarray(v), dtype=np.asarray(v).dtype) for k, v in columns.items()})


def place_columns(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of a frame that say where a finding is."""
    names = ("image", "split", "category", "annotation_id", "source", "line", "index", "x_min", "y_min", "x_max",
             "y_max")
    return {n: frame[n].to_numpy() for n in names if n in frame}

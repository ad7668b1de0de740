"""A check for keys that must be there once only, over all shards."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result
from dsinspect.tables.columns import Columns, codes_of, is_constant
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._places import places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[Columns, ...]
WHERE = ("image", "split", "source", "line", "index")


class RepeatedKey(Check[State, BaseOptions]):
    """Reports every record but the first with a key; a subclass says what the key is and how it is reported.

    The state holds the keys and places of all records: a repetition may lie in any two shards. A record differs from
    others by its source and index, so the order in which shards come does not matter.
    """

    @abstractmethod
    def keys(self, batch: Batch) -> Columns:
        """Return one row per record: the key in columns starting with `key`, and the columns the finding needs."""

    @abstractmethod
    def report(self, repeated: Columns) -> Findings:
        """Return the findings of the repeated records; `first` and `count` are added columns."""

    def map(self, batch: Batch) -> State:
        """Keep keys and places."""
        table = self.keys(batch)
        return (table,) if len(table) else ()

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Find the keys that occur again."""
        if not state:
            return Result()
        table = Columns.concat(state)
        keys = [table[name] for name in table if name.startswith("key")]
        keys = [k for k in keys if not is_constant(k)] or keys
        if len(keys) == 1 and _all_differ(keys[0]):  # mostly: one file, and no id twice
            return Result()
        codes = _joint_codes(keys)
        counts = np.bincount(codes)
        if counts.max() < 2:
            return Result()
        twice = np.flatnonzero(counts[codes] > 1)
        sources, index = table["source"][twice].tolist(), table["index"][twice].tolist()
        groups: dict[int, list[int]] = {}
        for place in sorted(range(len(twice)), key=lambda k: (str(sources[k]), index[k])):
            groups.setdefault(int(codes[twice[place]]), []).append(int(twice[place]))
        again = np.array([row for rows in groups.values() for row in rows[1:]], np.intp)
        first = np.array([rows[0] for rows in groups.values() for _ in rows[1:]], np.intp)
        return Result(self.report(table.take(again).with_columns(
            {"first": table["image"][first], "count": counts[codes[again]]})))


def _all_differ(column: NDArray[Any]) -> bool:
    if column.dtype.kind == "O":
        return len(set(column.tolist())) == len(column)
    in_order = np.sort(column)
    return not bool((in_order[1:] == in_order[:-1]).any())


def _joint_codes(columns: list[NDArray[Any]]) -> NDArray[np.int64]:
    """Number the combinations of values: equal rows have equal numbers."""
    joint = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes, kinds = codes_of(column) if column.dtype.kind == "O" else (np.unique(column, return_inverse=True)[1], column)
        joint = np.unique(joint * (len(kinds) + 1) + codes + 1, return_inverse=True)[1]
    return joint


def image_records(batch: Batch, **keys: Any) -> Columns:
    """Return keys and places of the images."""
    images = batch.image_columns
    places = {"image": images["path"], **{c: images[c] for c in WHERE[1:]}}
    return Columns({**keys, **places})


def annotation_records(batch: Batch, **keys: Any) -> Columns:
    """Return keys and places of the annotations."""
    return places_of(batch).with_columns(keys)

"""What readers share: numbers, splits and JSON of records, and sources whose tables are in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from dsinspect.errors import UserError, os_reason
from dsinspect.io.limits import too_deep
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import Columns, is_given
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import NO_POSITION, Problem, problem_columns
from dsinspect_formats._cuts import MemoryShard
from dsinspect_formats._images import by_their_paths

_SPLITS = {**SPLIT_NAMES, "trainval": "trainval"}
_WORD = re.compile(r"[a-z]+")


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read, in words."""
    return f"cannot be read: {os_reason(error, 'error')}"


def json_number(value: Any) -> float:
    """Return a number of a JSON document; raises ValueError, in words, when it is none."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{shown(value)} is not a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{shown(value)} is beyond what a float holds") from None


def shown(value: Any) -> str:
    """Return a value for a message, shortened."""
    return repr(value)[:60]


def decoded_json(content: bytes | str) -> Any:
    """Return a strict JSON document.

    Raises:
        ValueError: it is none, in words, or nests too deep.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ValueError(str(e)) from None
    except RecursionError:
        raise ValueError(f"nests deeper than {too_deep()}") from None


def split_of(path: str, *, words: bool = False) -> str | None:
    """Return the split that a folder of a path names; with `words`, also one among the words of its names."""
    named = _split_of_folder(path.rpartition("/")[0])
    if named is not None:
        return named
    if words:
        parts = path.lower().split("/")
        for part in reversed(parts):
            found = [_SPLITS[w] for w in _WORD.findall(part) if w in _SPLITS]
            if found:
                return found[-1]
    return None


@lru_cache(maxsize=4096)
def _split_of_folder(folder: str) -> str | None:
    return next((_SPLITS[part] for part in folder.lower().split("/") if part in _SPLITS), None)


def as_json(value: Any) -> bytes | None:
    """Return a value as the JSON bytes of a column; None of nothing."""
    return msgspec.json.encode(value) if value else None


class MemorySource:
    """An opened dataset whose records are in memory; shards are cuts of its tables."""

    def __init__(self, info: DatasetInfo, images: Columns, annotations: Columns, problems: Sequence[Problem]) -> None:
        if not len(images) and not len(annotations) and not problems:
            raise UserError(f"{info.root}: holds no record that can be read")
        self._images, self._annotations = images, annotations
        self._problems = problem_columns(by_their_paths([p for p in problems if p.kind != "same-names"], images))
        self.info = replace(info, problems=(*info.problems, *(p for p in problems if p.kind == "same-names")),
                            splits=info.splits or tuple(dict.fromkeys(
            s for s in images["split"].tolist() if s is not None)), has_files=bool(is_given(images["file"]).any()))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables by images; annotations of unknown images go with the first."""
        rows = self._annotations["image_row"]
        refs: list[ShardRef] = []
        for start in range(0, len(self._images), size) or [0]:
            low, high = np.searchsorted(rows, [start if start else NO_POSITION, start + size])
            annotations = self._annotations.take(slice(int(low), int(high)))
            own = annotations["image_row"]
            annotations = annotations.with_columns({"image_row": np.where(own < 0, NO_POSITION, own - start)})
            images = self._images.take(slice(start, start + size))
            refs.append(MemoryShard(Shard(images, annotations, self._problems if start == 0 else None)))
        return refs

"""Images with the same content, over all shards; and a digest of each image's labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import Columns, is_given, objects

if TYPE_CHECKING:
    from numpy.typing import NDArray


def label_digests(batch: Batch) -> NDArray[np.uint64]:
    """Return a 64-bit digest of each image's set of boxes and categories; the order of the boxes does not count.

    Boxes are rounded to a tenth of a pixel, for formats write them with few digits.
    """
    codes, names = batch.category_codes
    name_hashes = np.array([*(int.from_bytes(hashlib.blake2b(str(n).encode(), digest_size=8).digest(), "little")
                              for n in names), 0], np.uint64)
    state = name_hashes[codes]
    for column in batch.boxes_xyxy.T:
        with np.errstate(invalid="ignore"):
            bits = np.where(np.isfinite(column), np.round(column * 10), -1.0).astype(np.int64).view(np.uint64)
        state = (state ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(29)
    rows = batch.annotation_columns["image_row"]
    digests = np.zeros(len(batch.image_columns) + 1, np.uint64)
    np.add.at(digests, rows, state * np.uint64(0xBF58476D1CE4E5B9))
    return digests[:-1]


def content_rows(batch: Batch) -> Columns:
    """Return `hash`, `path`, `split`, `labels` of the images whose content was hashed."""
    images = batch.image_columns
    known = is_given(images["content_hash"])
    if "file_size" in images:
        known = known & (images["file_size"] > 0)  # empty files are alike, and IMG002's matter
    return Columns({"hash": images["content_hash"][known], "path": images["path"][known],
                    "split": images["split"][known], "labels": batch.once(label_digests)[known]})


def in_order(table: Columns, *names: str) -> Columns:
    """Sort rows by columns of text, missing ones last; equal rows keep their order."""
    keys = [[(v is None, v) for v in table[name].tolist()] for name in names]
    rows = sorted(range(len(table)), key=list(zip(*keys, strict=True)).__getitem__)
    return table.take(np.array(rows, np.intp))


def without_repeats(table: Columns, *names: str) -> Columns:
    """Keep the first of the rows that are equal in some columns."""
    first: dict[Any, int] = {}
    for row, key in enumerate(zip(*(table[n].tolist() for n in names), strict=True)):
        first.setdefault(key, row)
    return table.take(np.array(list(first.values()), np.intp))


def groups_by(table: Columns, *names: str) -> list[Columns]:
    """Return the groups of two or more rows that are equal in some columns, in the order of their first rows."""
    rows: dict[Any, list[int]] = {}
    for row, key in enumerate(zip(*(table[n].tolist() for n in names), strict=True)):
        rows.setdefault(key, []).append(row)
    return [table.take(np.array(places, np.intp)) for places in rows.values() if len(places) > 1]


def kinds_of(values: NDArray[Any]) -> set[Any]:
    """Return the distinct values but None."""
    return set(values.tolist()) - {None}


def some(names: Sequence[str], limit: int = 5) -> str:
    """Return the first few names as a list in words.

    >>> some(["a", "b"]), some(["a", "b", "c", "d"], 2)
    ('a and b', 'a, b and 2 more')
    """
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit:,} more"
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])


def members_of(groups: Iterable[Columns]) -> NDArray[np.object_]:
    """Return the paths of each group, each once, as tuples: the value `members` of its finding."""
    return objects([tuple(dict.fromkeys(g["path"].tolist())) for g in groups])

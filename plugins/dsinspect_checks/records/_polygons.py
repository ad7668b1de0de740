"""COCO segmentations as columns: kind, area and envelope of each, parsed once per batch.

The points of all polygons are laid end to end, so that areas (shoelace formula) and envelopes are a few NumPy reductions.
"""

from __future__ import annotations

import gc
import io
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from dsinspect.checks import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY, POLYGONS, RLE, BROKEN = range(4)


class _Mask(msgspec.Struct):
    """A run-length mask; its runs are skipped while decoding."""

    size: list[float] | None = None


_decode = msgspec.json.Decoder(list[list[float]] | _Mask | None).decode
_decode_all = msgspec.json.Decoder(list[list[list[float]] | _Mask | None]).decode
_LINES = bytes.maketrans(b",", b"\n")
CHUNK = 16_384
"""Segmentations parsed together: their points as Python numbers take some 20 MB."""


@dataclass(frozen=True)
class Shapes:
    """Segmentations of N annotations, in columns.

    Attributes:
        kind: EMPTY (none, or an empty list), POLYGONS, RLE, or BROKEN (something else).
        polygons: number of polygons.
        odd: number of polygons with an odd number of coordinates.
        short: number of polygons with fewer than 3 points, four numbers left out.
        four: number of polygons of exactly four numbers.
        area: sum of the areas of the polygons, square px; overlaps count twice, as pycocotools' merge does not.
        envelope: (N, 4) xyxy of all points, px; NaN without any.
        rle_hw: (N, 2) height and width of the mask; NaN where there is none.
    """

    kind: NDArray[np.int8]
    polygons: NDArray[np.int64]
    odd: NDArray[np.int64]
    short: NDArray[np.int64]
    four: NDArray[np.int64]
    area: NDArray[np.float64]
    envelope: NDArray[np.float64]
    rle_hw: NDArray[np.float64]


def polygons_of(batch: Batch) -> Shapes:
    """Parse the column `coco:segmentation` of a batch."""
    raws = batch.annotation_columns["coco:segmentation"].tolist()
    was_on = gc.isenabled()
    gc.disable()  # the collector would look through a million short-lived lists of numbers, which make no cycles
    try:
        chunks = [_parse(raws[k:k + CHUNK]) for k in range(0, max(len(raws), 1), CHUNK)]
    finally:
        if was_on:
            gc.enable()
    return Shapes(*(np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Shapes)))


def _parse(raws: list[Any]) -> Shapes:
    texts = [b"" if raw is None else bytes(raw) for raw in raws]
    listed = np.array([t[:1] == b"[" for t in texts], bool)
    found = _scan(texts, listed)
    if found is None:  # a fault, or a number with an exponent, somewhere among them
        return _parse_each(raws)
    owners, lengths, flat = found
    kind = np.zeros(len(raws), np.int8)
    kind[owners] = POLYGONS
    rle_hw = np.full((len(raws), 2), np.nan)
    for k in np.flatnonzero(~listed).tolist():
        kind[k] = _mask_of(raws[k], rle_hw[k])
    return _measured(kind, rle_hw, owners, lengths, flat)


def _scan(texts: list[bytes], listed: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]] | None:
    """Parse lists of polygons without a Python object per number: brackets by NumPy, numbers by pandas' reader of CSV.

    That takes half the time of a JSON decoder, and lets other threads run meanwhile.

    Args:
        texts: JSON of each segmentation.
        listed: which of them are lists.

    Returns:
        the segmentation of each ring, how many numbers it has, and all numbers; None when it is not that simple.
    """
    numbers = np.flatnonzero(listed)
    joined = b",".join([texts[k] for k in numbers.tolist()]).translate(None, b" \t\r\n")
    if joined.translate(None, b"0123456789.-,[]"):
        return None
    characters = np.frombuffer(joined, np.uint8)
    places = np.flatnonzero(characters >= 91)  # brackets
    opens = characters[places] == 91
    depth = np.cumsum(np.where(opens, 1, -1))
    inner = np.flatnonzero(opens & (depth == 2))
    starts, ends = places[inner], places[inner + 1] if len(inner) else places[:0]
    if len(depth) and (depth.max() > 2 or depth.min() < 0 or opens[inner + 1].any() or int((depth == 0).sum()) != len(numbers)):
        return None
    commas = np.flatnonzero(characters == 44)
    lengths = np.searchsorted(commas, ends) - np.searchsorted(commas, starts) + (ends > starts + 1)
    owners = numbers[np.cumsum(opens & (depth == 1))[inner] - 1] if len(inner) else numbers[:0]
    text = joined.translate(_LINES, b"[]")
    try:
        table = pd.read_csv(io.BytesIO(text), header=None, dtype=np.float64, na_filter=False) if text.strip() else None
    except (ValueError, OverflowError):  # no number, or none at all
        return None
    flat = np.empty(0) if table is None else table.to_numpy().reshape(-1)
    return (owners, lengths, flat) if len(flat) == lengths.sum() else None


def _mask_of(raw: Any, size_hw: NDArray[np.float64]) -> int:
    """Return the kind of what is no list, and write the size of a mask."""
    shape = None if raw is None else _decoded_one(raw)
    if shape is None:
        return EMPTY
    if type(shape) is not _Mask:
        return BROKEN
    if shape.size is not None and len(shape.size) == 2:
        size_hw[:] = shape.size
    return RLE


def _parse_each(raws: list[Any]) -> Shapes:
    kind = np.zeros(len(raws), np.int8)
    rle_hw = np.full((len(raws), 2), np.nan)
    owners: list[int] = []
    parts: list[list[float]] = []
    for k, shape in enumerate(_decoded(raws)):
        if type(shape) is list:
            owners += [k] * len(shape)
            parts += shape
        elif shape is not None:
            kind[k] = _mask_of(raws[k], rle_hw[k])
    kind[owners] = POLYGONS
    lengths = np.array([len(p) for p in parts], np.int64)
    flat = np.fromiter(chain.from_iterable(parts), np.float64, int(lengths.sum()))
    return _measured(kind, rle_hw, np.array(owners, np.int64), lengths, flat)


def _decoded(raws: list[Any]) -> list[Any]:
    """Return lists of polygons, masks, None, and Ellipsis for anything else."""
    try:
        return _decode_all(b"[%b]" % b",".join(b"null" if raw is None else raw for raw in raws))
    except msgspec.MsgspecError:
        return [_decoded_one(raw) for raw in raws]


def _decoded_one(raw: Any) -> Any:
    try:
        return None if raw is None else _decode(raw)
    except msgspec.MsgspecError:
        return ...


def _measured(kind: NDArray[np.int8], rle_hw: NDArray[np.float64], owner: NDArray[np.int64], lengths: NDArray[np.int64],
              flat: NDArray[np.float64]) -> Shapes:
    n = len(kind)
    whole = (lengths % 2 == 0) & (lengths >= 6)
    area = np.zeros(n)
    envelope = np.column_stack([np.full((n, 2), np.inf), np.full((n, 2), -np.inf)])
    if whole.any():
        chosen = np.repeat(whole, lengths)
        points = flat[chosen].reshape(-1, 2)
        counts = lengths[whole] // 2
        last = np.cumsum(counts) - 1
        starts = np.append(0, last[:-1] + 1)
        following = np.arange(1, len(points) + 1)
        following[last] = starts
        cross = points[:, 0] * points[following, 1] - points[following, 0] * points[:, 1]
        np.add.at(area, owner[whole], np.abs(np.add.reduceat(cross, starts)) / 2)
        for column, (axis, reduce) in enumerate(((0, np.minimum), (1, np.minimum), (0, np.maximum), (1, np.maximum))):
            reduce.at(envelope[:, column], owner[whole], reduce.reduceat(points[:, axis], starts))
    envelope[~np.isfinite(envelope).all(axis=1)] = np.nan

    def count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(owner[mask], minlength=n).astype(np.int64)

    every = np.ones(len(lengths), bool)
    four = lengths == 4
    return Shapes(kind, count(every), count(lengths % 2 == 1), count((lengths < 6) & ~four & (lengths % 2 == 0)), count(four),
                  area, envelope, rle_hw)

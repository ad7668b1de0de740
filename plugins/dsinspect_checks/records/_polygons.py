"""COCO segmentations as columns: kind, area and envelope of each, parsed once per batch.

The points of all polygons are laid end to end, so that areas (shoelace formula) and envelopes are a few NumPy reductions.
Of all checks these cost most: on 860,000 polygons of 40 million numbers 2 s, as much as loading the file, for loading skips
the numbers and these must read each. Half of it is parsing, at 20 ns a number.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import simdjson

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import is_constant
from dsinspect.tables.hostile_numbers import of_any_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY, POLYGONS, RLE, BROKEN = range(4)
_NO_RINGS = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class _Mask(msgspec.Struct):
    """A run-length mask; its runs are skipped while decoding."""

    size: list[float] | None = None


_decode = msgspec.json.Decoder(list[list[float]] | _Mask | None).decode
_decode_all = msgspec.json.Decoder(list[list[list[float]] | _Mask | None]).decode
NEWLINE, BLANK, COMMA, OPEN, CLOSE = b"\n ,[]"
CHUNK = 4096
"""Segmentations parsed together: a million bytes of text, which stay in the processor's cache."""


@dataclass(frozen=True)
class Shapes:
    """Segmentations of N annotations, in columns.

    Attributes:
        kind: EMPTY (none, or an empty list), POLYGONS, RLE, or BROKEN (something else).
        polygons: number of polygons.
        odd: number of polygons with an odd number of coordinates.
        short: number of polygons with fewer than 3 points, four numbers left out.
        four: number of polygons of exactly four numbers.
        area: sum of the areas of the polygons, px²; overlaps count twice, as pycocotools' merge does not.
        envelope: (N, 4) xyxy of all points, px; NaN without any.
        rle_hw: (N, 2) height and width of the mask; NaN where there is none.
        points: (P, 2) points of the whole polygons of all annotations, one after the other, px.
        starts: (R,) where each of these polygons starts among the points.
        owners: (R,) row of the annotation of each.
    """

    kind: NDArray[np.int8]
    polygons: NDArray[np.int64]
    odd: NDArray[np.int64]
    short: NDArray[np.int64]
    four: NDArray[np.int64]
    area: NDArray[np.float64]
    envelope: NDArray[np.float64]
    rle_hw: NDArray[np.float64]
    points: NDArray[np.float64]
    starts: NDArray[np.int64]
    owners: NDArray[np.int64]


def polygons_of(batch: Batch) -> Shapes:
    """Parse the column `segmentation` of a batch."""
    return shapes_of(batch.annotation_columns["segmentation"])


def shapes_of(column: NDArray[np.object_]) -> Shapes:
    """Parse segmentations: JSON, or None."""
    if is_constant(column) and column[0] is None:
        return _measured(np.zeros(len(column), np.int8), np.full((len(column), 2), np.nan), *_NO_RINGS)
    raws = column.tolist()
    was_on = gc.isenabled()
    gc.disable()  # the collector would look through a million short-lived lists of numbers, which make no cycles
    try:
        parser = simdjson.Parser()
        chunks = [_parse(raws[k:k + CHUNK], parser) for k in range(0, max(len(raws), 1), CHUNK)]
    finally:
        if was_on:
            gc.enable()
    points = np.cumsum([0, *(len(c.points) for c in chunks)])
    chunks = [replace(c, starts=c.starts + points[k], owners=c.owners + k * CHUNK) for k, c in enumerate(chunks)]
    return Shapes(*(np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Shapes)))


def _parse(raws: list[Any], parser: simdjson.Parser) -> Shapes:
    found = _scan(raws, parser) if raws else None
    if found is None:  # a fault somewhere among them
        return _parse_each(raws)
    others, owners, lengths, flat = found
    kind = np.zeros(len(raws), np.int8)
    kind[owners] = POLYGONS
    rle_hw = np.full((len(raws), 2), np.nan)
    for k in others:
        kind[k] = _mask_of(raws[k], rle_hw[k])
    return _measured(kind, rle_hw, owners, lengths, flat)


def _scan(raws: list[Any], parser: simdjson.Parser) -> tuple[
        list[int], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]] | None:
    """Parse lists of polygons without a Python object per number: brackets by NumPy, numbers by simdjson.

    Args:
        raws: JSON of each segmentation, or None; at least one.
        parser: used again and again, for its memory is many times that of the text.

    Returns:
        the positions of what are no lists, the segmentation of each ring, how many numbers it has, and all numbers; None
        when it is not that simple.
    """
    n = len(raws)
    joined = bytearray(b",\n").join([b"null" if raw is None else raw for raw in raws])
    characters = np.frombuffer(joined, np.uint8)
    ends = np.flatnonzero(characters == NEWLINE) - 1
    if len(ends) != n - 1:  # the file is written over many lines
        joined = bytearray(b",\n").join([b"null" if r is None else bytes(r).translate(None, b"\r\n") for r in raws])
        characters = np.frombuffer(joined, np.uint8)
        ends = np.flatnonzero(characters == NEWLINE) - 1
    starts, ends = np.append(0, ends + 2), np.append(ends, len(characters))
    others = np.flatnonzero(characters[starts] != OPEN).tolist()
    for k in others:  # in their place an empty list
        if ends[k] - starts[k] < 2:
            return None
        characters[starts[k]:ends[k]] = BLANK
        characters[starts[k]:starts[k] + 2] = OPEN, CLOSE
    places = np.flatnonzero(characters >= OPEN)
    signs = characters[places]
    if not ((signs == OPEN) | (signs == CLOSE)).all():  # exponents
        places = places[(signs == OPEN) | (signs == CLOSE)]
    opens = characters[places] == OPEN
    depth = np.cumsum(np.where(opens, 1, -1))
    inner = np.flatnonzero(opens & (depth == 2))
    if depth.max(initial=0) > 2:
        return None
    begins, stops = places[inner], places[inner + 1] if len(inner) else places[:0]
    commas = np.flatnonzero(characters == COMMA)
    try:
        parsed = parser.parse(b"[" + joined + b"]")
        flat = np.frombuffer(parsed.as_buffer(of_type="d") if isinstance(parsed, simdjson.Array) else b"", np.float64)
    except (ValueError, TypeError, RuntimeError):  # no number, no JSON, or a whole number of more than 64 bits
        return None
    lengths = np.searchsorted(commas, stops) - np.searchsorted(commas, begins) + 1
    for k in np.flatnonzero(lengths == 1).tolist():
        lengths[k] = bool(joined[begins[k] + 1:stops[k]].strip())
    owners = np.searchsorted(starts, begins, "right") - 1
    return (others, owners, lengths, flat) if len(flat) == lengths.sum() else None


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


@of_any_size()
def _measured(kind: NDArray[np.int8], rle_hw: NDArray[np.float64], owner: NDArray[np.int64], lengths: NDArray[np.int64],
              flat: NDArray[np.float64]) -> Shapes:
    n = len(kind)
    whole = (lengths % 2 == 0) & (lengths >= 6)
    area = np.zeros(n)
    envelope = np.full((n, 4), np.nan)
    starts = owned = np.zeros(0, np.int64)
    points = np.zeros((0, 2))
    if whole.any():
        if not whole.all():
            flat, owned, lengths_of = flat[np.repeat(whole, lengths)], owner[whole], lengths[whole]
        else:
            owned, lengths_of = owner, lengths
        points = flat.reshape(-1, 2)
        x, y = flat[0::2], flat[1::2]
        stops = np.cumsum(lengths_of // 2)
        starts, last = stops - lengths_of // 2, stops - 1
        cross = np.empty(len(x))
        cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
        cross[last] = x[last] * y[starts] - x[starts] * y[last]  # each ring closes on itself
        area += np.bincount(owned, np.abs(np.add.reduceat(cross, starts)) / 2, minlength=n)
        first = np.flatnonzero(np.append(True, owned[1:] != owned[:-1]))  # the rings of an annotation follow each other
        for column, (axis, reduce) in enumerate(((x, np.minimum), (y, np.minimum), (x, np.maximum), (y, np.maximum))):
            envelope[owned[first], column] = reduce.reduceat(axis, starts[first])
    envelope[~np.isfinite(envelope).all(axis=1)] = np.nan

    def count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(owner[mask], minlength=n).astype(np.int64)

    every = np.ones(len(lengths), bool)
    four = lengths == 4
    return Shapes(kind, count(every), count(lengths % 2 == 1), count((lengths < 6) & ~four & (lengths % 2 == 0)), count(four),
                  area, envelope, rle_hw, points, starts, owned)

"""Fingerprints: a 64-bit identity of each row of some columns, the same across runs and machines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.tables.columns import codes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hashed(start: str, columns: Mapping[str, NDArray[Any]], texts: Sequence[str], numbers: Sequence[str]) -> NDArray[np.uint64]:
    """Return a hash of each row, and of how many equal rows came before it.

    Args:
        start: what all rows share.
        columns: of one length.
        texts: names of the columns of texts that count.
        numbers: of the columns of numbers; NaN equals NaN, and -0.0 is 0.0.
    """
    state = np.full(len(columns[numbers[0]]), _text_hash(start), np.uint64)
    for name in texts:
        state = _mix(state ^ _hash_texts(columns[name]))
    for name in numbers:
        edges = columns[name].astype(np.float64, copy=False) + 0.0  # -0.0 becomes 0.0
        bits = np.where(np.isnan(edges), np.nan, edges).view(np.uint64)
        state = _mix(state ^ bits)
    repeat = _times_before(state)
    return np.where(repeat > 0, _mix(state ^ _mix(repeat)), state)


def _times_before(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return how many times each value came before."""
    order = np.argsort(values, kind="stable")
    in_order = values[order]
    first = np.append(True, in_order[1:] != in_order[:-1])
    place = np.arange(len(values))
    times = np.empty(len(values), np.uint64)
    times[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return times


def _hash_texts(column: NDArray[Any]) -> NDArray[np.uint64]:
    codes, uniques = codes_of(column)
    hashes = np.array([*(_text_hash(str(u)) for u in uniques), 0], np.uint64)
    return hashes[codes]


def _text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64 bits (splitmix64's finaliser, Steele, Lea and Flood 2014)."""
    z = state + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))

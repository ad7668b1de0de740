"""Images that look alike: perceptual hashes within a few bits of each other, found without comparing all with all.

Two hashes that differ in at most d bits agree wholly in at least two of d + 2 bands of bits, so only hashes that share
two bands are compared: C(d + 2, 2) sorted keys of about 21 bits for d = 4, near-linear in the number of images.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import Columns, is_given
from dsinspect_checks._content import groups_by, in_order, kinds_of, without_repeats
from dsinspect_checks.images._state import decodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEEDS = ("phash", "entropy", "decodes", "is_truncated", "file_format", "read_error", "content_hash")
MIN_ENTROPY = 3.0
"""Bits of grey entropy below which a picture is flat: the hashes of flat pictures are noise (IMG013 reports them)."""
BLOCK = 4_000_000
"""Candidate pairs compared together."""


def hash_rows(batch: Batch) -> Columns:
    """Return `phash` (uint64), `content`, `path`, `split` of the images whose hash means something."""
    images = batch.image_columns
    with np.errstate(invalid="ignore"):
        good = decodes(batch) & is_given(images["phash"]) & (images["entropy"] >= MIN_ENTROPY)
    hashes = np.array([int(h, 16) for h in images["phash"][good]], np.uint64)
    return Columns({"phash": hashes, "content": images["content_hash"][good], "path": images["path"][good],
                    "split": images["split"][good]})


def near_pairs(hashes: NDArray[np.uint64], distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs i < j of hashes that differ in at most `distance` bits, each once, sorted.

    Args:
        hashes: (N,) uint64; equal ones are a pair as well.
        distance: 0 to 16 bits.
    """
    unique, inverse = np.unique(hashes, return_inverse=True)
    bands = distance + 2
    edges = [round(64 * k / bands) for k in range(bands + 1)]
    masks = [((1 << (high - low)) - 1) << low for low, high in pairwise(edges)]
    found: list[NDArray[np.int64]] = []
    for a, b in combinations(masks, 2):
        keys = unique & np.uint64(a | b)
        order = np.argsort(keys, kind="stable")
        found += list(_pairs_of_runs(unique, keys[order], order, distance))
    pairs = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)
    return _expand(pairs, inverse.astype(np.int64), len(unique))


def _pairs_of_runs(unique: NDArray[np.uint64], keys: NDArray[np.uint64], order: NDArray[np.intp],
                   distance: int) -> list[NDArray[np.int64]]:
    """Compare all hashes that share a key."""
    n = len(keys)
    ends = np.searchsorted(keys, keys, "right")
    counts = ends - np.arange(n) - 1
    found = []
    start = 0
    totals = np.cumsum(counts)
    while start < n:
        base = totals[start - 1] if start else 0
        stop = max(int(np.searchsorted(totals, base + BLOCK, "right")), start + 1)
        c = counts[start:stop]
        i = np.repeat(np.arange(start, stop), c)
        j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(c) - c, c)
        first, second = order[i], order[j]
        close = np.bitwise_count(unique[first] ^ unique[second]) <= distance
        pair = np.column_stack([np.minimum(first, second), np.maximum(first, second)])[close]
        if len(pair):
            found.append(pair.astype(np.int64))
        start = stop
    return found


def _expand(pairs: NDArray[np.int64], inverse: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn pairs of distinct hashes into pairs of images: one image stands for each hash, equal hashes are chained.

    A chain is enough for groups: what is near to one image of a hash is near to all of them.
    """
    order = np.argsort(inverse, kind="stable")
    same = inverse[order][1:] == inverse[order][:-1]
    first_of = np.full(n, -1, np.int64)
    first_of[inverse[order][::-1]] = order[::-1]
    i = np.concatenate([order[:-1][same], first_of[pairs[:, 0]]])
    j = np.concatenate([order[1:][same], first_of[pairs[:, 1]]])
    return np.minimum(i, j), np.maximum(i, j)


def groups_of(n: int, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of n items the smallest item it is connected with."""
    label = np.arange(n)
    while True:
        low = np.minimum(label[i], label[j])
        new = label.copy()
        np.minimum.at(new, i, low)
        np.minimum.at(new, j, low)
        new = new[new]  # follow one more step: the number of rounds grows with the logarithm of a chain
        if (new == label).all():
            return label
        label = new


def near_groups(table: Columns, distance: int) -> list[Columns]:
    """Return groups of images that look alike, with different bytes; one row per content and split, sorted by path."""
    table = without_repeats(in_order(table, "path", "split"), "content", "split")
    if len(table) < 2:
        return []
    i, j = near_pairs(table["phash"], distance)
    group = groups_of(len(table), i, j)
    several = np.flatnonzero(np.bincount(group)[group] > 1)
    groups = groups_by(table.take(several).with_columns({"group": group[several]}), "group")
    return sorted((g for g in groups if len(kinds_of(g["content"])) > 1), key=lambda g: int(g["group"][0]))

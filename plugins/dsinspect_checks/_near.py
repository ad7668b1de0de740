"""Images that look alike: candidates by a perceptual hash, confirmed by a finer signature, in groups of which all agree.

Two hashes that differ in at most d bits agree wholly in at least two of d + 2 bands of bits, so only hashes that share
two bands are compared: C(d + 2, 2) sorted keys of 16 bits for d = 6, near-linear in the number of images. Of the pairs
found only which images hang together is kept, so that memory does not grow with the number of pairs. Within each such
heap the groups are grown image by image: every member is close to every other one, never only to its neighbour.

The second signature, the mean luma of 16 x 16 cells, distinguishes what 64 bits of low frequencies cannot. Compared after
taking off mean and contrast, so that a brighter or greyer copy stays a copy. On 10 sets (5,859 images) 1,643 pairs within
6 bits were looked at in samples, those of a set of chess boards apart: all 36 with a cell 4 standard deviations off were
other boats on a plain sea, and of 112 of the others 111 were copies, augmented copies or neighbouring frames. Where one cell
differs by more than 10 times the mean difference, something was put into a scene that did not change otherwise: of 8,208
pairs of chess positions on one board 7,221 are separated by that, at the price of 1 in 13 pairs of true neighbours. Images that
are layers or stripes, such as radargrams, are alike for what they all have: there, what is left without the means of rows and
columns has to agree too. On 6 real sets (650 pairs) that leaves out 9, all of them of different images.

Two images that differ as much as each does from others of the set, which its hash tells from it, are alike for what the set has
in common: one scene with another object in it, one printed form. Of 9 sets looked at (2,200 pairs) that leaves out 16 pairs of 41
in a set of waggons and 11 of 19 of corals before one wall, all of different ones; 8 of 118 of CVs, all different; and frames of one
film in which somebody moved, in groups that remain.

Nor is a frame a copy of one that passed before the same camera earlier, where the film shows other things between them (`_frames`):
all 25 groups of a film of waggons and 14 of 21 of their doors, all of different ones; the other 7 are of one waggon each. Of 350
groups of other films it parts 30, in which a camera came back to what it had shown.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.findings.wording import counted
from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import Columns, is_given, objects
from dsinspect_checks._content import in_order, kinds_of, without_repeats
from dsinspect_checks._frames import Films, frames_of
from dsinspect_checks.images._state import decodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NEEDS = ("phash", "signature", "entropy", "decodes", "is_truncated", "file_format", "read_error", "content_hash")
MIN_ENTROPY = 3.0
"""Bits of grey entropy below which an image is flat: the hashes of flat images are noise."""
BLOCK = 4_000_000
"""Candidate pairs compared together."""
SIDE = 16
CELLS = SIDE * SIDE
COMPARED = 64
"""Members that one more is compared with for local changes: all of them, but in groups larger than that."""
MOST_ORDERED = 4096
"""Images that hang together, up to which groups are started where fewest are near; all are compared with all for that."""
LAYERED = 0.45
"""Standard deviation of what rows and columns leave of an image's cells, up to which it is made of layers or stripes."""
LEAST_AGREEMENT = 0.65
"""Correlation of what they leave, from which two such images are alike: 0.23 to 0.62 in other radargrams, 0.68 in one scene."""
NEAREST = 8
"""Images of the set, told from one by its hash, whose nearness is compared with that of an alleged copy."""
APART = 0.8
"""Share of the difference to those from which an image is no copy."""
ROWS = 1024
"""Images that are compared with those together."""
SAMPLED = 2048
"""Images of the set that are looked at for that, taken evenly from all."""
SAME = 0.3
"""Difference of a cell, in standard deviations, up to which two images are the same whatever the mean difference."""


@dataclass(frozen=True)
class Closeness:
    """What makes two images alike.

    Attributes:
        distance: bits by which their hashes may differ.
        max_difference: standard deviations of luma by which a cell may differ.
        max_local: how many times the mean difference the largest one may be.
        copies: standard deviations by which a cell may differ where only copies are wanted; None for all that is alike.
            In a fixed scene no copy can be distinguished from another frame.
    """

    distance: int
    max_difference: float
    max_local: float
    copies: float | None = None


def hash_rows(batch: Batch) -> Columns:
    """Return the columns that `near_groups` takes, of the images whose hash means something."""
    images = batch.image_columns
    with np.errstate(invalid="ignore"):
        good = decodes(batch) & is_given(images["phash"]) & (images["entropy"] >= MIN_ENTROPY)
    hashes = np.array([int(h, 16) for h in images["phash"][good]], np.uint64)
    return batch.once(frames_of).take(np.flatnonzero(good)).with_columns({
        "phash": hashes, "signature": images["signature"][good], "content": images["content_hash"][good],
        "path": images["path"][good], "split": images["split"][good]})


def near_groups(table: Columns, closeness: Closeness, *, across_splits: bool = False) -> list[Columns]:
    """Return groups of images that look alike, with different bytes; one row per content and split.

    Every two members are within the distance and the largest difference, and differ all over or not at all. No image is in two
    groups but one that an image of no other group is close to, where all that is close to that one is in groups: then it is
    reported with the nearest of these.

    Args:
        table: `phash` (uint64), `signature`, `content`, `path`, `split`, and `film`, `frame` as `frames_of` gives them.
        closeness: what makes two images alike.
        across_splits: only groups that lie in several splits; members of other splits are taken first.

    Returns:
        the groups by path of their first member; members by path, with `bits`, the largest distance of the group.
    """
    table = without_repeats(in_order(table, "path", "split"), "content", "split")
    if len(table) < 2:
        return []
    unique, inverse = np.unique(table["phash"], return_inverse=True)
    heap = _heaps_once(unique.tobytes(), closeness.distance)[inverse]
    others = _Others(table, closeness.distance)
    table = table.with_columns({"place": others.films.places})
    groups = []
    for rows in _heaps(heap):
        groups += _groups_in(table.take(rows), others, closeness, across_splits)
    return sorted(groups, key=lambda g: (g["path"].tolist(), g["content"].tolist()))


@functools.lru_cache(maxsize=1)
def _heaps_once(unique: bytes, distance: int) -> NDArray[np.int64]:
    """Return `heaps_of` of hashes: three checks ask for those of the same images."""
    return heaps_of(np.frombuffer(unique, np.uint64), distance)


def _heaps(heap: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each heap of two images or more."""
    order = np.argsort(heap, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(heap[order])) + 1):
        if len(rows) > 1:
            yield rows


def heaps_of(unique: NDArray[np.uint64], distance: int) -> NDArray[np.int64]:
    """Return for each hash the smallest position of those it is connected with by steps of at most `distance` bits.

    Args:
        unique: (N,) different hashes.
        distance: 0 to 16 bits.
    """
    label = np.arange(len(unique))
    bands = distance + 2
    edges = [round(64 * k / bands) for k in range(bands + 1)]
    masks = [((1 << (high - low)) - 1) << low for low, high in pairwise(edges)]
    for a, b in combinations(masks, 2):
        keys = unique & np.uint64(a | b)
        order = np.argsort(keys, kind="stable")
        for first, second in _candidates(keys[order], order):
            apart = label[first] != label[second]
            first, second = first[apart], second[apart]
            close = np.bitwise_count(unique[first] ^ unique[second]) <= distance
            label = joined(label, first[close], second[close])
    return label


def _candidates(keys: NDArray[np.uint64], order: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield all pairs that share a key, a block at a time."""
    n = len(keys)
    counts = np.searchsorted(keys, keys, "right") - np.arange(n) - 1
    totals = np.cumsum(counts)
    start = 0
    while start < n:
        base = totals[start - 1] if start else 0
        stop = max(int(np.searchsorted(totals, base + BLOCK, "right")), start + 1)
        c = counts[start:stop]
        i = np.repeat(np.arange(start, stop), c)
        j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(c) - c, c)
        yield order[i], order[j]
        start = stop


def joined(label: NDArray[np.int64], i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the labels after connecting the items i with the items j: the smallest position of each heap."""
    while True:
        low = np.minimum(label[i], label[j])
        new = label.copy()
        np.minimum.at(new, label[i], low)
        np.minimum.at(new, label[j], low)
        while not (new[new] == new).all():
            new = new[new]
        if (new[i] == new[j]).all():
            return new
        label = new


def _groups_in(table: Columns, others: _Others, closeness: Closeness, across_splits: bool) -> list[Columns]:
    """Grow groups of images that are in none yet, and join what is left to one that is; the rows are in the order of paths."""
    if len(set(table["content"].tolist())) < 2 or (across_splits and len(kinds_of(table["split"])) < 2):
        return []
    hashes = table["phash"]
    cells = _Cells(hashes, normalised(table["signature"]), table["place"], others)
    splits = table["split"]
    content = table["content"]
    covered = np.zeros(len(table), bool)
    groups = []
    for seed in _fewest_first(hashes, closeness.distance):
        if covered[seed]:
            continue
        near = np.flatnonzero(np.bitwise_count(hashes ^ hashes[seed]) <= closeness.distance)
        near = _confirmed(seed, near[near != seed], cells, closeness)
        if across_splits:
            near = near[np.argsort(splits[near] == splits[seed], kind="stable")]
        free, taken = near[~covered[near]], near[covered[near]]
        taken = taken[np.argsort(np.bitwise_count(hashes[taken] ^ hashes[seed]), kind="stable")]
        for first in (taken[:0], *taken[:, None]):
            members = _clique(seed, np.append(first, free), hashes, cells, closeness)
            if len(set(content[members].tolist())) > 1 and (not across_splits or len(kinds_of(splits[members])) > 1):
                covered[members] = True
                bits = max(int(np.bitwise_count(hashes[members] ^ hashes[k]).max()) for k in members)
                groups.append(table.take(np.sort(members)).with_columns({"bits": np.full(len(members), bits)}))
                break
    return groups


def _fewest_first(hashes: NDArray[np.uint64], distance: int) -> list[int]:
    """Return images, those with fewest others near by hash first: started from the ends of a chain, groups are fewest."""
    if len(hashes) > MOST_ORDERED:
        return list(range(len(hashes)))
    near = [int((np.bitwise_count(hashes ^ h) <= distance).sum()) for h in hashes]
    return sorted(range(len(near)), key=near.__getitem__)


class _Others:
    """Images of the set, taken evenly from all; they are looked at when somebody first asks.

    Args:
        table: all images, as `hash_rows` gives them.
        distance: bits up to which hashes are near.
    """

    def __init__(self, table: Columns, distance: int) -> None:
        self._hashes, self._signatures = table["phash"], table["signature"]
        self._distance = distance
        self.films = Films(table, distance)

    @functools.cached_property
    def _rows(self) -> NDArray[np.intp]:
        return np.unique(np.linspace(0, len(self._hashes) - 1, SAMPLED).astype(np.intp))

    def limits(self, hashes: NDArray[np.uint64], cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the root mean square difference from which no image is a copy of each; infinite where few are told from it.

        Args:
            hashes: (N,) of the images that are asked about.
            cells: (N, 256), normalised.
        """
        limits = np.full(len(cells), np.inf, np.float32)
        if len(self._rows) < NEAREST:
            return limits
        others, squares = _sample_once(tuple(self._signatures[self._rows].tolist()))
        for start in range(0, len(cells), ROWS):
            block = slice(start, start + ROWS)
            own = cells[block]
            square = own @ others.T  # a product of matrices is quicker than differences
            square *= -2 / CELLS
            square += squares
            square += (own * own).mean(axis=1)[:, None]
            square[np.bitwise_count(hashes[block, None] ^ self._hashes[self._rows]) <= self._distance] = np.inf
            nearest = np.maximum(np.partition(square, NEAREST - 1, axis=1)[:, :NEAREST], 0)
            limits[block] = APART * np.sqrt(nearest).mean(axis=1)
        return limits


@functools.lru_cache(maxsize=1)
def _sample_once(signatures: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return normalised cells and the means of their squares: three checks ask for those of the same images."""
    cells = normalised(objects(signatures))
    return cells, (cells * cells).mean(axis=1)


class _Cells:
    """The normalised cells of a heap of images, and from where on one is no copy of another.

    Args:
        hashes: (N,) of the images.
        values: (N, 256).
        places: (N,) among the frames of films.
        others: what the set is like.
    """

    def __init__(self, hashes: NDArray[np.uint64], values: NDArray[np.float32], places: NDArray[np.intp], others: _Others) -> None:
        self.values = values
        self._hashes, self._places, self._others = hashes, places, others

    @functools.cached_property
    def _limits(self) -> NDArray[np.float32]:
        return self._others.limits(self._hashes, self.values)

    def are_nearer(self, rows: NDArray[np.intp], other: int, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of the images in question are nearer to another one than those that are no copies of either.

        Two frames between which their film shows other things are none of one moment, however near they are.
        """
        nearer = np.zeros(len(rows), bool)
        some = np.flatnonzero(asked)
        if len(some):
            some = some[~self._others.films.show_others_between(
                self._places[rows[some]], self._hashes[rows[some]], int(self._places[other]), self._hashes[other])]
        if len(some):
            difference = np.sqrt(((self.values[rows[some]] - self.values[other]) ** 2).mean(axis=1))
            nearer[some] = difference < np.minimum(self._limits[rows[some]], self._limits[other])
        return nearer


def _confirmed(seed: int, near: NDArray[np.intp], cells: _Cells, closeness: Closeness) -> NDArray[np.intp]:
    """Return those of the images near by hash whose signatures agree with the seed's.

    Where most do not, the scene is fixed and the hash blind to what moves in it: then only the same are alike. Else an image that
    is not the same has to be nearer than images which are no copies.
    """
    values = cells.values
    same, alike = _compared(values[near], values[seed], closeness)
    is_fixed = 2 * alike.sum() < len(near)
    alike &= same | cells.are_nearer(near, seed, alike & ~same)
    if closeness.copies is None:
        return near[same if is_fixed else alike]
    if is_fixed:
        return near[:0]
    near = near[alike]
    copies: NDArray[np.intp] = near[np.abs(values[near] - values[seed]).max(axis=1, initial=0.0) <= closeness.copies]
    return copies


def _compared(cells: NDArray[np.float32], other: NDArray[np.float32], closeness: Closeness) -> tuple[
        NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of (N, 256) cells are the same as other ones, and which are alike."""
    difference = np.abs(cells - other)
    largest, mean = difference.max(axis=1, initial=0.0), difference.mean(axis=1)
    same = largest <= SAME
    alike = (largest <= closeness.max_difference) & (same | (largest <= closeness.max_local * mean))
    doubtful = np.flatnonzero(alike & ~same)
    if len(doubtful):
        alike[doubtful] = _agree(cells[doubtful], other)
    return same, alike


def _agree(cells: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which of (N, 256) cells agree with other ones in more than layers or stripes, or are not made of these."""
    a, b = _without_layers(cells), _without_layers(other[None])
    std_a, std_b = a.std(axis=1), b.std(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = (a * b).mean(axis=1) / (std_a * std_b)
    agree: NDArray[np.bool_] = ~((std_a <= LAYERED) & (std_b <= LAYERED) & (correlation < LEAST_AGREEMENT))
    return agree


def _without_layers(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, 256) cells without the means of the rows and columns of their 16 x 16."""
    square = cells.reshape(-1, SIDE, SIDE)
    rest: NDArray[np.float32] = square - square.mean(axis=2, keepdims=True)
    rest -= rest.mean(axis=1, keepdims=True)
    return rest.reshape(len(cells), CELLS)


def _clique(seed: int, near: NDArray[np.intp], hashes: NDArray[np.uint64], cells: _Cells, closeness: Closeness) -> NDArray[np.intp]:
    """Return the seed and, in their order, those of the near ones that are close to all taken before."""
    values = cells.values
    members, known = [seed], {int(hashes[seed])}
    low = high = values[seed]
    for k in near.tolist():
        if any((h ^ int(hashes[k])).bit_count() > closeness.distance for h in known):
            continue
        lowest, highest = np.minimum(low, values[k]), np.maximum(high, values[k])
        if (highest - lowest).max() > (closeness.max_difference if closeness.copies is None else closeness.copies):
            continue
        compared = np.array(members[:COMPARED])
        same, alike = _compared(values[compared], values[k], closeness)
        if not alike.all() or not (same | cells.are_nearer(compared, k, ~same)).all():
            continue
        members.append(k)
        known.add(int(hashes[k]))
        low, high = lowest, highest
    return np.array(members, np.intp)


def normalised(signatures: NDArray[np.object_]) -> NDArray[np.float32]:
    """Return signatures as (N, 256) cells with a mean of 0 and a standard deviation of 1 (or less, where all is flat)."""
    raw = b"".join(base64.b64decode(s) for s in signatures.tolist())
    cells = np.frombuffer(raw, np.uint8).reshape(-1, CELLS).astype(np.float32)
    cells -= cells.mean(axis=1, keepdims=True)
    cells /= np.maximum(cells.std(axis=1, keepdims=True), 1)
    return cells


def how_far(bits: Sequence[int]) -> list[str]:
    """Return how far the hashes of groups are apart, for a message: `are equal`, `differ by up to 2 bits`."""
    return [f"differ by up to {counted(n, 'bit')}" if n else "are equal" for n in bits]

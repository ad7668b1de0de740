"""DST006 inconsistent-twins: copies of one image with different boxes.

Reports groups of images that are copies of each other (as IMG009, but with cells at most `copies` standard deviations apart)
and of whose boxes more than `max_unmatched` have no counterpart: a box of the same class with an IoU of at least `min_iou`, at
the same place of the other image. Where a cell differs by more than `same` they may be two frames of a scene in which something
moved: then only the boxes that one image has more than the other count. Equal bytes are IMG008's matter; scenes before a fixed
camera are left out. Where the classes are the cause, it is said so: no class is in both, or boxes on one place have another class.

Why it matters: at least one of the copies lacks labels, or has wrong ones; the loss pulls the same pixels both ways. It finds
missing labels without any model.

Example: a.jpg with 6 boxes and its brighter copy with 2.

When to ignore: when copies were cropped or moved a little on purpose.

Source of the default: 30 % are more than one box of three. A copy saved anew, brighter or greyer, differs by less than 0.1
standard deviations in every cell. Looked at on 5 real sets of fixed cameras, a chess board and a drone: of the 29 pairs that
were reported when all boxes were compared, 3 have a box too few, and in the others animals, people and boats had moved on. Now
5 are, those 3 among them; in one of the other two far animals lack boxes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks._content import members_of, some
from dsinspect_checks._near import NEEDS, hash_rows, near_groups, normalised
from dsinspect_checks.boxes._geometry import is_judged
from dsinspect_checks.images.near_duplicate import NearOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 256
"""Boxes of an image compared with all of the other one together."""
UNMATCHED = ("{file} and {other} {how}, but their {boxes:~} and {other_boxes:~ box|boxes} do not match: {share:.0%} have no "
             "counterpart (limit {limit:.0%}, option max_unmatched)")
OF_OTHER_CLASSES = ("{file} and {other} {how}, but {cause}: of {boxes:~} and {other_boxes:~ box|boxes} {share:.0%} have no "
                    "counterpart of their class, and {by_place:.0%} none of any (limit {limit:.0%}, option max_unmatched)")
State = tuple[tuple[Columns, Columns], ...]
"""Hashes of images, and boxes as parts of their image with its path and split, by batch."""


class Options(NearOptions, frozen=True):
    """Limits of DST006."""

    copies: Annotated[float, option("difference of a cell between copies, standard deviations", gt=0)] = 0.5
    same: Annotated[float, option("difference of a cell above which only numbers of boxes are compared", ge=0)] = 0.1
    max_unmatched: Annotated[float, option("share of boxes without a counterpart", ge=0, le=1)] = 0.3
    min_iou: Annotated[float, option("IoU of counterparts", gt=0, le=1)] = 0.5


class InconsistentTwins(Check[State, Options]):
    """Copies of an image whose boxes do not match."""

    code = "DST006"
    name = "inconsistent-twins"
    severity = Severity.WARNING
    options_type = Options
    needs = NEEDS
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Keep hashes, and boxes as parts of their image."""
        hashes = batch.once(hash_rows)
        rows = batch.annotation_columns["image_row"]
        with np.errstate(invalid="ignore"):
            part = batch.boxes_xyxy / np.tile(batch.box_image_wh, 2)
        good = np.flatnonzero((rows >= 0) & is_judged(batch) & np.isfinite(part).all(axis=1))
        images = batch.image_columns
        boxes = Columns({"path": images["path"][rows[good]], "split": images["split"][rows[good]],
                         "category": batch.annotation_columns["category"][good],
                         **{f"part{k}": part[good, k] for k in range(4)}})
        return ((hashes, boxes),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Compare each member of a group with the one that has most boxes."""
        groups = near_groups(Columns.concat([h for h, _ in state]), replace(self.options.closeness(), copies=self.options.copies))
        if not groups:
            return Result()
        boxes = Columns.concat([b for _, b in state])
        wanted = {(p, s) for g in groups for p, s in zip(g["path"].tolist(), g["split"].tolist(), strict=True)}
        of: dict[tuple[str, str | None], list[int]] = {key: [] for key in wanted}
        for row, key in enumerate(zip(boxes["path"].tolist(), boxes["split"].tolist(), strict=True)):
            if key in of:
                of[key].append(row)
        parts, classes = boxes.stacked("part0", "part1", "part2", "part3"), boxes["category"]
        anything = np.zeros(len(boxes), object)
        found = []
        for group in groups:
            keys = list(zip(group["path"].tolist(), group["split"].tolist(), strict=True))
            most = max(keys, key=lambda k: len(of[k]))
            change = changes(group, keys.index(most))
            shares = [unmatched(parts[of[most]], classes[of[most]], parts[of[k]], classes[of[k]], self.options.min_iou)
                      if change[i] <= self.options.same else missing(len(of[most]), len(of[k])) for i, k in enumerate(keys)]
            share, i = max((share, i) for i, share in enumerate(shares) if keys[i] != most)
            if share > self.options.max_unmatched:
                one, two = of[most], of[keys[i]]
                are_copies = change[i] <= self.options.same
                by_place = unmatched(parts[one], anything[one], parts[two], anything[two], self.options.min_iou)
                cause = class_cause(classes[one], classes[two], is_enough=by_place <= self.options.max_unmatched)
                found.append(_Twins(keys[i], most, share, len(two), len(one), group, by_place,
                                    "are copies" if are_copies else "show one scene", cause if are_copies else ""))
        limit = self.options.max_unmatched
        return Result(Findings.concat([_reported([f for f in found if not f.cause], UNMATCHED, limit),
                                       _reported([f for f in found if f.cause], OF_OTHER_CLASSES, limit)]))


class _Twins(NamedTuple):
    """What a finding says: the image, the one with most boxes, and how they differ."""

    image: tuple[str, str | None]
    other: tuple[str, str | None]
    share: float
    boxes: int
    other_boxes: int
    group: Columns
    by_place: float
    how: str
    cause: str


def _reported(found: list[_Twins], message: str, limit: float) -> Findings:
    return Findings.of_subjects(
        [f.image[0] for f in found], message,
        {"file": [f.image[0] for f in found], "other": [f.other[0] for f in found], "share": [f.share for f in found],
         "how": [f.how for f in found], "boxes": [f.boxes for f in found], "other_boxes": [f.other_boxes for f in found],
         "limit": limit, "members": members_of([f.group for f in found]),
         **({"cause": [f.cause for f in found], "by_place": [f.by_place for f in found]} if found and found[0].cause else {})},
        image=[f.image[0] for f in found], split=[f.image[1] for f in found])


def class_cause(other: NDArray[np.object_], own: NDArray[np.object_], *, is_enough: bool) -> str:
    """Return how the classes of two images explain that their boxes do not match; nothing where they do not.

    Args:
        other: (N,) names of the boxes of one image.
        own: (M,) names of those of the other.
        is_enough: whether boxes match where classes do not count.

    >>> class_cause(np.array(["MicroPlastic"], object), np.array(["MP1", "MP1"], object), is_enough=False)
    'have no class in common (MP1 in the first, MicroPlastic in the other)'
    """
    here, there = (sorted({str(n) for n in names.tolist()}) for names in (other, own))
    if here and there and not set(here) & set(there):
        return f"have no class in common ({some(there, 3)} in the first, {some(here, 3)} in the other)"
    return "boxes on the same places have other classes" if is_enough else ""


def changes(group: Columns, row: int) -> NDArray[np.float32]:
    """Return by how much the cell that differs most does between one image of a group and each, standard deviations."""
    cells = normalised(group["signature"])
    change: NDArray[np.float32] = np.abs(cells - cells[row]).max(axis=1)
    return change


def missing(a: int, b: int) -> float:
    """Return the share of boxes that one of two images has more than the other; 0 without any box.

    >>> missing(2, 0), missing(13, 5), missing(0, 0)
    (1.0, 0.4444444444444444, 0.0)
    """
    return abs(a - b) / max(a + b, 1)


def unmatched(a: NDArray[np.float64], a_classes: NDArray[np.object_], b: NDArray[np.float64], b_classes: NDArray[np.object_],
              min_iou: float) -> float:
    """Return the share of the boxes of two images that have no counterpart in the other one; 0 without any box.

    Args:
        a: (N, 4) boxes as parts of the image, xyxy.
        a_classes: (N,) names.
        b: (M, 4).
        b_classes: (M,).
        min_iou: of counterparts, which are taken best first, each box once.
    """
    if not len(a) or not len(b):
        return float(len(a) + len(b) > 0)
    pairs = []
    for start in range(0, len(a), BLOCK):
        part = a[start:start + BLOCK]
        inner = np.minimum(part[:, None, 2:], b[None, :, 2:]) - np.maximum(part[:, None, :2], b[None, :, :2])
        common = np.where((inner > 0).all(axis=2), inner.prod(axis=2), 0.0)
        area = (part[:, 2:] - part[:, :2]).prod(axis=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(axis=1)[None]
        iou = common / (area - common)
        i, j = np.nonzero((iou >= min_iou) & (a_classes[start:start + BLOCK, None] == b_classes[None]))
        pairs.append(np.column_stack([iou[i, j], i + start, j]))
    best_first = np.concatenate(pairs)
    best_first = best_first[np.lexsort((best_first[:, 2], best_first[:, 1], -best_first[:, 0]))]
    taken_a, taken_b = set(), set()
    for _, i, j in best_first.tolist():
        if i not in taken_a and j not in taken_b:
            taken_a.add(i)
            taken_b.add(j)
    return 1 - 2 * len(taken_a) / (len(a) + len(b))

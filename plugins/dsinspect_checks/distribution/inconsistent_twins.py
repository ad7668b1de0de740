"""DST006 inconsistent-twins: copies of one image with different boxes.

Reports groups of images that are copies of each other (as IMG009, but with cells at most `copies` standard deviations apart)
and of whose boxes more than `max_unmatched` have no counterpart: a box of the same class with an IoU of at least `min_iou`, at
the same place of the other image. Equal bytes are IMG008's matter; scenes before a fixed camera are left out.

Why it matters: at least one of the copies lacks labels, or has wrong ones; the loss pulls the same pixels both ways. It finds
missing labels without any model.

Example: a.jpg with 6 boxes and its brighter copy with 2.

When to ignore: when copies were cropped or moved a little on purpose.

Source of the default: half a standard deviation lets only recompressed and recoloured copies and frames in which nothing moved
through, in which boxes must agree; 30 % are more than one box of three. Looked at on 10 real sets (5,859 images): 9 pairs are
reported, in 7 of them one image clearly lacks a box that the other one has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks._content import members_of
from dsinspect_checks._near import NEEDS, hash_rows, near_groups
from dsinspect_checks.boxes._geometry import is_judged
from dsinspect_checks.images.near_duplicate import NearOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 256
"""Boxes of an image compared with all of the other one together."""
State = tuple[tuple[Columns, Columns], ...]
"""Hashes of images, and boxes as parts of their image with its path and split, by batch."""


class Options(NearOptions, frozen=True):
    """Limits of DST006."""

    copies: Annotated[float, option("difference of a cell between copies, standard deviations", gt=0)] = 0.5
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
        found = []
        for group in groups:
            keys = list(zip(group["path"].tolist(), group["split"].tolist(), strict=True))
            most = max(keys, key=lambda k: len(of[k]))
            worst = max((unmatched(parts[of[most]], classes[of[most]], parts[of[k]], classes[of[k]], self.options.min_iou), i)
                        for i, k in enumerate(keys) if k != most)
            share, other = worst[0], keys[worst[1]]
            if share > self.options.max_unmatched:
                found.append((other, most, share, len(of[other]), len(of[most]), group))
        return Result(Findings.of_subjects(
            [f[0][0] for f in found], "{file} and {other} are copies, but their {boxes:~} and {other_boxes:~ box|boxes} do not "
            "match: {share:.0%} have no counterpart (limit {limit:.0%}, option max_unmatched)",
            {"file": [f[0][0] for f in found], "other": [f[1][0] for f in found], "share": [f[2] for f in found],
             "boxes": [f[3] for f in found], "other_boxes": [f[4] for f in found], "limit": self.options.max_unmatched,
             "members": members_of([f[5] for f in found])},
            image=[f[0][0] for f in found], split=[f[0][1] for f in found]))


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

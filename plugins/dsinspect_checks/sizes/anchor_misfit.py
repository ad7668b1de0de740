"""SIZ004 anchor-misfit: anchors that do not fit the boxes.

Reports a set whose best possible recall is under `min_recall`: the share of boxes for which some anchor is within a factor of
`ratio` in width and in height, at the training size `imgsz`. The anchors are the given ones, or 9 fitted to the boxes by
k-means. The metrics hold the fitted anchors.

Why it matters: an anchor-based detector (YOLOv3 to v7) can only learn boxes that some anchor is close to; the others count as
background.

Example: wires of 600 x 4 px with COCO's anchors: a best possible recall of 0.4.

When to ignore: for detectors without anchors (YOLOv8 and later, FCOS, DETR).

Source of the default: YOLOv5 and v7 fit anchors anew when the best possible recall is under 0.98 at a ratio of 4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.sizes._training import scaled_wh

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple["NDArray[np.int64]", "NDArray[np.int64]"]
"""Sizes at the training size in whole px (at least 1), each as width << 32 | height and in order; boxes of each."""
MOST_PX = (1 << 31) - 1
"""A longer side counts as this one: two fit into a whole number."""
ROUNDS = 30
STEPS = 16


class Options(BaseOptions, frozen=True):
    """Limits of SIZ004."""

    imgsz: Annotated[int, option("training size, px", source="Ultralytics", ge=32)] = 640
    anchors: Annotated[str, option("anchors to judge, `W,H W,H ...` px at imgsz; fitted when empty")] = ""
    ratio: Annotated[float, option("factor by which box and anchor may differ", source="YOLOv5", gt=1)] = 4.0
    min_recall: Annotated[float, option("best possible recall", source="YOLOv5", ge=0, le=1)] = 0.98
    min_boxes: Annotated[int, option("boxes a set must have to be judged", ge=9)] = 100

    def __post_init__(self) -> None:
        """Refuse what are no anchors."""
        parse_anchors(self.anchors)


class AnchorMisfit(Check[State, Options]):
    """Sets whose boxes the detector's anchors do not reach."""

    code = "SIZ004"
    name = "anchor-misfit"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count box sizes, rounded to whole px."""
        wh, _ = scaled_wh(batch, self.options.imgsz)
        whole = np.clip(np.round(wh), 1, MOST_PX).astype(np.int64)
        # One number for both sides: sorting pairs takes 10 times as long.
        return np.unique(whole[:, 0] << 32 | whole[:, 1], return_counts=True)

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        keys, places = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, places, np.concatenate([a[1], b[1]]))
        return keys, counts

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Judge given anchors, and fit new ones."""
        o = self.options
        keys, counts = state
        wh, weights = np.column_stack([keys >> 32, keys & 0xFFFFFFFF]).astype(np.float64), counts.astype(np.float64)
        if weights.sum() < o.min_boxes or len(wh) < 9:
            return Result()
        fitted = fit_anchors(*gathered(wh, weights))
        given = parse_anchors(o.anchors)
        judged = given if len(given) else fitted
        recall = best_possible_recall(wh, weights, judged, o.ratio)
        metrics = {"best_possible_recall": round(recall, 9), "judged": "given" if len(given) else "fitted",
                   "fitted_anchors": fitted.round(1).tolist(),
                   "fitted_recall": round(best_possible_recall(wh, weights, fitted, o.ratio), 9), "imgsz": o.imgsz}
        return Result(Findings.of_subjects(
            ["set"] if recall < o.min_recall else [], "The {judged} anchors reach {recall:.1%} of the boxes within a factor of "
            "{ratio:~} at {imgsz:~} px (limit {limit:.0%}, options min_recall, ratio and imgsz)",
            {"judged": metrics["judged"], "recall": recall, "ratio": o.ratio, "imgsz": o.imgsz, "limit": o.min_recall}), metrics)


def parse_anchors(text: str) -> NDArray[np.float64]:
    """Return anchors from `W,H W,H ...` as (K, 2), px; brackets around them, and any commas or spaces between, are allowed.

    Raises:
        ValueError: something else stands there, or a width without its height.
    """
    parts = re.sub(r"[][(),;\s]+", " ", text).split()
    numbers = [float(p) for p in parts if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", p)]
    if len(numbers) != len(parts) or len(numbers) % 2 or not all(numbers):
        raise ValueError(f'anchors {text!r:.80}: write width and height of each in px, such as "10,13 16,30 33,23"')
    return np.array(numbers, np.float64).reshape(-1, 2)


def best_possible_recall(wh: NDArray[np.float64], weights: NDArray[np.float64], anchors: NDArray[np.float64],
                         ratio: float) -> float:
    """Return the share of boxes for which an anchor is within `ratio` in width and height (YOLOv5's metric).

    Args:
        wh: (N, 2) sizes of boxes, px.
        weights: (N,) how many boxes have each size.
        anchors: (K, 2) sizes, px.
        ratio: allowed factor.
    """
    reached = np.zeros(len(wh), bool)
    for width, height in anchors.tolist():
        x, y = wh[:, 0] / width, wh[:, 1] / height
        reached |= (x <= ratio) & (y <= ratio) & (1 / x <= ratio) & (1 / y <= ratio)
    return float(weights[reached].sum() / weights.sum())


def gathered(wh: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gather sizes in cells of 1/16 octave: a tenth of the points. The anchors they lead to reach as many boxes.

    Returns:
        the (weighted, geometric) mean size of each cell, (M, 2) px, and how many boxes it holds, (M,).
    """
    steps = np.round(np.log2(wh) * STEPS).astype(np.int64)
    _, cell = np.unique(steps[:, 0] << 32 | steps[:, 1], return_inverse=True)
    mass = np.bincount(cell, weights).astype(np.float64)
    return np.exp(np.column_stack([np.bincount(cell, weights * np.log(wh[:, a])) for a in (0, 1)]) / mass[:, None]), mass


def fit_anchors(wh: NDArray[np.float64], weights: NDArray[np.float64], k: int = 9) -> NDArray[np.float64]:
    """Fit k anchors by k-means on the logarithms of the sizes, sorted by area; deterministic.

    Logarithms make a factor, which is what the recall is about, a distance. The first centres are the quantiles of the area.
    """
    points = np.log(wh)
    order = np.argsort(points.sum(axis=1), kind="stable")
    cumulated = np.cumsum(weights[order])
    picks = np.searchsorted(cumulated, (np.arange(k) + 0.5) / k * cumulated[-1])
    centres = points[order[picks]]
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    weighted_x, weighted_y = weights * x, weights * y
    previous: NDArray[np.intp] | None = None
    for _ in range(ROUNDS):
        # One centre at a time: an array of all distances takes three times as long as its rows, which stay in the cache.
        nearest, least = np.zeros(len(x), np.intp), np.full(len(x), np.inf)
        for number, (a, b) in enumerate(centres.tolist()):
            distance = (x - a) ** 2 + (y - b) ** 2
            closer = distance < least
            nearest[closer] = number
            np.minimum(least, distance, out=least)
        if previous is not None and (nearest == previous).all():
            break
        previous = nearest
        mass = np.bincount(nearest, weights, k)
        moved = np.column_stack([np.bincount(nearest, w, k) for w in (weighted_x, weighted_y)])
        centres = np.where(mass[:, None] > 0, moved / np.maximum(mass, 1)[:, None], centres)
    anchors: NDArray[np.float64] = np.exp(centres)
    order = np.lexsort((anchors[:, 0], anchors.prod(axis=1)))
    return np.asarray(anchors[order], np.float64)

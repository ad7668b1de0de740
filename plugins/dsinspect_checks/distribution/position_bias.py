"""DST003 position-bias: objects that are always in the same place.

Reports a set whose heat map of box centres (a grid of 16 x 16) has a normalised entropy under `min_entropy`, from `min_boxes`
boxes on. The heat map is a chart. As a warning it reports a set in which at least `max_same` of the boxes are one box: their
four edges lie at the same parts of their images' sides, to about 1 %, whatever the sizes of the images, in `min_images` images or
more. Boxes over the whole image are BOX011's matter.

Why it matters: the detector learns the place instead of the object, and misses it everywhere else. One box in all images is
mostly a placeholder that a script wrote, which nobody drew.

Example: every face in the middle of a passport photograph; `0 0.5 0.5 0.8 0.8` in each of 121 label files.

When to ignore: when the camera and the scene are fixed in use as well.

Source of the default: 0.7 is what one centred blob of a third of the image's width reaches. 90 % in 20 images is what one
set of placeholders has (121 of 121 boxes, in 53 sizes of images), and none of 27 other real sets that were run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import is_judged

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 16
STEPS = 65_535
"""Steps of a side that edges are kept in."""
PLACE = 256
"""Steps of one place: edges in the same two neighbouring places, 0.8 % of the side, are the same."""
WHOLE = 0.95
"""Share of the image from which a box covers it."""


class State(msgspec.Struct, frozen=True):
    """What is kept of a shard.

    Attributes:
        centres: (256,) centres of boxes on the grid of 16 x 16.
        edges: (N, 4) left, top, right and lower edge of each box that does not cover its image, in steps of the side.
        images: images with such boxes.
    """

    centres: NDArray[np.int64]
    edges: tuple[NDArray[np.uint16], ...]
    images: int


class Options(BaseOptions, frozen=True):
    """Limits of DST003."""

    min_entropy: Annotated[float, option("entropy of the heat map as a part of that of a uniform one", ge=0, le=1)] = 0.7
    min_boxes: Annotated[int, option("boxes a set must have to be judged by its entropy", ge=1)] = 200
    max_same: Annotated[float, option("share of boxes from which a set of one relative box is reported", gt=0, le=1)] = 0.9
    min_images: Annotated[int, option("images from which one relative box is reported", ge=2)] = 20


class PositionBias(Check[State, Options]):
    """Sets whose box centres crowd in a part of the image."""

    code = "DST003"
    name = "position-bias"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count centres on the grid, and keep edges as parts of the sides."""
        size, boxes = batch.box_image_wh, batch.boxes_xyxy
        good = is_judged(batch) & ~np.isnan(size).any(axis=1)
        centres = (boxes[good, :2] + boxes[good, 2:]) / 2 / size[good]
        cells = np.clip((centres * GRID).astype(np.int64), 0, GRID - 1)
        parts = boxes[good] / np.tile(size[good], 2)
        partial = (parts[:, 2:] - parts[:, :2]).prod(axis=1) < WHOLE
        edges = np.round(np.clip(parts[partial], 0, 1) * STEPS).astype(np.uint16)
        return State(np.bincount(cells[:, 1] * GRID + cells[:, 0], minlength=GRID * GRID), (edges,) if len(edges) else (),
                     len(np.unique(batch.annotation_columns["image_row"][good][partial])))

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return State(a.centres + b.centres, a.edges + b.edges, a.images + b.images)

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Judge the edges, and the entropy of the heat map."""
        counts = state.centres
        n = int(counts.sum())
        if n == 0:
            return Result()
        share = counts[counts > 0] / n
        # A uniform heat map of n boxes cannot have more than log n of entropy.
        entropy = float(-(share * np.log(share)).sum()) / np.log(min(GRID * GRID, max(n, 2))) + 0.0
        chart = Chart("heatmap", "Centres of boxes", (GRID, GRID), tuple(map(tuple, counts.reshape(GRID, GRID).tolist())),
                      "x", "y")
        metrics = {"entropy": round(entropy, 9), "boxes": n}
        same, edges = same_box(state.edges) if state.images >= self.options.min_images else (0, [])
        if same >= self.options.max_same * n:
            return Result(Findings.of_subjects(
                ["set"], "{share:.0%} of the {boxes:~ box|boxes} are at one place of their image, from {left:.2f}, {top:.2f} to "
                "{right:.2f}, {bottom:.2f} of its sides: placeholders? (limit {limit:.0%}, option max_same)",
                {"share": same / n, "boxes": n, "images": state.images, "limit": self.options.max_same,
                 **dict(zip(("left", "top", "right", "bottom"), edges, strict=True))},
                severity=Severity.WARNING), metrics, charts=(chart,))
        found = n >= self.options.min_boxes and entropy < self.options.min_entropy
        return Result(Findings.of_subjects(
            ["set"] if found else [], "Box centres crowd in one place: the entropy of their heat map is {entropy:.2f} of a "
            "uniform one's (limit {limit:~}, option min_entropy)",
            {"entropy": entropy, "limit": self.options.min_entropy, "boxes": n}),
            metrics, charts=(chart,))


def same_box(edges: tuple[NDArray[np.uint16], ...]) -> tuple[int, list[float]]:
    """Return how many boxes are one relative box, and the mean edges of it as parts of the sides.

    Each edge is looked for in the two neighbouring places that hold most of its kind.
    """
    steps = np.concatenate(edges)
    places = steps // PLACE
    counts = np.stack([np.bincount(p, minlength=STEPS // PLACE + 1) for p in places.T])
    most = (counts[:, :-1] + counts[:, 1:]).argmax(axis=1)
    same = ((places == most) | (places == most + 1)).all(axis=1)
    n = int(same.sum())
    return n, [round(total / max(n, 1) / STEPS, 4) for total in steps[same].sum(axis=0, dtype=np.int64).tolist()]

"""DST003 position-bias: objects that are always in the same place.

Reports a set whose heat map of box centres (a grid of 16 x 16) has a normalised entropy under `min_entropy`, from `min_boxes`
boxes on. The heat map is a chart.

Why it matters: the detector learns the place instead of the object, and misses it everywhere else.

Example: every face in the middle of a passport photograph.

When to ignore: when the camera and the scene are fixed in use as well.

Source of the default: 0.7 is what one centred blob of a third of the image's width reaches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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


class Options(BaseOptions, frozen=True):
    """Limits of DST003."""

    min_entropy: Annotated[float, option("entropy of the heat map by that of a uniform one", ge=0, le=1)] = 0.7
    min_boxes: Annotated[int, option("boxes a set must have to be judged", ge=1)] = 200


class PositionBias(Check["NDArray[np.int64]", Options]):
    """Sets whose box centres crowd in a part of the image."""

    code = "DST003"
    name = "position-bias"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> NDArray[np.int64]:
        """Count centres on the grid."""
        size, boxes = batch.box_image_wh, batch.boxes_xyxy
        good = is_judged(batch) & ~np.isnan(size).any(axis=1)
        centres = (boxes[good, :2] + boxes[good, 2:]) / 2 / size[good]
        cells = np.clip((centres * GRID).astype(np.int64), 0, GRID - 1)
        return np.bincount(cells[:, 1] * GRID + cells[:, 0], minlength=GRID * GRID)

    def merge(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the counts."""
        return np.asarray(a + b, np.int64)

    def finish(self, state: NDArray[np.int64], dataset: DatasetInfo) -> Result:
        """Judge the entropy of the heat map."""
        n = int(state.sum())
        if n == 0:
            return Result()
        share = state[state > 0] / n
        # A uniform heat map of n boxes cannot have more than log n of entropy.
        entropy = float(-(share * np.log(share)).sum()) / np.log(min(GRID * GRID, max(n, 2))) + 0.0
        chart = Chart("heatmap", "Centres of boxes", (GRID, GRID), tuple(map(tuple, state.reshape(GRID, GRID).tolist())),
                      "x", "y")
        found = n >= self.options.min_boxes and entropy < self.options.min_entropy
        return Result(Findings.of_subjects(
            ["set"] if found else [], "Box centres crowd in one place: the entropy of their heat map is {entropy:.2f} of a "
            "uniform one's (limit {limit:~}, option min_entropy)",
            {"entropy": entropy, "limit": self.options.min_entropy, "boxes": n}),
            {"entropy": round(entropy, 9), "boxes": n}, charts=(chart,))

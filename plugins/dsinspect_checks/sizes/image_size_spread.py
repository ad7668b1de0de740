"""SIZ001 image-size-spread: image sizes all over the place.

Reports a set whose 95th percentile of the side (the square root of width times height) is more than `max_spread` times the
5th. The metrics hold quantiles, the number of distinct sizes, the most frequent one, and a suggested training size: the median
of the longer side, rounded to a multiple of 32, between 320 and 1536.

Why it matters: scaled to one training size, objects of small images are blown up and those of large ones vanish; the detector
has to learn every scale at once.

Example: images from 96 x 72 to 384 x 288 px: 4.0.

When to ignore: when the objects have the same size in px all the same (tiles, crops), or scale is part of the task.

Source of the default: 2.5 is about the range of scales that the usual scale augmentation (0.5 to 1.5) covers.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from dsinspect.protocols.chart import Chart
from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._sizes import CountsSizes, Sizes, expand, quantile


class Options(BaseOptions, frozen=True):
    """Limits of SIZ001."""

    max_spread: Annotated[float, option("ratio of the 95th to the 5th percentile of the side", gt=1)] = 2.5


class ImageSizeSpread(CountsSizes[Options]):
    """Sets whose image sizes vary widely."""

    code = "SIZ001"
    name = "image-size-spread"
    severity = Severity.WARNING
    describes_set = True
    options_type = Options

    def finish(self, state: Sizes, dataset: DatasetInfo) -> Result:
        """Judge the spread."""
        wh, counts = expand(state)
        if not len(wh):
            return Result()
        side = np.sqrt(wh.prod(axis=1))
        low, high = quantile(side, counts, 0.05), quantile(side, counts, 0.95)
        spread = high / low
        metrics = size_metrics(wh, counts) | {"spread": round(spread, 6), "unknown": state[(0.0, 0.0)]}
        found = Findings.of_subjects(
            ["set"] if spread > self.options.max_spread else [],
            "Image sizes spread by a factor of {spread:~}: sides from {low:~} px (5th percentile) to {high:~} px (95th; limit "
            "{limit:~}, option max_spread)", {"spread": spread, "low": low, "high": high, "limit": self.options.max_spread})
        order = np.lexsort((wh[:, 1], wh[:, 0], -counts))
        table = Columns({"width": wh[order, 0], "height": wh[order, 1], "images": counts[order],
                         "share": counts[order] / counts.sum()})
        edges = np.linspace(side.min(), max(side.max(), side.min() + 1), 21)
        heights, _ = np.histogram(side, edges, weights=counts)
        top = order[:1000]
        charts = (Chart("histogram", "Image side", tuple(edges.tolist()), tuple(heights.astype(int).tolist()),
                        "square root of width x height, px", "images"),
                  Chart("scatter", "Image sizes", tuple(wh[top, 0].tolist()), tuple(wh[top, 1].tolist()),
                        "width, px", "height, px"))
        return Result(found, metrics, {"Sizes": table}, charts)


def size_metrics(wh: np.ndarray[Any, np.dtype[np.float64]], counts: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return quantiles, the most frequent size, and the suggested training size."""
    side, longer = np.sqrt(wh.prod(axis=1)), wh.max(axis=1)
    modal = int(np.argmax(counts))
    quantiles = {name: {f"p{round(q * 100):02d}": quantile(values, counts, q) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
                 for name, values in (("width", wh[:, 0]), ("height", wh[:, 1]), ("side", side))}
    suggested = int(np.clip(round(quantile(longer, counts, 0.5) / 32) * 32, 320, 1536))
    return {"quantiles": quantiles, "distinct": len(wh), "modal": {
        "width": wh[modal, 0], "height": wh[modal, 1], "share": round(float(counts[modal] / counts.sum()), 9)},
        "suggested_imgsz": suggested}

"""SIZ002 aspect-spread: portrait beside landscape, or shapes of every kind.

Reports a set whose 95th percentile of width by height is more than `max_spread` times the 5th, or in which portrait and
landscape both hold more than `max_share` of the images. The metrics hold the share of a square that letterboxing fills with
padding, and a plan of buckets by aspect.

Why it matters: a square input wastes the padding of every image: at 16:9 that is 44 % of the work; stretching instead distorts
the objects, differently in every image.

Example: portraits of 108 x 192 beside panoramas of 256 x 128 px.

When to ignore: when you train with rectangular batches or buckets.

Source of the default: 2.0 lies between 4:3 against 3:4 (1.8) and 16:9 against 3:4 (2.4).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from dsinspect.protocols.chart import Chart
from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._sizes import CountsSizes, Sizes, expand, quantile

BUCKETS = ((0.0, 0.65, "tall"), (0.65, 0.9, "portrait"), (0.9, 1.12, "square"), (1.12, 1.55, "landscape"),
           (1.55, np.inf, "wide"))


class Options(BaseOptions, frozen=True):
    """Limits of SIZ002."""

    max_spread: Annotated[float, option("ratio of the 95th to the 5th percentile of width / height", gt=1)] = 2.0
    max_share: Annotated[float, option("share that portrait and landscape may both exceed", ge=0, le=0.5)] = 0.2


class AspectSpread(CountsSizes[Options]):
    """Sets whose aspects vary widely, or that mix portrait and landscape."""

    code = "SIZ002"
    name = "aspect-spread"
    severity = Severity.WARNING
    describes_set = True
    options_type = Options

    def finish(self, state: Sizes, dataset: DatasetInfo) -> Result:
        """Judge spread and mix."""
        wh, counts = expand(state)
        if not len(wh):
            return Result()
        o, n = self.options, counts.sum()
        aspect = wh[:, 0] / wh[:, 1]
        low, high = quantile(aspect, counts, 0.05), quantile(aspect, counts, 0.95)
        spread = high / low
        portrait = float(counts[aspect < 1].sum() / n)
        landscape = float(counts[aspect > 1].sum() / n)
        findings: list[Findings] = []
        if spread > o.max_spread:
            findings.append(Findings.of_subjects(
                ["set"], "Aspect ratios spread by a factor of {spread:~}: from {low:~} (5th percentile) to {high:~} (95th; "
                "limit {limit:~}, option max_spread)", {"spread": spread, "low": low, "high": high, "limit": o.max_spread}))
        elif portrait > o.max_share and landscape > o.max_share:
            findings.append(Findings.of_subjects(
                ["set"], "{portrait:.0%} of the images are portrait and {landscape:.0%} landscape (limit {limit:.0%} of both, "
                "option max_share)", {"portrait": portrait, "landscape": landscape, "limit": o.max_share}))
        edges = np.linspace(aspect.min(), max(aspect.max(), aspect.min() + 0.1), 21)
        heights, _ = np.histogram(aspect, edges, weights=counts)
        chart = Chart("histogram", "Aspect", tuple(edges.tolist()), tuple(heights.astype(int).tolist()),
                      "width / height", "images")
        metrics: dict[str, Any] = {
            "spread": round(spread, 6), "portrait": round(portrait, 9), "landscape": round(landscape, 9),
            "padding_share": padding_share(wh, counts), "buckets": buckets(wh, counts)}
        return Result(Findings.concat(findings), metrics, charts=(chart,))


def padding_share(wh: np.ndarray[Any, np.dtype[np.float64]], counts: np.ndarray[Any, Any]) -> float:
    """Return the share of all squares that is padding when each image is letterboxed to one."""
    filled = wh.min(axis=1) / wh.max(axis=1)
    return round(1 - float((filled * counts).sum() / counts.sum()), 9)


def buckets(wh: np.ndarray[Any, np.dtype[np.float64]], counts: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """Return the images and the mean padding by bucket of width / height."""
    aspect = wh[:, 0] / wh[:, 1]
    plan = []
    for low, high, name in BUCKETS:
        inside = (aspect >= low) & (aspect < high)
        images = int(counts[inside].sum())
        if images:
            middle = float((aspect[inside] * counts[inside]).sum() / images)
            plan.append({"bucket": name, "images": images, "mean_aspect": round(middle, 4),
                         "share": round(images / int(counts.sum()), 9)})
    return plan

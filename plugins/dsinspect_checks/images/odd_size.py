"""IMG014 odd-size: images far larger or smaller than the rest.

Reports an image whose side (the square root of width times height) lies more than `fence` interquartile ranges outside the
quartiles of the set and is at least `min_ratio` times longer or shorter than they are. A size that more than `max_share` of the
images have (and more than 3) is that of another camera: SIZ001 says how far sizes spread.

Why it matters: it is often of another source: a thumbnail, a screenshot, a scan; its objects have another scale.

Example: an image of 96 x 72 px among 2,000 of about 640 x 480.

When to ignore: when the sources are known to differ.

Source of the default: CleanVision, after Tukey's far-out fence. Where most images have one size that fence has no width: of
900 images reported by it alone (853 px among images of 720) a person agreed with none. At twice or half the side an object has
another scale to the network. On 10 real sets (5,859 images) 1 is reported, a photograph of 2,000 x 1,333 px among web images
of 650 x 490. On 58 more the frames of a second camera made 207 of 227 findings, each of a size that 14 % of its set have; the
other 20 are photographs among web images, and screenshots.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks._sizes import Sizes, count_sizes, expand, quantile

MOST_IMAGES = 3
"""Images of one size that are few in any set."""
State = tuple[Sizes, tuple[Findings, ...]]


class Options(BaseOptions, frozen=True):
    """Limits of IMG014."""

    fence: Annotated[float, option("interquartile ranges beyond the quartiles", source="CleanVision", gt=0)] = 3.0
    min_ratio: Annotated[float, option("ratio of a side to that of the nearer quartile, or the reverse", ge=1)] = 2.0
    max_share: Annotated[float, option("share of images of one size from which it is not odd", gt=0, le=1)] = 0.05
    min_images: Annotated[int, option("images a set must have to be judged", ge=4)] = 20


class OddSize(Check[State, Options]):
    """Images whose side is beyond the fence of the set.

    The state counts sizes, and holds the place of every image: any may turn out odd.
    """

    code = "IMG014"
    name = "odd-size"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count sizes and keep the images as candidates."""
        wh = batch.image_columns.stacked("frame_width", "frame_height")
        known = ~np.isnan(wh).any(axis=1)
        candidates = Findings.of_images(
            batch, known, "Image of {width:~} x {height:~} px has an odd size: its side of {side:~} px is outside the usual "
            "{low:~} to {high:~} px (limit {limit:~} interquartile ranges, option fence)",
            {"width": wh[known, 0], "height": wh[known, 1], "side": np.sqrt(wh[known].prod(axis=1)), "low": 0.0, "high": 0.0,
             "limit": self.options.fence})
        return batch.once(count_sizes), (candidates,) if len(candidates) else ()

    def merge(self, a: State, b: State) -> State:
        """Add counts and chain candidates."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Fence the sides."""
        wh, counts = expand(state[0])
        if counts.sum() < self.options.min_images:
            return Result()
        side = np.sqrt(wh.prod(axis=1))
        q1, q3 = quantile(side, counts, 0.25), quantile(side, counts, 0.75)
        reach = self.options.fence * (q3 - q1)
        low = min(q1 - reach, q1 / self.options.min_ratio)
        high = max(q3 + reach, q3 * self.options.min_ratio)
        low = max(low, 0.0)
        candidates = Findings.concat(state[1])
        sides = candidates.columns["value:side"].astype(np.float64)
        odd = (sides < low) | (sides > high)
        usual = {size for size, n in state[0].items() if n > max(self.options.max_share * int(counts.sum()), MOST_IMAGES)}
        sizes = zip(candidates.columns["value:width"].tolist(), candidates.columns["value:height"].tolist(), strict=True)
        odd[odd] = [size not in usual for size, is_odd in zip(sizes, odd.tolist(), strict=True) if is_odd]
        return Result(candidates.take(odd).with_values(low=low, high=high))

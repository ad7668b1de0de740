"""BOX010 size-outlier: boxes far larger or smaller than the others of their class.

Reports a box whose logarithm of the area lies beyond `fence` interquartile ranges outside the quartiles of its class, in
classes of at least `min_boxes` boxes: in pixels and, where the images differ in size, as a share of the image as well. One
object in a large image is so no outlier among smaller images, nor in a tile that was cut smaller; nor where most boxes of its
class in its image are that large or small, at least 3: the scale is the image's. Where more than `max_share` of the boxes of a
class, or of the images with it (more than 3), are outside on one side, they are no outliers, and nothing is said. Crowd and
ignored regions are exempt.

Why it matters: it is often a slip: a box over a whole group, a box of another class, or a dot.

Example: among 400 boxes of `person` of 2,000 to 20,000 px², one of 9.

When to ignore: when the distances to the camera differ that much.

Source of the default: Tukey's far-out fence, 3 interquartile ranges. On 3 real sets whose images differ in size (1,620
images) pixels alone reported 1,435 boxes, and all that were looked at were of an ordinary size for their image; with the share as
well 23 are left, each cut small by the border of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.findings.wording import number
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, codes_of, objects
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._places import place_columns, places_of
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_IMAGES = 3
"""Outliers, or images with some, that are few in any set."""
LEAST_OF_IMAGE = 3
"""Boxes of a class in an image that show its scale."""
State = tuple[Columns, ...]
"""Area in pixels and as a share of the image, and place of every judged box: the quartiles are those of the whole set."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX010."""

    fence: Annotated[float, option("interquartile ranges beyond the quartiles", source="Tukey 1977", gt=0)] = 3.0
    min_boxes: Annotated[int, option("boxes a class must have to be judged", ge=4)] = 30
    max_share: Annotated[float, option("share of a class outside on one side that is no outlier any more", gt=0, le=1)] = 0.05


class SizeOutlier(Check[State, Options]):
    """Boxes far larger or smaller than the others of their class."""

    code = "BOX010"
    name = "size-outlier"
    severity = Severity.INFO
    options_type = Options

    def map(self, batch: Batch) -> State:
        """Keep areas and places."""
        judged = np.flatnonzero(is_judged(batch) & (batch.category_codes[0] >= 0))
        if not len(judged):
            return ()
        places = places_of(batch)
        area, image = sizes_wh(batch).prod(axis=1), batch.box_image_wh.prod(axis=1)
        share = area / np.where(image > 0, image, np.nan)
        return (places.with_columns({"area": area, "share": share}).take(
            judged if len(judged) < len(places) else slice(None)),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Fence each class with its quartiles."""
        if not state:
            return Result()
        table = Columns.concat(state)
        codes, _ = codes_of(table["category"])
        enough = np.bincount(codes)[codes] >= self.options.min_boxes
        low, high, below, above = self.fenced(table["area"], codes)
        least, most, below_share, above_share = self.fenced(table["share"], codes)
        is_below, is_above = self.few(enough & below & below_share, table), self.few(enough & above & above_share, table)
        far = np.flatnonzero(is_below | is_above)
        outliers = table.take(far)
        values = {"area": outliers["area"], "low": low[far], "high": high[far], "name": outliers["category"],
                  "side": np.where(is_below[far], "below", "above").astype(object), "limit": self.options.fence,
                  "usual": usual(low[far], high[far], (table["area"] / table["share"])[far], is_below[far])}
        message = "Box area {area:~} px² is {side} the usual {usual} of class {name} (option fence: {limit:~} IQR)"
        if differ(table["area"] / table["share"]):
            message = ("Box area {area:~} px² ({share:.2%} of the image) is {side} the usual {usual} ({least:.2%} to {most:.2%}) "
                       "of class {name} (option fence: {limit:~} IQR)")
            values |= {"share": outliers["share"], "least": least[far], "most": np.minimum(most[far], 1)}
        return Result(Findings.of_places(place_columns(outliers), message, values))

    def few(self, outside: NDArray[np.bool_], table: Columns) -> NDArray[np.bool_]:
        """Return which boxes outside on one side are outliers: few of their class, and not most of it in their image."""
        if not outside.any():
            return outside
        classes, (images, names) = codes_of(table["category"])[0], codes_of(table["image"])
        pairs, pair = np.unique(classes * (len(names) + 1) + images + 1, return_inverse=True)
        in_image, outside_in_image = np.bincount(pair), np.bincount(pair, outside)
        counts = [(np.bincount(classes, outside), np.bincount(classes)),
                  (np.bincount(pairs // (len(names) + 1), outside_in_image > 0), np.bincount(pairs // (len(names) + 1)))]
        are_many = [n > np.maximum(self.options.max_share * total, MOST_IMAGES) for n, total in counts]
        is_scale = (2 * outside_in_image > in_image) & (in_image >= LEAST_OF_IMAGE)
        few: NDArray[np.bool_] = outside & ~(are_many[0] | are_many[1])[classes] & ~is_scale[pair]
        return few

    def fenced(self, sizes: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[
            NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the fences of the class of each size, and which sizes are below and above them; an unknown size is both."""
        log_size = np.log(sizes)
        order = np.argsort(codes, kind="stable")
        by_class = np.split(log_size[order], np.cumsum(np.bincount(codes))[:-1])
        q1, q3 = np.array([np.quantile(known, [0.25, 0.75]) if len(known := values[~np.isnan(values)]) else [np.nan, np.nan]
                           for values in by_class]).T
        reach = (q3 - q1) * self.options.fence
        low, high = (q1 - reach)[codes], (q3 + reach)[codes]
        # Classes whose boxes are all alike have no spread to measure by; half a percent is none.
        return np.exp(low), np.exp(high), ~(log_size >= low - 0.005), ~(log_size <= high + 0.005)


def usual(low: NDArray[np.float64], high: NDArray[np.float64], images: NDArray[np.float64],
          is_below: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return the usual areas in words, px²; a limit under a pixel or above the image says nothing and is left out."""
    def words(least: float, most: float, image: float, below: bool) -> str:
        if below and most > image:
            return f"{number(least)} px² or more"
        if not below and least < 1:
            return f"{number(most)} px² at most"
        return f"{number(least)} to {number(most)} px²"

    return objects([words(*row) for row in zip(low.tolist(), high.tolist(), images.tolist(), is_below.tolist(), strict=True)])


def differ(images: NDArray[np.float64]) -> bool:
    """Return whether areas of images, px², are not all the same; unknown ones do not count."""
    known = images[np.isfinite(images)]
    return bool(len(known) and known.max() - known.min() > 0.5)

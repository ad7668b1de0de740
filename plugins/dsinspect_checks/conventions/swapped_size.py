"""CNV006 swapped-size: width and height exchanged in most records.

Reports a set in which the declared width and height are those of the file exchanged, in at least `min_share` of the images
that are not square. The findings of IMG004 that say so are folded into this one.

Why it matters: `array.shape` is height, width: who unpacks it the wrong way round scales every box by the wrong side.

Example: 480 x 640 declared for files of 640 x 480 px, everywhere.

When to ignore: never; correct the converter.

Source of the default: half of the images is no slip of a few.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fold, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.images._state import is_image

State = Counter[str]


class Options(BaseOptions, frozen=True):
    """Limits of CNV006."""

    min_share: Annotated[float, option("share of images with exchanged sides", gt=0, le=1)] = 0.5
    min_images: Annotated[int, option("images a set must have to be judged", ge=1)] = 5


class SwappedSize(Check[State, Options]):
    """Sets whose declared width and height are exchanged."""

    code = "CNV006"
    name = "swapped-size"
    can_dispute = True
    severity = Severity.ERROR
    options_type = Options
    needs = (*FRAME_COLUMNS, "file_format", "read_error")

    def map(self, batch: Batch) -> State:
        """Count images with exchanged sides."""
        images = batch.image_columns
        declared = images.stacked("width", "height")
        stored = images.stacked("file_width", "file_height")
        judged = is_image(batch) & (declared > 0).all(axis=1) & (stored[:, 0] != stored[:, 1]) \
            & (images["orientation"] < 5)
        return Counter({"images": int(judged.sum()), "swapped": int((judged & (declared == stored[:, ::-1]).all(axis=1)).sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        n, swapped = state["images"], state["swapped"]
        found = n >= self.options.min_images and swapped >= self.options.min_share * n
        return Result(Findings.of_subjects(
            ["set"] if found else [], "Width and height are swapped in {swapped:~} of {images:~ image|images} (limit "
            "{limit:.0%}, option min_share)",
            {"swapped": swapped, "images": n, "limit": self.options.min_share}),
            folds=(Fold(("IMG004",), messages=("swapped",)),) if found else (),
            disputes=(Dispute(),) if found else ())

"""The batch: one shard, measured, as checks see it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dsinspect.tables.columns import Columns, at_rows, codes_of, distinct
from dsinspect.tables.dataset import DatasetInfo, Tables
from dsinspect.tables.schema import boxes_xyxy

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from dsinspect.protocols.trainers import Judged

T = TypeVar("T")


class Batch(Tables):
    """One shard, measured, as checks see it. Boxes are in px of the image as annotated.

    Each table is there as NumPy columns (`batch.image_columns["width"]`) and as a pandas frame over the same arrays
    (`batch.images`), made when a check asks for it. They are shared by all checks: never change them.

    Attributes:
        dataset: what is known of the whole set.
        image_columns: `tables.schema.IMAGE_COLUMNS`, the columns of the probes, and `frame_width` `frame_height`: the size the
            boxes live in, px: the measured one when there is a file (turned as EXIF says when only that fits the declared
            size, or the format says so), else the declared one; NaN when neither is known.
        annotation_columns: `tables.schema.ANNOTATION_COLUMNS`.
        problem_columns: `tables.schema.PROBLEM_COLUMNS`.
        judged: what the trainer named with `--trainer` makes of the shard, or None; for checks that need `trainer`.
    """

    def __init__(self, dataset: DatasetInfo, images: Columns | pd.DataFrame, annotations: Columns | pd.DataFrame,
                 problems: Columns | pd.DataFrame, judged: Judged | None = None) -> None:
        """Take tables as columns or as frames."""
        super().__init__(images, annotations, problems)
        self.dataset = dataset
        self.judged = judged
        self._memo: dict[Any, Any] = {}

    def once(self, function: Callable[[Batch], T]) -> T:
        """Return `function(self)`, computed once per batch however many checks ask."""
        if function not in self._memo:
            self._memo[function] = function(self)
        result: T = self._memo[function]
        return result

    @cached_property
    def boxes_xyxy(self) -> NDArray[np.float64]:
        """(N, 4) float64 boxes, px: x_min, y_min, x_max, y_max."""
        return boxes_xyxy(self.annotation_columns)

    @cached_property
    def box_image_wh(self) -> NDArray[np.float64]:
        """(N, 2) float64 width and height of each annotation's image frame, px; NaN where unknown."""
        rows = self.annotation_columns["image_row"]
        return np.stack([at_rows(self.image_columns[c], rows) for c in ("frame_width", "frame_height")]).T

    @cached_property
    def category_codes(self) -> tuple[NDArray[np.intp], list[str]]:
        """Code of each annotation's category (-1 for an unknown one), and the names the codes stand for."""
        return codes_of(self.annotation_columns["category"])

    @cached_property
    def image_categories(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of images and codes of categories: each pair that occurs once, unknown images and categories left out."""
        codes, names = self.category_codes
        rows = self.annotation_columns["image_row"]
        known = (codes >= 0) & (rows >= 0)
        width = max(len(names), 1)
        pairs = distinct(rows[known] * width + codes[known])
        return pairs // width, pairs % width

    @cached_property
    def is_region(self) -> NDArray[np.bool_]:
        """Mask of crowd and ignored regions."""
        mask: NDArray[np.bool_] = self.annotation_columns["is_crowd"] | self.annotation_columns["is_ignored"]
        return mask

    @cached_property
    def has_unknown_size(self) -> NDArray[np.bool_]:
        """Mask of the annotations whose box in px is unknown: fractions of an image of unknown size."""
        if self.dataset.box_units == "px":
            return np.zeros(len(self.annotation_columns), bool)
        return np.asarray(np.isnan(self.box_image_wh).any(axis=1), bool)

"""A check of one measure of the preview, which stays silent where the whole set is like that: dark, white, flat, blurred."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks.images._state import decodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[int, int, tuple[Findings, ...]]
"""Images judged, images beyond the limit, and those of them that are reported if the set's others are not like that."""


class QualityOptions(BaseOptions, frozen=True):
    """What the set itself is a measure for."""

    max_share: Annotated[float, option("share of such images from which the set is simply like that", gt=0, le=1)] = 0.05
    min_images: Annotated[int, option("images from which the set is a measure", ge=1)] = 20


Q = TypeVar("Q", bound=QualityOptions)


class MeasuredImage(Check[State, Q]):
    """Reports images by one measured column; a subclass says which, what is beyond the limit, and what is excused."""

    column: ClassVar[str]
    message: ClassVar[str]

    @abstractmethod
    def limit(self) -> float:
        """Return the limit in force."""

    @abstractmethod
    def beyond(self, batch: Batch, limit: float) -> NDArray[np.bool_]:
        """Return the mask of images beyond the limit."""

    def is_fault(self, batch: Batch) -> NDArray[np.bool_]:
        """Return the mask of images whose other measures do not excuse them."""
        return np.ones(len(batch.image_columns), bool)

    def map(self, batch: Batch) -> State:
        """Count images beyond the limit, and keep those that nothing excuses."""
        measured = batch.image_columns[self.column]
        judged = decodes(batch)
        with np.errstate(invalid="ignore"):
            beyond = judged & ~np.isnan(measured) & self.beyond(batch, self.limit())
            bad = beyond & self.is_fault(batch)
        found = Findings.of_images(batch, bad, self.message, {"measured": measured[bad], "limit": self.limit()})
        return int(judged.sum()), int(beyond.sum()), (found,) if len(found) else ()

    def merge(self, a: State, b: State) -> State:
        """Add the counts and chain the findings."""
        return a[0] + b[0], a[1] + b[1], a[2] + b[2]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report them, unless too many images are like that."""
        judged, beyond, found = state
        o = self.options
        metrics = {"images": judged, "beyond_limit": beyond}
        if judged >= o.min_images and beyond > o.max_share * judged:
            return Result(metrics=metrics)
        return Result(Findings.concat(found), metrics)


class BadlyExposed(MeasuredImage[Q]):
    """Reports images almost all of whose pixels are too dark, or too bright, and that have no spot which is not.

    Attributes:
        spot: column of the luma of the few pixels at the other end.
        sign: 1 where low values of both columns are the fault, -1 where high ones are.
        limits: options that limit `column` and `spot`.
    """

    spot: ClassVar[str]
    sign: ClassVar[int]
    limits: ClassVar[tuple[str, str]]

    def limit(self) -> float:
        """Return the limit of `column`."""
        value: float = getattr(self.options, self.limits[0])
        return value

    def beyond(self, batch: Batch, limit: float) -> NDArray[np.bool_]:
        """Return what is darker, or brighter."""
        beyond: NDArray[np.bool_] = self.sign * batch.image_columns[self.column] < self.sign * limit
        return beyond

    def is_fault(self, batch: Batch) -> NDArray[np.bool_]:
        """Return those without a spot that is not."""
        limit = getattr(self.options, self.limits[1])
        without: NDArray[np.bool_] = ~(self.sign * batch.image_columns[self.spot] >= self.sign * limit)
        return without

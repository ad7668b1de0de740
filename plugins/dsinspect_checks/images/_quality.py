"""A check that holds one measure of the preview against a limit: dark, overexposed and flat pictures."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Findings, O, RowCheck
from dsinspect_checks.images._state import decodes

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MeasuredImage(RowCheck[O]):
    """Reports images by one measured column; a subclass says which, and when it is beyond the limit."""

    column: ClassVar[str]
    message: ClassVar[str]

    @abstractmethod
    def limit(self) -> float:
        """Return the limit in force."""

    @abstractmethod
    def beyond(self, measured: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Return the mask of values beyond the limit."""

    def find(self, batch: Batch) -> Findings:
        """Report the images that decode and whose measure is beyond the limit."""
        measured = batch.image_columns[self.column]
        with np.errstate(invalid="ignore"):
            bad = decodes(batch) & ~np.isnan(measured) & self.beyond(measured, self.limit())
        return Findings.of_images(batch, bad, self.message, {"measured": measured[bad], "limit": self.limit()})

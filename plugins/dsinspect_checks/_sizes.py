"""Counts of image sizes: an exact state that adds up over shards."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check
from dsinspect.tables.schema import FRAME_COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

O = TypeVar("O", bound=BaseOptions)  # noqa: E741
Sizes = Counter[tuple[float, float]]
"""Number of images by width and height, px; (0, 0) counts those of unknown size."""


def count_sizes(batch: Batch) -> Sizes:
    """Count the sizes of one batch."""
    wh = batch.image_columns["frame_width"] + 1j * batch.image_columns["frame_height"]  # pairs that sort as one number
    known = ~np.isnan(wh)
    unique, counts = np.unique(wh[known], return_counts=True)
    sizes = Counter({(s.real, s.imag): n for s, n in zip(unique.tolist(), counts.tolist(), strict=True)})
    if not known.all():
        sizes[(0.0, 0.0)] = int((~known).sum())
    return sizes


class CountsSizes(Check[Sizes, O]):
    """A check whose state is the counts of the sizes."""

    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> Sizes:
        """Count sizes."""
        return batch.once(count_sizes)

    def merge(self, a: Sizes, b: Sizes) -> Sizes:
        """Add the counts."""
        return a + b


def expand(sizes: Sizes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the known sizes, (N, 2) and sorted, and how many images have each."""
    known = sorted(k for k in sizes if k[0] > 0)
    return np.array(known, np.float64).reshape(-1, 2), np.array([sizes[k] for k in known], np.int64)


def quantile(values: NDArray[np.float64], counts: NDArray[np.int64], q: float) -> float:
    """Return the smallest value that a share `q` of the counted items does not exceed."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(counts[order])
    place = int(np.searchsorted(cumulated, np.ceil(q * cumulated[-1])))
    return float(values[order][min(place, len(values) - 1)])

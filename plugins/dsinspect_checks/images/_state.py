"""Which images are sound enough for the other checks to judge, so that one fault is told once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.checks import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = os.strerror(2).lower()


def is_present(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images whose file could be opened."""
    images = batch.images
    present = images["file"].notna().to_numpy(bool)
    if "read_error" in images:
        present = present & images["read_error"].isna().to_numpy(bool)
    return np.asarray(present, bool)


def is_image(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images whose file is an image by its first bytes."""
    return np.asarray(is_present(batch) & batch.images["file_format"].notna().to_numpy(bool), bool)


def is_truncated(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images whose stream ends early, where that was measured."""
    if "is_truncated" not in batch.images:
        return np.zeros(len(batch.images), bool)
    return np.asarray(is_image(batch) & (batch.images["is_truncated"].to_numpy() == 1), bool)


def decodes(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images that are images, whole, and decode as far as that was measured."""
    sound = is_image(batch) & ~is_truncated(batch)
    if "decodes" in batch.images:
        sound = sound & (batch.images["decodes"].to_numpy() != 0)
    return np.asarray(sound, bool)

"""Which images are sound enough for the other checks to judge, so that one fault is reported once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import is_given

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = os.strerror(2).lower()


def is_present(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images whose file could be opened."""
    return batch.once(_is_present)


def _is_present(batch: Batch) -> NDArray[np.bool_]:
    images = batch.image_columns
    present = is_given(images["file"])
    if "read_error" in images:
        present = present & ~is_given(images["read_error"])
    return np.asarray(present, bool)


def is_image(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images whose file is an image by its first bytes."""
    return batch.once(_is_image)


def _is_image(batch: Batch) -> NDArray[np.bool_]:
    return np.asarray(is_present(batch) & is_given(batch.image_columns["file_format"]), bool)


def is_truncated(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images whose stream ends early, where that was measured."""
    if "is_truncated" not in batch.image_columns:
        return np.zeros(len(batch.image_columns), bool)
    return np.asarray(is_image(batch) & (batch.image_columns["is_truncated"] == 1), bool)


def decodes(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of images that are images, whole, and decode as far as that was measured."""
    return batch.once(_decodes)


def _decodes(batch: Batch) -> NDArray[np.bool_]:
    sound = is_image(batch) & ~is_truncated(batch)
    if "decodes" in batch.image_columns:
        sound = sound & (batch.image_columns["decodes"] != 0)
    return np.asarray(sound, bool)

"""Images with the same content, over all shards; and a digest of each image's labels."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dsinspect.checks import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray


def label_digests(batch: Batch) -> NDArray[np.uint64]:
    """Return a 64-bit digest of each image's set of boxes and categories; the order of the boxes does not count.

    Boxes are rounded to a tenth of a pixel, for formats write them with few digits.
    """
    codes, names = batch.category_codes
    name_hashes = np.array([*(int.from_bytes(hashlib.blake2b(str(n).encode(), digest_size=8).digest(), "little")
                              for n in names), 0], np.uint64)
    state = name_hashes[codes]
    for column in batch.boxes_xyxy.T:
        with np.errstate(invalid="ignore"):
            bits = np.where(np.isfinite(column), np.round(column * 10), -1.0).astype(np.int64).view(np.uint64)
        state = (state ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(29)
    rows = batch.annotations["image_row"].to_numpy()
    digests = np.zeros(len(batch.images) + 1, np.uint64)
    np.add.at(digests, rows, state * np.uint64(0xBF58476D1CE4E5B9))
    return digests[:-1]


def content_rows(batch: Batch) -> pd.DataFrame:
    """Return `hash`, `path`, `split`, `labels` of the images whose content was hashed."""
    images = batch.images
    known = images["content_hash"].notna().to_numpy(bool)
    if "file_size" in images:
        known = known & (images["file_size"].to_numpy() > 0)  # empty files are alike, and IMG002's matter
    columns = {"hash": images["content_hash"].to_numpy()[known], "path": images["path"].to_numpy()[known],
               "split": images["split"].to_numpy()[known], "labels": batch.once(label_digests)[known]}
    return pd.DataFrame({k: pd.Series(v, dtype=v.dtype) for k, v in columns.items()})


def some(paths: list[str], limit: int = 5) -> str:
    """Return the first few paths as text."""
    more = f", and {len(paths) - limit:,} more" if len(paths) > limit else ""
    return ", ".join(paths[:limit]) + more

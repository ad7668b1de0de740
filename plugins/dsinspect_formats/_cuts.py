"""Shards that are cuts of tables in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import Shard


class MemoryShard(msgspec.Struct, frozen=True):
    """A cut of tables in memory."""

    shard: Shard

    def load(self) -> Shard:
        """Return the cut."""
        return self.shard


def cuts_of(images: Columns, annotations: Columns, problems: Columns, size: int) -> Sequence[ShardRef]:
    """Cut tables by images; annotations of unknown images go with the last part, problems with the first.

    Args:
        images: of the set.
        annotations: sorted by `image_row`, in which the number of images stands for an unknown one.
        problems: of the set.
        size: images of a part.
    """
    rows = annotations["image_row"]
    n = len(images)
    starts = list(range(0, n, size)) or [0]
    refs: list[ShardRef] = []
    for start in starts:
        last = start == starts[-1]
        stop = n if last else start + size
        low = int(np.searchsorted(rows, start)) if start else 0
        high = len(rows) if last else int(np.searchsorted(rows, stop))
        part = annotations.take(slice(low, high))
        image_row = part["image_row"]
        part = part.with_columns({"image_row": np.where(image_row == n, -1, image_row - start)})
        refs.append(MemoryShard(Shard(images.take(slice(start, stop)), part, problems if start == 0 else None)))
    return refs

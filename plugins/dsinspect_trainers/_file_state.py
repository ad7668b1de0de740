"""What the loaders on top of pycocotools need to see of whole files: ids that repeat, and splits of which nothing arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.tables.columns import codes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FileState:
    """What the loaders need to see of whole files, each of which is a dataset of its own.

    Attributes:
        ids: of the annotations of known images, by file.
        images: number of images, and of those that arrive, by split.
    """

    ids: Mapping[str, NDArray[np.int64]]
    images: Mapping[str | None, tuple[int, int]]

    def __add__(self, other: FileState) -> FileState:
        ids = {f: np.concatenate([s.ids[f] for s in (self, other) if f in s.ids]) for f in dict.fromkeys((*self.ids, *other.ids))}
        images = {}
        for split in dict.fromkeys((*self.images, *other.images)):
            a, b = self.images.get(split, (0, 0)), other.images.get(split, (0, 0))
            images[split] = (a[0] + b[0], a[1] + b[1])
        return FileState(ids, images)

    @property
    def equal_ids(self) -> str:
        """The lowest id that two annotations of one file have, in words; empty where all differ."""
        for file, ids in sorted(self.ids.items()):
            different, counts = np.unique(ids, return_counts=True)
            if len(different) < len(ids):
                repeated = counts > 1
                more = f", and {repeated.sum() - 1:,} more such ids" if repeated.sum() > 1 else ""
                return f"{counts[repeated][0]} annotations of {file} have the id {different[repeated][0]}{more}"
        return ""

    @property
    def empty_splits(self) -> list[str | None]:
        """Splits of which no image arrives."""
        return [split for split, (there, arriving) in self.images.items() if there and not arriving]


def counts_of_splits(splits: NDArray[Any], arrives: NDArray[np.bool_]) -> dict[str | None, tuple[int, int]]:
    """Return of each split the number of its images and of those that arrive."""
    codes, names = codes_of(splits)
    there = np.bincount(codes + 1, minlength=len(names) + 1).tolist()
    arriving = np.bincount(codes[arrives] + 1, minlength=len(names) + 1).tolist()
    return {split: (n, k) for split, n, k in zip((None, *names), there, arriving, strict=True) if n}

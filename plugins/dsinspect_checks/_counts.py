"""Boxes and images per class and per split, counted once per batch; states of exact integers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check
from dsinspect.tables.columns import Columns, codes_of
from dsinspect.tables.dataset import DatasetInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

O = TypeVar("O", bound=BaseOptions)  # noqa: E741
Key = tuple[str | None, str]
"""Split and name of a class."""


class ClassCounts(msgspec.Struct, frozen=True):
    """Counts that add up over shards.

    Attributes:
        boxes: by split and class.
        images: images with at least one box of the class, by split and class.
        split_images: images by split.
    """

    boxes: Counter[Key] = msgspec.field(default_factory=Counter)
    images: Counter[Key] = msgspec.field(default_factory=Counter)
    split_images: Counter[str | None] = msgspec.field(default_factory=Counter)

    def __add__(self, other: ClassCounts) -> ClassCounts:
        return ClassCounts(self.boxes + other.boxes, self.images + other.images,
                           self.split_images + other.split_images)

    def by_class(self, dataset: DatasetInfo) -> Columns:
        """Return `name`, `boxes`, `images` of every class over all splits: declared ones in order, then by name."""
        boxes: Counter[str] = Counter()
        images: Counter[str] = Counter()
        for (_, name), n in self.boxes.items():
            boxes[name] += n
        for (_, name), n in self.images.items():
            images[name] += n
        declared = dict.fromkeys(c.name for c in dataset.categories)
        names = [*declared, *sorted(set(boxes) - set(declared))]
        return Columns({"name": np.array(names, object), "boxes": np.array([boxes[n] for n in names], np.int64),
                        "images": np.array([images[n] for n in names], np.int64)})


def class_counts(batch: Batch) -> ClassCounts:
    """Count one batch; boxes without a known class or image do not count, crowds and ignored regions do."""
    codes, names = batch.category_codes
    rows = batch.annotation_columns["image_row"]
    split_codes, splits = codes_of(batch.image_columns["split"])
    labels: list[str | None] = [*splits, None]
    known = (codes >= 0) & (rows >= 0)
    codes, rows = codes[known], rows[known]
    image_splits = np.bincount(split_codes + 1, minlength=len(labels)).tolist()
    split_images = Counter({labels[k - 1]: n for k, n in enumerate(image_splits) if n})
    if not len(codes):
        return ClassCounts(split_images=split_images)
    images, classes = batch.image_categories
    return ClassCounts(_count(split_codes[rows], codes, labels, names),
                       _count(split_codes[images], classes, labels, names), split_images)


def _count(split_codes: NDArray[np.intp], codes: NDArray[Any], labels: list[str | None],
           names: list[str]) -> Counter[Key]:
    width = len(names)
    counts = np.bincount((split_codes + 1) * width + codes)
    return Counter({(labels[k // width - 1], names[k % width]): int(counts[k]) for k in np.flatnonzero(counts)})


class CountsClasses(Check[ClassCounts, O]):
    """A check whose state is the counts of the classes."""

    def map(self, batch: Batch) -> ClassCounts:
        """Count boxes and images per class."""
        return batch.once(class_counts)

    def merge(self, a: ClassCounts, b: ClassCounts) -> ClassCounts:
        """Add the counts."""
        return a + b

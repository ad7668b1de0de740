"""Count images, boxes, categories and splits, shard by shard."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.protocols.run import Census
from dsinspect.tables.columns import Columns, at_rows, codes_of, objects
from dsinspect.tables.dataset import DatasetInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.protocols.batch import Batch


ARRAYS = (".npy", ".npz")
"""Suffixes of arrays that `transform --op tensor` writes in the place of images."""


class Tally(msgspec.Struct, frozen=True):
    """Counts of a part of the set; two tallies add up.

    Attributes:
        category_annotations: boxes by name of category; None stands for unknown categories or images.
        category_images: images with at least one box, by name of category; unknown categories are left out.
        category_ids: the first id seen with a name.
        split_images: images by split, in order of first appearance; None when the format has no splits.
        split_annotations: boxes by split.
        arrays: images that are arrays by their name.
    """

    category_annotations: Counter[str | None]
    category_images: Counter[str | None]
    category_ids: dict[str, int]
    split_images: Counter[str | None]
    split_annotations: Counter[str | None]
    arrays: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.category_annotations + other.category_annotations,
                     self.category_images + other.category_images, {**other.category_ids, **self.category_ids},
                     self.split_images + other.split_images,
                     self.split_annotations + other.split_annotations, self.arrays + other.arrays)


def tally(batch: Batch) -> Tally:
    """Count one shard."""
    a = batch.annotation_columns
    codes, names = batch.category_codes
    labels: list[str | None] = [*names, None]
    # Code -1 becomes 0, the unknown category; a box of no image counts there too, as in the checks and in training.
    boxes = np.bincount(np.where(a["image_row"] >= 0, codes, -1) + 1, minlength=len(labels))
    images = np.bincount(batch.image_categories[1], minlength=len(names))
    first = np.zeros(len(labels), np.intp)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of several assignments the last one stays
    ids = dict(zip(names, a["category_id"][first[:-1]].tolist(), strict=True))
    split = batch.image_columns["split"]
    paths = () if batch.dataset.has_files else batch.image_columns["path"].tolist()
    return Tally(Counter({labels[k - 1]: int(n) for k, n in enumerate(boxes) if n}),
                 Counter({names[k]: int(n) for k, n in enumerate(images) if n}),
                 ids, _counts(split), _counts(at_rows(split, a["image_row"])),
                 sum(str(p).lower().endswith(ARRAYS) for p in paths))


def census(counts: Tally, info: DatasetInfo) -> Census:
    """Turn the counts of the whole set into the tables that reports show.

    Declared categories come in their order, then names that only records hold, by name. Records whose category or
    image does not exist count as annotations of the set but of no category or split.
    """
    declared = dict.fromkeys(c.name for c in info.categories)
    observed = sorted(n for n in counts.category_annotations if n is not None and n not in declared)
    first_ids = {c.name: c.category_id for c in reversed(info.categories)}
    names = [*declared, *observed]
    # A format with names only has no ids: their place in the list stands in.
    ids = [first_ids.get(n, i if (i := counts.category_ids.get(n, -1)) >= 0 else k) for k, n in enumerate(names)]
    categories = Columns({
        "category_id": np.array(ids, np.int64), "name": objects(names),
        "annotations": np.array([counts.category_annotations[n] for n in names], np.int64),
        "images": np.array([counts.category_images[n] for n in names], np.int64)})
    splits = list(dict.fromkeys([*info.splits, *(s for s in counts.split_images if s is not None)]))
    split_table = Columns({
        "name": objects(splits),
        "images": np.array([counts.split_images[s] for s in splits], np.int64),
        "annotations": np.array([counts.split_annotations[s] for s in splits], np.int64)})
    return Census(counts.split_images.total(), counts.category_annotations.total(), categories, split_table, counts.arrays)


def _counts(labels: NDArray[np.object_]) -> Counter[str | None]:
    codes, names = codes_of(labels)
    counts = np.bincount(codes + 1, minlength=len(names) + 1).tolist()
    return Counter({name: n for name, n in zip([None, *names], counts, strict=True) if n})



"""Count images, boxes, categories and splits, shard by shard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.columns import Columns, codes_of
from dsinspect.model import DatasetInfo, Shard
from dsinspect.reports import Census

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Tally:
    """Counts of a part of the set; two tallies add up.

    Attributes:
        category_annotations: boxes by name of category; None stands for unknown categories.
        category_images: images with at least one box, by name of category.
        category_ids: the first id seen with a name.
        split_images: images by split, in order of first appearance; None when the format has no splits.
        split_annotations: boxes by split.
    """

    category_annotations: Counter[str | None]
    category_images: Counter[str | None]
    category_ids: dict[str | None, int]
    split_images: Counter[str | None]
    split_annotations: Counter[str | None]

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.category_annotations + other.category_annotations,
                     self.category_images + other.category_images, {**other.category_ids, **self.category_ids},
                     self.split_images + other.split_images,
                     self.split_annotations + other.split_annotations)


def tally(shard: Shard) -> Tally:
    """Count one shard."""
    a = shard.annotation_columns
    codes, names = codes_of(a["category"])
    labels: list[str | None] = [*names, None]
    image_row = a["image_row"]
    boxes = np.bincount(codes + 1, minlength=len(labels))  # code -1 becomes 0, the unknown category
    keys = np.unique(image_row[image_row >= 0] * (len(labels) + 1) + codes[image_row >= 0] + 1)
    pairs = keys % (len(labels) + 1) - 1
    images = np.bincount(pairs + 1, minlength=len(labels))
    ids = a["category_id"]
    first = dict(zip(codes[::-1].tolist(), ids[::-1].tolist(), strict=True))
    split = shard.image_columns["split"]
    split_of_box = np.concatenate([split, np.array([None], object)])[image_row]
    return Tally(Counter({labels[k - 1]: int(n) for k, n in enumerate(boxes) if n}),
                 Counter({labels[k - 1]: int(n) for k, n in enumerate(images) if n}),
                 {labels[k]: i for k, i in first.items()}, _counts(split), _counts(split_of_box))


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
        "category_id": np.array(ids, np.int64), "name": _texts(names),
        "annotations": np.array([counts.category_annotations[n] for n in names], np.int64),
        "images": np.array([counts.category_images[n] for n in names], np.int64)})
    splits = list(dict.fromkeys([*info.splits, *(s for s in counts.split_images if s is not None)]))
    split_table = Columns({
        "name": _texts(splits),
        "images": np.array([counts.split_images[s] for s in splits], np.int64),
        "annotations": np.array([counts.split_annotations[s] for s in splits], np.int64)})
    return Census(counts.split_images.total(), counts.category_annotations.total(), categories, split_table)


def _texts(values: list[str]) -> NDArray[np.object_]:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _counts(labels: NDArray[np.object_]) -> Counter[str | None]:
    codes, names = codes_of(labels)
    counts = np.bincount(codes + 1, minlength=len(names) + 1).tolist()
    return Counter({name: n for name, n in zip([None, *names], counts, strict=True) if n})



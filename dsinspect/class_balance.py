"""What to do about classes of unequal size: weights per class, repeat factors per class and per image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.tables.columns import Columns, codes_of
from dsinspect.tables.dataset import Category, Shard

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

BETA = 0.999
"""Of the effective number of samples (Cui et al. 2019)."""
REPEAT_THRESHOLD = 0.001
"""Share of images below which a class is repeated (LVIS, Gupta et al. 2019)."""


class Balance(msgspec.Struct, frozen=True):
    """Weights and repeat factors of a set.

    Attributes:
        classes: `id`, `class`, `boxes`, `images`, `share`, `inverse_frequency_weight`, `effective_number_weight`,
            `repeat_factor`, one row per class that is declared or has boxes. A class without a box has neither weights nor
            a repeat factor (NaN): 0 would tell a loss to ignore it. No row at all when no class has a box.
        images: `image`, `split`, `repeat_factor` (the largest of its classes), one row per image.
    """

    classes: pd.DataFrame
    images: pd.DataFrame


def class_weights(counts: Columns, images_total: int, beta: float = BETA,
                  threshold: float = REPEAT_THRESHOLD) -> Columns:
    """Return per class the counts, share, weights and repeat factor.

    Inverse-frequency weights are total / (classes x boxes); effective-number weights are (1 - beta) / (1 - beta^boxes),
    scaled to a mean of 1; the repeat factor is max(1, sqrt(threshold / share of images)). Classes without boxes do not count,
    and have NaN in place of all three.

    Args:
        counts: `name`, `boxes`, `images` of classes, at least one of which has boxes.
        images_total: images of the set, with and without boxes.
        beta: of the effective number, 0 to 1.
        threshold: share of images below which a class is repeated.
    """
    has_boxes = counts["boxes"] > 0
    boxes = counts["boxes"][has_boxes].astype(np.float64)
    effective = (1 - beta) / (1 - beta ** boxes) if beta > 0 else np.ones(len(boxes))
    effective = effective * len(boxes) / math.fsum(effective.tolist())
    share_of_images = counts["images"][has_boxes] / max(images_total, 1)

    def with_the_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
        column = np.full(len(counts), np.nan)
        column[has_boxes] = values
        return column

    return Columns({
        "class": counts["name"], "boxes": counts["boxes"], "images": counts["images"], "share": counts["boxes"] / boxes.sum(),
        "inverse_frequency_weight": with_the_others(boxes.sum() / (len(boxes) * boxes)),
        "effective_number_weight": with_the_others(effective),
        "repeat_factor": with_the_others(np.maximum(1.0, np.sqrt(threshold / share_of_images)))})


class BalanceCounts(msgspec.Struct, frozen=True):
    """What a shard adds to the balance of a set.

    Attributes:
        names: of the classes of its boxes, in the order met.
        ids: category id that stands with each.
        boxes: of each class.
        pairs: (2, P) row of an image and number of a class, each pair once, sorted.
        paths: of the images.
        splits: of the images.
    """

    names: list[str]
    ids: list[int]
    boxes: NDArray[np.int64]
    pairs: NDArray[np.int64]
    paths: list[str]
    splits: list[str | None]


def counts_of(shard: Shard, split: str | None = None) -> BalanceCounts:
    """Count the boxes of a shard by class, and which classes are on which image.

    Args:
        shard: any.
        split: count only its images; all when None.
    """
    images, annotations = shard.image_columns, shard.annotation_columns
    chosen = np.ones(len(images), bool) if split is None else np.asarray(images["split"] == split, bool)
    rows = np.append(np.where(chosen, np.cumsum(chosen) - 1, -1), -1)[annotations["image_row"]]
    codes, names = codes_of(annotations["category"])
    first = dict(zip(codes[::-1].tolist(), annotations["category_id"][::-1].tolist(), strict=True))
    known = (rows >= 0) & (codes >= 0)
    keys = np.unique(rows[known] << 32 | codes[known])
    return BalanceCounts(list(names), [first[k] for k in range(len(names))], np.bincount(codes[known], minlength=len(names)),
                         np.stack([keys >> 32, keys & 0xFFFFFFFF]), images["path"][chosen].tolist(),
                         images["split"][chosen].tolist())


def balance_of(parts: Iterable[BalanceCounts], categories: Iterable[Category], beta: float = BETA,
               threshold: float = REPEAT_THRESHOLD) -> Balance:
    """Measure the balance of a set.

    Args:
        parts: what the shards of the set add, in order.
        categories: the declared ones, whose order the classes keep.
        beta: of the effective number.
        threshold: share of images below which a class is repeated.
    """
    declared: dict[str, int] = {}
    for category in categories:
        declared.setdefault(category.name, category.category_id)
    numbers = {name: k for k, name in enumerate(declared)}
    ids = list(declared.values())
    boxes: NDArray[np.int64] = np.zeros(len(numbers), np.int64)
    pairs: list[NDArray[np.int64]] = []
    paths: list[str] = []
    splits: list[str | None] = []
    for part in parts:
        for name, own in zip(part.names, part.ids, strict=True):
            if name not in numbers:
                numbers[name] = len(numbers)
                ids.append(own)
        classes_of = np.array([numbers[n] for n in part.names], np.int64)
        boxes = np.append(boxes, np.zeros(len(numbers) - len(boxes), np.int64))
        boxes[classes_of] += part.boxes
        image, code = part.pairs
        pairs.append(np.stack([image + len(paths), classes_of[code]]))
        paths += part.paths
        splits += part.splits
    image, code = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    counts = Columns({"id": np.array(ids, np.int64), "name": np.array(list(numbers), object), "boxes": boxes,
                      "images": np.bincount(code, minlength=len(numbers))})
    repeat = np.ones(len(paths))
    classes = Columns({})
    if boxes.any():
        weighted = class_weights(counts, len(paths), beta, threshold)
        classes = Columns({"id": counts["id"], **{name: weighted[name] for name in weighted}})
        np.maximum.at(repeat, image, weighted["repeat_factor"][code])
    return Balance(classes.frame, Columns({"image": np.array(paths, object), "split": np.array(splits, object),
                                            "repeat_factor": repeat}).frame)

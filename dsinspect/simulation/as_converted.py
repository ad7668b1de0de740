"""A shard as a conversion would hand it to a trainer: image records that name one file become one image with the boxes of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.trainers import Fates, Loaded, Rule, Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPEATED_FILE = Rule("repeated-file", "leaves-out-image", "the image record names the file of another one, whose boxes are joined",
                     "dsinspect convert")
"""Stands behind the rules of a trainer that does not read the set's format."""


def rules_of(trainer: Trainer) -> tuple[Rule, ...]:
    """Return the rules that the fates of a trainer name by their place."""
    return (*trainer.rules, REPEATED_FILE)


def joined(loaded: Loaded) -> tuple[Loaded, NDArray[np.bool_]]:
    """Give the annotations of records that name one file of one split to the first of them.

    Returns:
        the shard, annotations in the order of their images, and a mask of the images whose annotations went to another one.
    """
    images, a = loaded.images, loaded.annotations
    met: dict[tuple[str, str | None], int] = {}
    named = zip(images["path"].tolist(), images["split"].tolist(), strict=True)
    first = np.fromiter((met.setdefault(key, k) for k, key in enumerate(named)), np.int64, len(images))
    again = first != np.arange(len(first))
    if not again.any():
        return loaded, again
    rows = np.append(first, -1)[a["image_row"]]
    order = np.argsort(rows, kind="stable")
    moved = a.take(order).with_columns({"image_row": rows[order]})
    return replace(loaded, annotations=moved, boxes_px=loaded.boxes_px[order], codes=None), again


def left_out(trainer: Trainer, fates: Fates, again: NDArray[np.bool_]) -> Fates:
    """Return fates by which the records of files that are there already are left out."""
    if not again.any():
        return fates
    rules = fates.image_rule.copy()
    rules[again] = len(trainer.rules)
    return replace(fates, image_rule=rules)

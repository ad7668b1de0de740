"""Where the class names at boxes go: beside their box, where they cover neither another object nor another name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_HIDDEN = 0.5
"""Share of another object, or of another name, that a name may cover; without a better place it is left out."""
NAME_WEIGHT = 4.0
"""How much worse it is to cover a px of another name than one of an object."""
SMALL_WEIGHT = 400.0
"""What it costs to cover the whole of an object, in px that are covered."""
MANY = 1500
"""Boxes of an image above which only those of the first are kept clear."""

MOST_NAMES = 500
"""Names that are placed at most: nobody reads more on one image."""


@dataclass(frozen=True)
class Tag:
    """A name to place.

    Attributes:
        box: number of the box that it belongs to.
        width: px.
        height: px.
        must_show: whether it stays where it would cover something.
    """

    box: int
    width: int
    height: int
    must_show: bool = False


def place_tags(tags: Sequence[Tag], boxes: NDArray[np.float64], size_wh: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """Return the upper left corner of each name that has a place, by the number of its box, px.

    Args:
        tags: those that matter most first.
        boxes: (N, 4) xyxy of all boxes, px, corners sorted.
        size_wh: of the image, px.
    """
    placed: dict[int, tuple[int, int]] = {}
    taken = np.zeros((0, 4))
    objects = boxes[:MANY]
    areas = np.maximum(_areas(objects), 1.0)
    for tag in tags[:MOST_NAMES]:
        own = boxes[tag.box]
        rooms = _rooms(own, tag, size_wh)
        others = np.ones(len(objects), bool)
        others[tag.box:tag.box + 1] = False
        around = (objects[:, :2] <= own[:2]).all(axis=1) & (objects[:, 2:] >= own[2:]).all(axis=1)
        others &= ~around  # what the object lies in is covered wherever the name goes
        on_objects = _overlaps(rooms, objects[others])
        on_names = _overlaps(rooms, taken)
        shares = on_objects / areas[others]
        cost = on_objects.sum(axis=1) + SMALL_WEIGHT * shares.sum(axis=1) + NAME_WEIGHT * on_names.sum(axis=1) \
            + 0.5 * _overlaps(rooms, own[None])[:, 0] + np.arange(len(rooms)) * 0.01
        best = int(cost.argmin())
        hides = max(shares[best].max(initial=0.0), on_names[best].max(initial=0.0) / (tag.width * tag.height))
        if hides > MOST_HIDDEN and not tag.must_show:
            continue
        placed[tag.box] = int(rooms[best, 0]), int(rooms[best, 1])
        taken = np.concatenate([taken, rooms[best:best + 1]])
    return placed


def _rooms(box: NDArray[np.float64], tag: Tag, size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Return the places around a box for its name, the best known first, moved into the image: (8, 4) xyxy."""
    left, top, right, bottom = box.tolist()
    w, h = tag.width, tag.height
    corners = np.array([(left, top - h), (right - w, top - h), (left, bottom), (right - w, bottom),
                        (right, top), (left - w, top), (right, bottom - h), (left - w, bottom - h)])
    size = np.array([w, h])
    low = np.clip(np.rint(corners), 0, np.maximum(np.array(size_wh) - size, 0))
    return np.concatenate([low, low + size], axis=1)


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1)
    return areas


def _overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas that boxes share, (len(a), len(b))."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared: NDArray[np.float64] = (high - low).clip(0).prod(axis=2)
    return shared

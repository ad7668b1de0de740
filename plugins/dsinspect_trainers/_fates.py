"""What trainers share: fates in the making, the classes as a loader would number them, and rows grouped by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.trainers import CHANGED, DROPPED, KEPT, NO_RULE, Extra, Fates, Loaded, Stop, Write

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_PX = 1e-3
"""A box that a trainer has within this of the annotated one is kept as it stands: single precision differs by less."""
CHUNK = 16_384
"""Boxes compared together: their differences stay in the processor's cache."""


def opened(pixels: str) -> dict[str, dict[str, str]]:
    """Return the limits of the checks of EXIF for a trainer that opens images "stored" or "upright", or leaves them "unopened"."""
    return {"IMG005": {"pixels": pixels}, "CNV005": {"pixels": pixels}}


@dataclass
class Making:
    """Fates in the making: the first reason that leaves a thing out stays."""

    places: Mapping[str, int]
    n_images: int
    image_row: NDArray[np.int64]
    image_rule: NDArray[np.int16] = field(init=False)
    fate: NDArray[np.int8] = field(init=False)
    rule: NDArray[np.int16] = field(init=False)
    label: NDArray[np.float64] = field(init=False)
    boxes: NDArray[np.float64] = field(init=False)
    extras: list[Extra] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.image_row)
        self.image_rule = np.full(self.n_images, NO_RULE, np.int16)
        self.fate = np.full(n, KEPT, np.int8)
        self.rule = np.full(n, NO_RULE, np.int16)
        self.label = np.full(n, np.nan)
        self.boxes = np.full((n, 4), np.nan)

    @property
    def arrives(self) -> NDArray[np.bool_]:
        """Mask of the images that are not left out so far."""
        return np.asarray(self.image_rule == NO_RULE, bool)

    def leave_out(self, images: NDArray[np.bool_], key: str) -> None:
        """Leave out images."""
        self.image_rule[images & self.arrives] = self.places[key]

    def drop(self, annotations: NDArray[np.bool_], key: str) -> None:
        """Drop annotations."""
        new = annotations & (self.fate != DROPPED)
        self.fate[new], self.rule[new] = DROPPED, self.places[key]

    def change(self, annotations: NDArray[np.bool_], key: str) -> None:
        """Mark annotations as read otherwise."""
        new = annotations & (self.fate == KEPT)
        self.fate[new], self.rule[new] = CHANGED, self.places[key]

    def place(self, *edges: NDArray[np.float64]) -> None:
        """Set the boxes: x_min, y_min, x_max, y_max."""
        for k, edge in enumerate(edges):
            self.boxes[:, k] = edge

    def at_images(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the values of each annotation's image; False for those of unknown images."""
        return np.asarray(np.append(values, False)[self.image_row], bool)

    def of_images(self, annotations: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the images with at least one of some annotations."""
        mask = np.zeros(self.n_images + 1, bool)
        mask[self.image_row[annotations]] = True
        return mask[:-1]

    def done(self, state: object = None, n_images: int | None = None) -> Fates:
        """Return the fates: annotations of images that are left out go with them.

        Args:
            state: the trainer's.
            n_images: number of images that are rows of the tables, when there are more.
        """
        rules = np.append(self.image_rule, np.int16(NO_RULE))[self.image_row]
        gone = (rules != NO_RULE) & (self.image_row >= 0)
        self.fate[gone], self.rule[gone] = DROPPED, rules[gone]
        dropped = self.fate == DROPPED
        self.label[dropped], self.boxes[dropped] = np.nan, np.nan
        extras = tuple(e for e in self.extras if self.image_rule[e.image_row] == NO_RULE)
        return Fates(self.image_rule[:n_images], self.fate, self.rule, self.label, self.boxes, extras, tuple(self.stops),
                     tuple(self.writes), state)


def positions_of_classes(loaded: Loaded, *, by_id: bool) -> tuple[NDArray[np.float64], int]:
    """Return the number that a converter gives each annotation's class, NaN for an unknown one, and how many there are.

    Args:
        loaded: the shard.
        by_id: in the order of ids; else in the order of declaration.
    """
    declared = list({c.name: c for c in loaded.dataset.categories}.values())
    if by_id:
        declared.sort(key=lambda c: c.category_id)
    number = {c.name: k for k, c in enumerate(declared)}
    codes, names = loaded.category_codes
    values = np.array([*(number.get(n, np.nan) if declared else k for k, n in enumerate(names)), np.nan], np.float64)
    return values[codes], len(declared)


def any_of_group(mask: NDArray[np.bool_], groups: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Say of each of `n` groups whether it has a row of the mask; rows of group -1 count nowhere."""
    found = np.zeros(n + 1, bool)
    found[groups[mask]] = True
    return found[:-1]


def has_moved(boxes: NDArray[np.float64] | NDArray[np.float32], annotated: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which boxes a trainer has elsewhere than they were annotated, by more than single precision explains."""
    moved = np.empty(len(boxes), bool)
    with np.errstate(invalid="ignore"):
        for begin in range(0, len(boxes), CHUNK):
            rows = slice(begin, begin + CHUNK)
            far = np.abs(boxes[rows] - annotated[rows]) > SAME_PX + 1e-6 * np.abs(annotated[rows])
            moved[rows] = far[:, 0] | far[:, 1] | far[:, 2] | far[:, 3]  # a tenth of the time of `any`
    return moved

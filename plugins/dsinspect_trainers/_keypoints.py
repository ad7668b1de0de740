"""Keypoints as torchvision's references and what is made after them take them: counted, and a tensor of all of one image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.protocols.trainers import Stop
from dsinspect.tables.columns import is_constant, is_given
from dsinspect_trainers._coco import Records, firsts
from dsinspect_trainers._tensors import STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILTER = "references/detection/coco_utils.py: _coco_remove_images_without_annotations"
LEAST = 10
"""Labelled keypoints that an image has at least (`min_keypoints_per_image`)."""


class Points:
    """The keypoints of one file.

    Attributes:
        few: images with keypoints of which fewer than `LEAST` are labelled.
    """

    def __init__(self, r: Records, twin: NDArray[np.int64]) -> None:
        self._r = r
        column = r.loaded.annotations.get("keypoints")
        is_absent = column is None or (is_constant(column) and column[0] is None)
        given = np.zeros(r.n, bool) if column is None or is_absent else is_given(column)
        self.few = np.zeros(r.n_images, bool)
        self._any = bool(given.any())
        if not self._any or column is None:
            return
        self._ranks, self._index = np.append(r.image_id, -1)[r.image_row], r.loaded.annotations["index"]
        self._has, self._crowd = given[twin], r.crowd[twin]
        self._length, labelled = np.zeros(r.n, np.int64), np.zeros(r.n)
        for k in np.flatnonzero(given).tolist():
            points = msgspec.json.decode(column[k])
            self._length[k] = len(points)
            labelled[k] = sum(v > 0 for v in points[2::3])
        self._length = self._length[twin]
        counted = np.bincount(r.image_row + 1, weights=labelled[twin], minlength=r.n_images + 1)[1:]
        self._posed = self._begins_with(np.ones(r.n, bool))
        self.few = self._posed & (counted < LEAST)

    def _begins_with(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the images whose first annotation of a mask has keypoints."""
        chosen = np.flatnonzero(rows & (self._r.image_row >= 0))
        order = chosen[np.lexsort((self._index[chosen], self._r.image_row[chosen]))]
        images = self._r.image_row[order]
        first = order[np.append(True, images[1:] != images[:-1])] if len(order) else order
        found = np.zeros(self._r.n_images, bool)
        found[self._r.image_row[first]] = self._has[first]
        return found

    def filter_stops(self, among: NDArray[np.bool_]) -> Iterator[Stop]:
        """Yield the first annotation without keypoints beside one that has some."""
        if not self._any:
            return
        lacks = np.append(self._posed & among, False)[self._r.image_row] & ~self._has
        for k in firsts(lacks, self._ranks, self._index):
            yield self._r.stop_at(k, "KeyError: 'keypoints'", FILTER, (0, 5, int(self._ranks[k]), self._r.index_of(k)))

    def converter_stops(self, among: NDArray[np.bool_], where: str) -> Iterator[Stop]:
        """Yield what stops the converter: an annotation without keypoints, or with another number of them.

        Args:
            among: images that reach the converter.
            where: its function.
        """
        if not self._any:
            return
        taken = ~self._crowd
        taken &= np.append(self._begins_with(taken) & among, False)[self._r.image_row]
        for k in firsts(taken & ~self._has, self._ranks, self._index):
            yield self._r.stop_at(k, "KeyError: 'keypoints'", where, (1, int(self._ranks[k]), STEPS["keypoints"]))
        rows = np.flatnonzero(taken)
        order = rows[np.lexsort((self._index[rows], self._ranks[rows]))]
        ranks, length = self._ranks[order], self._length[order]
        starts = np.append(True, ranks[1:] != ranks[:-1]) if len(order) else np.zeros(0, bool)
        usual = length[starts][np.cumsum(starts) - 1] if len(order) else length
        for place in np.flatnonzero(length != usual)[:1].tolist():
            k = int(order[place])
            yield self._r.stop_at(k, f"ValueError: expected sequence of length {usual[place]} at dim 1 (got {length[place]})",
                                  where, (1, int(self._ranks[k]), STEPS["keypoints"], 1))
        for place in np.flatnonzero(starts & (length % 3 != 0))[:1].tolist():
            k = int(order[place])
            n = int((ranks == ranks[place]).sum())
            yield self._r.stop_at(k, f"RuntimeError: shape '[{n}, -1, 3]' is invalid for input of size {n * length[place]}",
                                  where, (1, int(self._ranks[k]), STEPS["keypoints"], 2))

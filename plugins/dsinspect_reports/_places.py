"""Which places of which images a finding is about: its own, the other of a pair, the members of a group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.findings.findings import Finding
from dsinspect.findings.members import members, partner
from dsinspect.protocols.run import Run
from dsinspect.protocols.strays import strays
from dsinspect.render.shapes import Box, Shape, shapes_of
from dsinspect.tables.columns import codes_of
from dsinspect.tables.schema import NO_POSITION, image_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.tables.columns import Columns

MAX_MEMBERS = 6
"""Images of a group that are shown."""
MAX_AROUND = 60
"""Boxes of an image that are drawn where none is marked, at most."""
EXAMPLES = 3
"""Boxes shown of a class that a finding is about."""


@dataclass(frozen=True)
class Place:
    """A place to show.

    Attributes:
        image: row in the images of the run; from their number on, one of the strays.
        marks: what to mark: the finding's own annotation first, then the other of a pair.
        around: annotations of the image to draw thin, where the finding is about the image and marks none: whether they still
            fit is what there is to judge.
    """

    image: int
    marks: tuple[Shape, ...] = ()
    around: tuple[Shape, ...] = ()

    @property
    def extents(self) -> tuple[Box, ...]:
        """What the marks take, xyxy, px of the image's frame."""
        return tuple(m.extent for m in self.marks)


class Places:
    """Finds the places of findings in the tables of a run."""

    def __init__(self, run: Run) -> None:
        self.images: Columns = run.image_columns if run.image_columns is not None else _no_images()
        self.annotations = run.annotation_columns
        self.row_of = {p: k for k, p in reversed(list(enumerate(self.images["path"].tolist())))}
        self.strays = strays(run)
        self.row_of.update({s["path"]: len(self.images) + k for k, s in enumerate(self.strays)})

    def record(self, row: int) -> dict[str, Any]:
        """Return an image, or a stray, as a record."""
        known = len(self.images)
        return self.images.take(np.array([row])).records()[0] if row < known else self.strays[row - known]

    def of(self, finding: Finding) -> list[Place]:
        """Return the places of a finding, the most telling first; empty when it is about no image."""
        row = self.row_of.get(finding.image) if finding.image is not None else None
        if row is None:
            if finding.image is not None or finding.category is None or finding.annotation_id is not None:
                return []  # an annotation whose image is unknown has none; boxes of its class are others
            return self._examples(finding.category)
        marks = [*self._own(row, finding), *self._other(row, finding)]
        others = [k for p in members(finding.values) if (k := self.row_of.get(p)) is not None and k != row]
        about_image = finding.bbox_xyxy is None and finding.annotation_id is None
        around = self._around(row) if about_image else ()
        return [Place(row, tuple(marks), around), *(Place(k, (), self._around(k)) for k in dict.fromkeys(others))][:MAX_MEMBERS]

    def _around(self, row: int) -> tuple[Shape, ...]:
        """Return the annotations of an image."""
        if self.annotations is None:
            return ()
        shapes = shapes_of(self.annotations, self.annotations_of(row)[:MAX_AROUND])
        return tuple(s for s in shapes if np.isfinite(s.extent).all())

    def _own(self, row: int, finding: Finding) -> list[Shape]:
        """Return the annotation that the finding is about; its box alone where no record of the image is it."""
        if finding.annotation_id is not None and self.annotations is not None:
            a, positions = self.annotations, self.annotations_of(row)
            index = NO_POSITION if finding.index is None else finding.index
            fits = positions[(a["annotation_id"][positions] == finding.annotation_id) & (a["index"][positions] == index)]
            own = next((k for k in fits.tolist() if a["source"][k] == finding.source), None)
            if own is not None:
                (shape,) = shapes_of(self.annotations, [own])
                return [shape] if finding.bbox_xyxy is not None or shape.rings or shape.points else []
        return [] if finding.bbox_xyxy is None else [Shape(finding.bbox_xyxy)]

    def _other(self, row: int, finding: Finding) -> list[Shape]:
        """Return the annotation that the finding's lies on."""
        other = partner(finding.values)
        if other is None or self.annotations is None:
            return []
        positions = self.annotations_of(row)
        return shapes_of(self.annotations, positions[self.annotations["annotation_id"][positions] == other][:1])

    def _examples(self, category: str) -> list[Place]:
        """Return boxes of a class, each in another image."""
        codes, names = self._categories
        if category not in names or self.annotations is None:
            return []
        places: dict[int, Place] = {}
        of_class = np.flatnonzero((codes == names.index(category)) & (self._image_rows >= 0))
        for k in of_class[:50].tolist():
            places.setdefault(int(self._image_rows[k]), Place(int(self._image_rows[k]), tuple(shapes_of(self.annotations, [k]))))
        return list(places.values())[:EXAMPLES]

    def annotations_of(self, row: int) -> NDArray[np.intp]:
        """Return the positions of the annotations of an image."""
        order, starts = self._by_image
        if row >= len(self.images):
            return order[:0]
        taken: NDArray[np.intp] = order[starts[row]:starts[row + 1]]
        return taken

    @cached_property
    def _categories(self) -> tuple[NDArray[np.intp], list[str]]:
        if self.annotations is None:
            return np.empty(0, np.intp), []
        return codes_of(self.annotations["category"])

    @cached_property
    def _image_rows(self) -> NDArray[np.int64]:
        """Row of each annotation's image, -1 for none."""
        if self.annotations is None:
            return np.empty(0, np.int64)
        codes, paths = codes_of(self.annotations["path"])
        rows = np.array([*(self.row_of.get(p, -1) for p in paths), -1], np.int64)
        return rows[codes]

    @cached_property
    def _by_image(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions of annotations sorted by image, and where each image's begin."""
        order = np.argsort(self._image_rows, kind="stable")
        return order, np.searchsorted(self._image_rows[order], np.arange(len(self.images) + 1))

    @property
    def image_rows(self) -> NDArray[np.int64]:
        """(N,) row of each annotation's image; -1 where there is none."""
        return self._image_rows

    @property
    def categories(self) -> tuple[NDArray[np.intp], list[str]]:
        """Code of each annotation's class (-1 for an unknown one), and the names."""
        return self._categories


def _no_images() -> Columns:
    return image_columns(0).with_columns({c: np.empty(0) for c in ("frame_width", "frame_height")})

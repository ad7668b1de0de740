"""Read YOLO label files: what stands in the files becomes tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, annotation_columns, image_columns, problem_columns
from dsinspect_formats.yolo._finder import Entry, Layout
from dsinspect_formats.yolo._kinds import Kind, decide, n_pose_of
from dsinspect_formats.yolo._labels import LabelFile, read_labels
from dsinspect_formats.yolo._outlines import corners_of, keypoints_of, polygon_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


COLUMNS = frozenset(("yolo:n_values", "yolo:row", "segmentation", "keypoints", "yolo:odd_text", "yolo:n_pose", *CORNER_COLUMNS))
"""`yolo:odd_text` is of images: the bytes of a label file that holds more than its rows in columns say, else None; so is
`yolo:n_pose`: numbers of a pose row as data.yaml says, 0 when it does not: trainers go by that."""

NO_FLIP = "flip_idx that does not fit the keypoints"
"""What no table has of a configuration: it is lost in a conversion."""


class YoloSource:
    """An opened YOLO set."""

    def __init__(self, layout: Layout, columns: frozenset[str], task: str = "") -> None:
        self._layout = layout
        labels = [layout.root / e.label for e in layout.entries if e.label is not None]
        self._kind = decide(labels, task, layout.kpt_shape)
        notes = layout.notes if self._kind.note is None else [*layout.notes, self._kind.note]
        self._columns = columns & COLUMNS
        self.info = DatasetInfo(
            format="yolo", root=layout.root, categories=layout.categories, splits=layout.splits,
            box_units="fraction", problems=tuple(layout.problems), columns=COLUMNS,
            notes=tuple(notes), has_files=any(e.file for e in layout.entries),
            config=layout.config, named_splits=layout.named_splits, class_count=layout.class_count,
            config_base=layout.config_base, boxes_in_doubt=self._kind.in_doubt, flip_pairs=layout.flip_pairs,
            beyond={NO_FLIP: 1} if layout.loses_flip else {})

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the list of images."""
        names = {c.category_id: c.name for c in self._layout.categories}
        entries = self._layout.entries
        return [YoloShard(tuple(entries[k:k + size]), k, str(self._layout.root), names, self._kind,
                          self._layout.kpt_shape, self._columns) for k in range(0, len(entries), size)]


@dataclass(frozen=True)
class YoloShard:
    """Some images with their label files, read in the worker."""

    entries: tuple[Entry, ...]
    first: int
    root: str
    names: dict[int, str]
    kind: Kind
    declared: tuple[int, int] | None
    columns: frozenset[str]

    def load(self) -> Shard:
        """Read the label files."""
        pose = self.kind.n_pose
        labelled = [k for k, e in enumerate(self.entries) if e.label is not None]
        rows = read_labels([LabelFile(f"{self.root}/{e.label}", e.label, e.path, e.split) for e in self.entries
                            if e.label is not None], pose, texts="yolo:row" in self.columns,
                           points=bool(self.columns & {"segmentation", "keypoints", CORNER_COLUMNS[0]}),
                           odd="yolo:odd_text" in self.columns)
        counts = np.zeros(len(self.entries), np.int64)
        counts[labelled] = rows.counts
        n = len(self.entries)
        ids = np.arange(self.first, self.first + n)
        image_row = np.repeat(np.arange(n), counts)
        labels = objects([e.label for e in self.entries])
        of_images: dict[str, object] = {}
        if rows.odd is not None:
            odd: list[bytes | None] = [None] * n
            for k, text in zip(labelled, rows.odd, strict=True):
                odd[k] = text
            of_images["yolo:odd_text"] = objects(odd)
        if "yolo:n_pose" in self.columns:
            of_images["yolo:n_pose"] = np.full(n, n_pose_of(self.declared) or 0)
        images = image_columns(
            n, image_id=ids, path=[e.path for e in self.entries], declared_path=[e.declared for e in self.entries],
            file=[e.file for e in self.entries], split=[e.split for e in self.entries], source=labels, **of_images)
        extra: dict[str, object] = {}
        if "yolo:n_values" in self.columns:
            extra["yolo:n_values"] = rows.n_values
        if "yolo:row" in self.columns:
            extra["yolo:row"] = rows.texts
        made: dict[str, Callable[[str], object]] = {
            "segmentation": lambda t: None if self.kind.task == "obb" and len(t.split()) == 9 else polygon_of(t, pose),
            "keypoints": lambda t: keypoints_of(t, self.kind.kpt_shape)}
        extra |= {name: None if rows.texts is None else [t and make(t) for t in rows.texts]
                  for name, make in made.items() if name in self.columns}
        if CORNER_COLUMNS[0] in self.columns:
            corners = corners_of(rows.texts if self.kind.task == "obb" else None, len(rows.lines), pose)
            extra |= {name: corners[:, k] for k, name in enumerate(CORNER_COLUMNS)}
        annotations = annotation_columns(
            len(rows.lines), annotation_id=rows.indices, image_id=ids[image_row], image_row=image_row,
            category_id=rows.category_ids, category=self._names(rows.category_ids),
            x_min=rows.edges[:, 0], y_min=rows.edges[:, 1], x_max=rows.edges[:, 2], y_max=rows.edges[:, 3],
            source=labels[image_row], line=rows.lines, index=rows.indices, **extra)
        return Shard(images, annotations, problem_columns(rows.problems))

    def _names(self, category_ids: NDArray[np.int64]) -> NDArray[np.object_]:
        """Return the names of classes; a class the set does not declare has none."""
        used, inverse = np.unique(category_ids, return_inverse=True)
        return objects([self.names.get(c, None if self.names else str(c)) for c in used.tolist()])[inverse]

"""YOLO label files: Ultralytics and Roboflow layouts, list files, bare images/ and labels/ folders, and Darknet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, ShardRef
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, annotation_columns, image_columns, problem_columns
from dsinspect_formats._images import is_image, relative, walk
from dsinspect_formats._sniffing import estimate, head, names_in
from dsinspect_formats.yolo._config import config_of, configs_below, looks_like_config, several_configs
from dsinspect_formats.yolo._kinds import Options, Task, decide
from dsinspect_formats.yolo._labels import LabelFile, read_labels
from dsinspect_formats.yolo._layout import Entry, Layout, find_layout, is_label_name, lists_images, rows_of_head
from dsinspect_formats.yolo._outlines import corners_of, keypoints_of, polygon_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.protocols.edits import Edits

COLUMNS = frozenset(("yolo:n_values", "yolo:row", "segmentation", "keypoints", "yolo:odd_text", "yolo:n_pose", *CORNER_COLUMNS))
"""`yolo:odd_text` is of images: the bytes of a label file that holds more than its rows in columns say, else None; so is
`yolo:n_pose`: numbers of a pose row, 0 when the set has no poses."""


class WriterOptions(BaseOptions, frozen=True):
    """How rows are written."""

    segments: Annotated[bool, option("write polygons instead of boxes; every annotation needs exactly one")] = False
    task: Annotated[Literal["", "detect", "segment", "obb", "pose"], option(
        "kind of rows to write: boxes (detect, the same as empty), polygons (segment, as yolo.segments), 4 corners (obb) or boxes "
        "with keypoints (pose)", source="Ultralytics")] = ""

    @property
    def kind(self) -> Task:
        """The kind of rows."""
        return self.task or ("segment" if self.segments else "detect")


class Yolo(Format):
    """YOLO (Ultralytics v5 to 26, Roboflow, Darknet): one text file of fractions per image."""

    name = "yolo"
    load_us = 40
    options_type = Options
    writer_options_type = WriterOptions
    writable = True
    by_stem = True
    patchable = True
    no_place = frozenset(("set-area", "set-annotation-id", "set-field", "set-image-size", "mark-as-crowd"))

    def detect(self, root: Path) -> Detection | None:
        """Look for a data.yaml or obj.data, else for label files, else whether it is a list of images."""
        if root.is_file() and root.suffix.lower() == ".txt":
            return Detection(0.6, f"{root.name} is a list of images") if lists_images(root) else None
        config = config_of(root)
        if root.is_file() and config is None:
            return None
        folder = root if root.is_dir() else root.parent
        texts = [p for p in names_in(folder, ".txt") if is_label_name(p)]
        records, first = estimate(texts, lambda p: rows_of_head(head(folder / p), fractions="/labels/" not in f"/{p}"))
        if config is None and len(several := configs_below(root)) > 1:
            return Detection(0.95, several_configs(several), records)
        if config and looks_like_config(config):
            return Detection(0.95, f"{relative(config, folder)} names classes and splits", None if root.is_file() else records)
        if records and first is not None:
            return Detection(0.7 if "/labels/" in f"/{first}" else 0.5, f"{first} holds rows of a class and fractions", records)
        if config and root.is_dir() and any(is_image(p) for p in walk(root)):
            return Detection(0.3, f"{config.name} is there", 0)
        return None

    def open(self, request: OpenRequest) -> YoloSource:
        """Find images and labels; nothing of the labels is read yet."""
        options = request.options if isinstance(request.options, Options) else Options()
        return YoloSource(find_layout(request.root, request.images), request.columns, options.task)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `images/SPLIT/`."""
        from dsinspect_formats.yolo._writing import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.yolo._writing import write

        return write(info, shards, out, self.options.kind if isinstance(self.options, WriterOptions) else "detect")

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.yolo._patching import patch

        return patch(request, edits)


class YoloSource:
    """An opened YOLO set."""

    def __init__(self, layout: Layout, columns: frozenset[str], task: str = "") -> None:
        self._layout = layout
        labels = [layout.root / e.label for e in layout.entries if e.label is not None]
        self._task, note = decide(labels, task, has_poses=layout.kpt_shape is not None)
        self._columns = columns & COLUMNS
        self.info = DatasetInfo(
            format="yolo", root=layout.root, categories=layout.categories, splits=layout.splits,
            box_units="fraction", problems=tuple(layout.problems), columns=COLUMNS,
            notes=() if note is None else (note,), has_files=any(e.file for e in layout.entries))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the list of images."""
        names = {c.category_id: c.name for c in self._layout.categories}
        entries = self._layout.entries
        return [YoloShard(tuple(entries[k:k + size]), k, str(self._layout.root), names, self._layout.kpt_shape,
                          self._columns, self._task) for k in range(0, len(entries), size)]


@dataclass(frozen=True)
class YoloShard:
    """Some images with their label files, read in the worker."""

    entries: tuple[Entry, ...]
    first: int
    root: str
    names: dict[int, str]
    kpt_shape: tuple[int, int] | None
    columns: frozenset[str]
    task: Task = "detect"

    def load(self) -> Shard:
        """Read the label files."""
        pose = 5 + self.kpt_shape[0] * self.kpt_shape[1] if self.kpt_shape else None
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
            of_images["yolo:n_pose"] = np.full(n, pose or 0)
        images = image_columns(
            n, image_id=ids, path=[e.path for e in self.entries], declared_path=[e.declared for e in self.entries],
            file=[e.file for e in self.entries], split=[e.split for e in self.entries], source=labels, **of_images)
        extra: dict[str, object] = {}
        if "yolo:n_values" in self.columns:
            extra["yolo:n_values"] = rows.n_values
        if "yolo:row" in self.columns:
            extra["yolo:row"] = rows.texts
        made: dict[str, Callable[[str], object]] = {
            "segmentation": lambda t: None if self.task == "obb" and len(t.split()) == 9 else polygon_of(t, pose),
            "keypoints": lambda t: keypoints_of(t, self.kpt_shape)}
        extra |= {name: None if rows.texts is None else [t and make(t) for t in rows.texts]
                  for name, make in made.items() if name in self.columns}
        if CORNER_COLUMNS[0] in self.columns:
            corners = corners_of(rows.texts if self.task == "obb" else None, len(rows.lines), pose)
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

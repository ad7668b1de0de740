"""YOLO label files: Ultralytics and Roboflow layouts, list files, bare images/ and labels/ folders, and Darknet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._images import is_image, relative, walk
from dsinspect_formats._sniffing import estimate, head, names_in
from dsinspect_formats.yolo._configs import config_of, configs_below, several_configs
from dsinspect_formats.yolo._kinds import Options, WriterOptions
from dsinspect_formats.yolo._looks import is_label_name, lists_images, rows_of_head
from dsinspect_formats.yolo._settings import looks_like_config

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits
    from dsinspect_formats.yolo.reader import YoloSource


class Yolo(Format):
    """YOLO (Ultralytics v5 to 26, Roboflow, Darknet): one text file of fractions per image."""

    name = "yolo"
    also_called = ("ultralytics", "darknet", "yolov5", "yolov8", "yolo11", "yolo-obb", "yolo-seg", "yolo-pose", "txt")
    facts = Facts(
        recognised="a data.yaml (or Darknet's .data) with classes or splits, else text files of a class number and fractions "
                   "beside images or in `labels/`",
        read="boxes, polygons, poses (by kpt_shape or their rows), rotated boxes of 4 corners; splits that are folders, list "
             "files or lists of them; classes of data.yaml, classes.txt or obj.names",
        kept="digits, order of rows, empty files, blank lines, the end of the last line",
        written="`images/`, `labels/` and data.yaml; boxes, or one kind of rows chosen with `yolo.task`",
        assumed="fractions of the image as displayed (EXIF applied); rows of 9 numbers are OBB or polygons by kpt_shape, "
                "data.yaml, then the majority (`yolo.task`)")
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
        from dsinspect_formats.yolo._layout import find_layout
        from dsinspect_formats.yolo.reader import YoloSource

        options = request.options if isinstance(request.options, Options) else Options()
        return YoloSource(find_layout(request.root, request.images), request.columns, options.task)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `images/SPLIT/`."""
        from dsinspect_formats.yolo.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.yolo.writer import write

        return write(info, shards, out, self.options.kind if isinstance(self.options, WriterOptions) else "detect")

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.yolo.patcher import patch

        return patch(self, request, edits)

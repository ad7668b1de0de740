"""KITTI: a text file per image, 15 fields a row (16 with a score), boxes in px from 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._images import ImageTree
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._sniffing import first_lines, head_of, label_files, weigh
from dsinspect_formats.kitti._rows import has_rows, is_numbered, looks_like_rows

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class Kitti(Format):
    """KITTI object detection, and what other tools write in its rows."""

    name = "kitti"
    facts = Facts(
        recognised="text files with rows of a type and 14 or 15 numbers; where the type is a number too, by the ranges of the "
                   "fields and a box in px",
        read="boxes; truncated (a float), occluded, alpha, dimensions, location, rotation_y and score as attributes; DontCare "
             "as an ignored region",
        kept="all 3D fields, digits, spaces, line ends, order of rows",
        written="`SPLIT/image_2` and `SPLIT/label_2`; 3D fields that are unknown get KITTI's own values for that",
        assumed="px from 0, left top right bottom")
    writable = True
    patchable = True
    no_place = NO_PLACE
    load_us = 60
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look at the first text files for rows of a type and 14 or 15 numbers."""
        if not root.is_dir():
            return None
        found = label_files(root, ".txt", looks_like_rows, first_only=True)
        if not found:
            return None
        by_number = is_numbered((first_lines(head_of(root / found[0])) or [""])[0].split())
        what = "rows of a number as type, 14 numbers and a box in px" if by_number else "rows of a type and 14 numbers"
        return Detection(0.95, f"{found[0]} has {what}", weigh(root, found[0], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """List label files and images; no label is read yet."""
        from dsinspect_formats._label_files import FilesSource, matched
        from dsinspect_formats.kitti.reader import COLUMNS, IGNORED, image_of, read

        root = request.root
        labels = label_files(root, ".txt", has_rows, ("label_2", "label", "labels"))
        tree = ImageTree.below(request.images or root)
        entries, problems = matched(labels, tree, root, image_of)
        info = DatasetInfo(format=self.name, root=root, problems=tuple(problems), columns=COLUMNS,
                           notes=("boxes are read as px from 0", f"rows of {IGNORED} are ignored regions"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `SPLIT/image_2/`; `training` stands for train, as in KITTI."""
        from dsinspect_formats.kitti.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.kitti.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.kitti.patcher import patch

        return patch(self, request, edits)

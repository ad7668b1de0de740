"""DOTA: a text file per image, four corners in px, class and difficulty a row, perhaps below two lines of header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._images import ImageTree
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._sniffing import label_files, weigh
from dsinspect_formats.dota._rows import has_rows, looks_like_rows

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class Dota(Format):
    """DOTA, and Roboflow's `labelTxt`."""

    name = "dota"
    also_called = ("obb",)
    facts = Facts(
        recognised="text files with rows of eight coordinates and a class, below `imagesource:` and `gsd:`",
        read="corners, difficulty, header lines; rows of 9 or 10 fields",
        kept="header lines, digits, spaces, order of rows",
        written="`SPLIT/images` and `SPLIT/labelTxt`; header lines of a DOTA source stay",
        assumed="px from 0; a box is the envelope of its corners; difficulty 1 and above is ignored")
    writable = True
    patchable = True
    no_place = NO_PLACE
    load_us = 60
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look at the first text files for rows of eight numbers and a class."""
        if not root.is_dir():
            return None
        found = label_files(root, ".txt", looks_like_rows, first_only=True)
        if not found:
            return None
        return Detection(0.97, f"{found[0]} has rows of eight coordinates and a class", weigh(root, found[0], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """List label files and images; no label is read yet."""
        from dsinspect_formats._label_files import FilesSource, matched
        from dsinspect_formats.dota.reader import COLUMNS, IMAGE_COLUMNS, image_of, read

        root = request.root
        labels = label_files(root, ".txt", has_rows, ("labelTxt",))
        entries, problems = matched(labels, ImageTree.below(request.images or root), root, image_of)
        info = DatasetInfo(
            format=self.name, root=root, problems=tuple(problems), columns=COLUMNS | IMAGE_COLUMNS,
            notes=("corners are read as px from 0; boxes are their envelopes", "difficulty 1 and above is ignored"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns), sorted(IMAGE_COLUMNS & request.columns))

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `SPLIT/images/`."""
        from dsinspect_formats.dota.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.dota.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.dota.patcher import patch

        return patch(self, request, edits)

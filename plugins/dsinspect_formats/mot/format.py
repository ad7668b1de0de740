"""MOT Challenge: a folder per sequence with `gt/gt.txt`, a row a box and frame, px from 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect_formats._images import ImageTree
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._numbers import are_numbers
from dsinspect_formats._sniffing import first_lines, head_of, marks_in
from dsinspect_formats.mot._looks import Options, sequence_folders

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class Mot(Format):
    """MOT Challenge ground truth."""

    name = "mot"
    also_called = ("motchallenge", "mot-seq", "mot17")
    facts = Facts(
        recognised="folders with `gt/gt.txt` of rows of a frame, a track and a box",
        read="boxes, track ids, visibility, classes (labels.txt, else MOT's own); confidence 0 as ignored; frames by number, "
             "seqinfo.ini",
        kept="digits, columns there are, order of rows",
        written="a sequence for each folder of images: gt.txt, labels.txt, seqinfo.ini; an image whose name is no number "
                "is named by the number of its frame (conversion.json has both)",
        assumed="the first pixel is 1, so 1 is taken off left and top (`mot.base`)")
    writable = True
    patchable = True
    no_place = NO_PLACE - {"set-image-size"}
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look for `gt/gt.txt` with rows of six numbers or more."""
        found = sequence_folders(root)
        if not found:
            return None
        path = f"{found[0]}gt/gt.txt"
        rows = [line.split(",") for line in first_lines(head_of(root / path), 10)]
        if sum(6 <= len(t) <= 10 and are_numbers([x.strip() for x in t]) for t in rows) * 2 < len(rows):  # one may be malformed
            return None
        return Detection(0.96, f"{path} has rows of a frame, a track and a box",
                         marks_in(root, [f"{f}gt/gt.txt" for f in found], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """Read the sequences."""
        from dsinspect_formats._named_images import Images
        from dsinspect_formats._reading import MemorySource
        from dsinspect_formats._rows import Rows
        from dsinspect_formats.mot.reader import COLUMNS, _read, read_sequence

        root = request.root
        options = request.options if isinstance(request.options, Options) else Options()
        folders = sequence_folders(root)
        if not folders:
            raise UserError(f"{root}: no gt/gt.txt found")
        rows = Rows(sorted(COLUMNS & request.columns))
        images = Images()
        tree = ImageTree.below(request.images or root)
        names: dict[int, str] = {}
        for folder in folders:
            sequence = read_sequence(root, folder, tree)
            names.update(sequence.classes)
            _read(root, sequence, images, rows, options.base)
        table, problems = images.table(tree, root, orphans=False, exact=request.images is None)
        info = DatasetInfo(
            format=self.name, root=root, categories=tuple(Category(k, n) for k, n in sorted(names.items())), columns=COLUMNS,
            notes=("the first pixel is 1: 1 is taken off left and top" if options.base else "boxes are read as they stand, from 0",
                   "rows with confidence 0 are ignored"))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `SPLIT/SEQUENCE/img1/`, by the number of a frame."""
        from dsinspect_formats.mot.writer import Frames

        self._frames: Frames = getattr(self, "_frames", None) or Frames()
        return self._frames.place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.mot.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.mot.patcher import patch

        return patch(self, request, edits)

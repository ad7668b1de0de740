"""WIDER FACE: one text file per split, an image's name, a count, and as many rows; a count of 0 has a row too."""

from __future__ import annotations

from pathlib import Path

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect.tables.schema import Problem
from dsinspect_formats._images import ImageTree
from dsinspect_formats._sniffing import weigh
from dsinspect_formats.widerface._looks import _files


class WiderFace(Format):
    """WIDER FACE."""

    name = "widerface"
    also_called = ("wider", "wider-face")
    facts = Facts(
        recognised="text with a file name, a count, and as many rows of ten numbers",
        read="boxes and the six attributes; `invalid` as ignored; a count of 0 is still followed by a row of zeros, which is "
             "no face",
        assumed="px from 0, left, top, width and height; all boxes are of class face")

    def detect(self, root: Path) -> Detection | None:
        """Look for a text file of a name, a count and rows of numbers."""
        found = _files(root, first_only=True)
        if not found:
            return None
        return Detection(0.97, f"{found[0]} has a name, a count and rows for each image, as WIDER FACE",
                         weigh(root, found[0], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """Read the files."""
        from dsinspect_formats._named_images import Images
        from dsinspect_formats._reading import MemorySource, split_of
        from dsinspect_formats._rows import Rows
        from dsinspect_formats.widerface.reader import CLASS, COLUMNS, _folders, _read

        root = request.root if request.root.is_dir() else request.root.parent
        rows = Rows(sorted(COLUMNS & request.columns))
        images = Images()
        problems: list[Problem] = []
        for path in _files(request.root):
            rows.file(path, split=(split := split_of(path, words=True)))
            text = rows.text_of(root / path)
            if text is None:
                continue
            _read(text, path, split, images, rows)
        table, problems = images.table(ImageTree.below(request.images or root), root, _folders)
        info = DatasetInfo(format=self.name, root=root, categories=(Category(0, CLASS),), columns=COLUMNS,
                           notes=("boxes are read as px from 0", "faces that are `invalid` are ignored"))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

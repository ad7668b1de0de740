"""CrowdHuman's .odgt: a JSON object per line and image, boxes of the full body, the visible part and the head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_formats._images import ImageTree, walk
from dsinspect_formats._sniffing import head_of, weigh


class Options(BaseOptions, frozen=True):
    """Which box is read."""

    box: Annotated[Literal["fbox", "vbox", "hbox"], option("full body, visible part, or head")] = "fbox"


def _files(root: Path) -> list[str]:
    if root.is_file():
        return [root.name] if root.suffix.lower() == ".odgt" else []
    return [p for p in walk(root) if p.lower().endswith(".odgt")]


class Odgt(Format):
    """CrowdHuman, and what else is written as .odgt."""

    name = "odgt"
    also_called = ("crowdhuman",)
    facts = Facts(
        recognised=".odgt files whose lines have `ID` and `gtboxes`",
        read="one of the boxes fbox, vbox and hbox (`odgt.box`); the tag `mask` and extra.ignore 1 as ignored",
        assumed="px from 0, left, top, width and height")
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look for an .odgt file whose first line has an ID and gtboxes."""
        for path in _files(root)[:3]:
            head = head_of(root if root.is_file() else root / path)
            if b'"ID"' in head and b'"gtboxes"' in head:
                return Detection(0.97, f"{path} has lines with ID and gtboxes", weigh(root, path, b'"tag"'))
        return None

    def open(self, request: OpenRequest) -> Source:
        """Read the files.

        Raises:
            UserError: no such file.
        """
        from dsinspect_formats._named_images import Images
        from dsinspect_formats._reading import MemorySource, split_of
        from dsinspect_formats._rows import Rows
        from dsinspect_formats.odgt.reader import COLUMNS, _line

        root = request.root if request.root.is_dir() else request.root.parent
        options = request.options if isinstance(request.options, Options) else Options()
        paths = _files(request.root)
        if not paths:
            raise UserError(f"{request.root}: no .odgt file found")
        rows, images = Rows(sorted(COLUMNS & request.columns)), Images()
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            text = rows.text_of(root / path)
            if text is None:
                continue
            index = 0
            for line_number, line in enumerate(text.split("\n"), 1):
                if line.strip():
                    index = _line(line, line_number, index, options.box, split, path, images, rows)
        table, problems = images.table(ImageTree.below(request.images or root), root, lambda split: ("Images/", "images/", ""))
        info = DatasetInfo(format=self.name, root=root, columns=COLUMNS, notes=(
            f"boxes are read from {options.box}, px from 0", "the tag `mask` and extra.ignore 1 are ignored regions"))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

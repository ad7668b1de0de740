"""Pascal VOC: one XML file per image; also ImageNet's and Roboflow's ways of laying it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.edits import ROW_ACTIONS
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._sniffing import estimate, head, names_in
from dsinspect_formats.voc._looks import Options, _objects_in, several_sets, told_apart

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits
    from dsinspect_formats.voc.reader import VocSource


class Voc(Format):
    """Pascal VOC XML, ImageNet-style XML, and XML beside images."""

    name = "voc"
    also_called = ("pascal", "pascal-voc", "voc-xml", "xml", "imagenet")
    facts = Facts(
        recognised="an XML file whose root is `<annotation>` with `<object>`, `<size>` or `<filename>`",
        read="boxes, difficult, truncated, occluded, pose, number of parts, depth; splits of ImageSets/Main; images are "
             "matched by stem, not by `<filename>`",
        kept="all child tags, comments, white space, attributes, encoding and line ends",
        written="`Annotations/STEM.xml`, `ImageSets/Main/SPLIT.txt`, images in `JPEGImages/`",
        assumed="px as they stand (base 0); `--set voc.base=1` takes 1 off xmin and ymin, and CNV001 says when a set looks "
                "1-based")
    load_us = 170
    writable = True
    by_stem = True
    patchable = True
    no_place = ROW_ACTIONS | {"set-area", "set-annotation-id"}
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look at some XML files for an `<annotation>` with `<object>`, `<size>` or `<filename>`."""
        if not root.is_dir():
            return None
        records, first = estimate(names_in(root, ".xml"), lambda path: _objects_in(head(root / path)))
        if first is None:
            return None
        several = several_sets(root)
        if several:
            return Detection(0.9, told_apart(several), records)
        return Detection(0.9 if first.count("/") <= 1 else 0.8, f"{first} is an <annotation>", records)

    def open(self, request: OpenRequest) -> VocSource:
        """List XML files, images and split lists; no XML is read yet.

        Raises:
            UserError: no XML file, or several sets.
        """
        from dsinspect_formats.voc.reader import VocSource

        several = several_sets(request.root)
        if several:
            raise UserError(f"{request.root}: {told_apart(several)}; name one of these folders, or several as the splits of one "
                            "dataset: train=A val=B")
        options = request.options if isinstance(request.options, Options) else Options()
        return VocSource(request.root, request.images, options, request.columns)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `JPEGImages/`."""
        from dsinspect_formats.voc.writer import place

        return place(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.voc.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.voc.patcher import patch

        return patch(self, request, edits)

"""LabelMe JSON: a file per image, beside it or in a folder of its own; an image without one is background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.edits import ROW_ACTIONS
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._images import relative
from dsinspect_formats._sniffing import LOOKED_AT, ends_of, files_below, weigh
from dsinspect_formats.labelme._looks import looks_like

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class LabelMe(Format):
    """LabelMe JSON, also as X-AnyLabeling writes it: rectangles, polygons, circles, masks, rotated rectangles."""

    name = "labelme"
    facts = Facts(
        recognised="a JSON file per image with `shapes` and imagePath, imageData or imageHeight",
        read="rectangles in any order of corners, polygons, circles, masks, rotated rectangles, flags, groups; an image that "
             "is in the JSON only; an image without JSON is background",
        kept="flags, group_id, description, imageData, the order of keys and the text of numbers",
        written="a JSON file beside each image, in the folder of its split",
        assumed="px from 0 in the image as displayed; classes are those that occur")
    load_us = 100
    writable = True
    by_stem = True
    patchable = True
    no_place = ROW_ACTIONS | {"set-area", "set-annotation-id", "mark-as-crowd"}

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with `shapes` and what they say of their image."""
        for path in islice(files_below(root), LOOKED_AT):
            if looks_like(ends_of(path)):
                name = relative(path, root) if root.is_dir() else root.name
                return Detection(0.9, f"{name} has LabelMe's shapes", weigh(root, name, b'"points"'))
        return None

    def open(self, request: OpenRequest) -> Source:
        """List JSON files and images; only the beginning of a file is read yet."""
        from dsinspect_formats.labelme.reader import LabelMeSource

        return LabelMeSource(request)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in the folder of its split."""
        from dsinspect_formats.labelme.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.labelme.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.labelme.patcher import patch

        return patch(request, edits)

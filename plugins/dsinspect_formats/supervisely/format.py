"""Supervisely projects: meta.json, and a JSON file for each image in `ann` beside `img`."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect_formats._sniffing import first_like, found_in

_SHAPE = re.compile(rb'"classTitle"\s*:|"geometryType"\s*:')
_SIZE = re.compile(rb'"size"\s*:\s*\{')
_OF_VIDEO = re.compile(rb'"framesCount"\s*:|"objectKey"\s*:|"figures"\s*:')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is an annotation of Supervisely, by its beginning and end."""
    return bool(_SIZE.search(ends)) and b'"objects"' in ends and not _OF_VIDEO.search(ends) and (
        bool(_SHAPE.search(ends)) or (b'"tags"' in ends and bool(re.search(rb'"objects"\s*:\s*\[\s*\]', ends))))


class Supervisely(Format):
    """Supervisely: rectangles, polygons and bitmaps as they stand."""

    name = "supervisely"
    facts = Facts(
        recognised="JSON files with `size` and `objects` that have `classTitle`, beside meta.json",
        read="rectangles, polygons, rotated boxes, bitmaps as masks, tags",
        assumed="px from 0; the last pixel of a rectangle as it stands")

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with objects and the size of an image."""
        return found_in(root, first_like(root, looks_like), "has Supervisely's objects", b'"classTitle"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images; raises UserError when nothing can be read."""
        from dsinspect_formats._json_sets import open_json_set
        from dsinspect_formats.supervisely.reader import COLUMNS, _Reader

        meta = request.root / "meta.json" if request.root.is_dir() else request.root
        return open_json_set("supervisely", request, looks_like, COLUMNS, _Reader(meta).read)

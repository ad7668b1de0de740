"""ASAM OpenLABEL JSON: objects over frames, boxes by their centres."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect_formats._sniffing import first_like, found_in

_TOP = re.compile(rb'"openlabel"\s*:\s*\{')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is OpenLABEL, by its beginning."""
    return bool(_TOP.search(ends[:4096]))


class OpenLabel(Format):
    """OpenLABEL: 2D boxes, rotated boxes and polygons of objects, over frames."""

    name = "openlabel"
    facts = Facts(
        recognised="JSON with `openlabel` at the top",
        read="bbox, rbbox, poly2d, attributes, frames, object ids as tracks; cuboids and points are left out and counted",
        assumed="px from 0, centre, width and height; rotation in radians clockwise")

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with `openlabel` at the top."""
        return found_in(root, first_like(root, looks_like), "is OpenLABEL", b'"val"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images; raises UserError when nothing can be read."""
        from dsinspect_formats._json_sets import open_json_set
        from dsinspect_formats.openlabel.reader import COLUMNS, _read

        return open_json_set("openlabel", request, looks_like, COLUMNS, _read)

"""Datumaro's own JSON: items with annotations whose label is an index."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect_formats._sniffing import first_like, found_in

_ITEMS = re.compile(rb'"items"\s*:\s*\[')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is Datumaro's, by its beginning and end."""
    return ends.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and bool(_ITEMS.search(ends)) and b'"categories"' in ends


class Datumaro(Format):
    """Datumaro JSON: boxes, polygons and masks."""

    name = "datumaro"
    facts = Facts(
        recognised="JSON with `items` and `categories`",
        read="boxes, rotated boxes, polygons, masks, attributes; the label is an index",
        assumed="px from 0; rotation in degrees about the centre")

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with items and categories."""
        return found_in(root, first_like(root, looks_like), "has Datumaro's items", b'"label_id"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images; raises UserError when nothing can be read."""
        from dsinspect_formats._json_sets import open_json_set
        from dsinspect_formats.datumaro.reader import COLUMNS, _read

        return open_json_set("datumaro", request, looks_like, COLUMNS, _read)

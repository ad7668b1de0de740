"""VoTT JSON: an export of all assets, or a file per asset."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect_formats._sniffing import first_like, found_in

_ASSET = re.compile(rb'"asset"\s*:\s*\{')
_REGIONS = re.compile(rb'"regions"\s*:\s*\[')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is VoTT's, by its beginning and end."""
    return bool(_ASSET.search(ends) and _REGIONS.search(ends))


class Vott(Format):
    """VoTT JSON exports and assets; a region's first tag is its class."""

    name = "vott"
    also_called = ("vott-json",)
    facts = Facts(
        recognised="JSON with `assets`, or an asset a file; its CSV export is read as a table",
        read="boxes, polygons, tags (the first is the class), sizes",
        assumed="px from 0, left, top, width and height")

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files of assets with regions."""
        return found_in(root, first_like(root, looks_like), "has VoTT's assets", b'"boundingBox"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images; raises UserError when nothing can be read."""
        from dsinspect_formats._json_sets import open_json_set
        from dsinspect_formats.vott.reader import COLUMNS, _read

        return open_json_set("vott", request, looks_like, COLUMNS, _read, only_named_splits=True, title="VoTT")

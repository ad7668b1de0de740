"""VGG Image Annotator, versions 1 and 2: projects and annotations in JSON, annotations in CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.io.containment import inside
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._no_place import NO_PLACE_IN_JSON
from dsinspect_formats._sniffing import first_like, found_in
from dsinspect_formats.via._looks import SUFFIXES, Options, looks_like

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class Via(Format):
    """VGG Image Annotator 1 and 2: rectangles, polygons, circles and ellipses; the class is an attribute the user named."""

    name = "via"
    also_called = ("vgg", "vgg-via", "vgg-image-annotator")
    facts = Facts(
        recognised="JSON with `_via_img_metadata` or regions with `shape_attributes`, or VIA's CSV header",
        read="rectangles, polygons, closed polylines, circles, ellipses; regions as a list or a mapping; attributes the user named",
        kept="region_attributes, file_attributes, keys (file name and bytes), settings",
        written="`via_annotations.json`, which VIA imports; the split is a file attribute",
        assumed="px from 0; the class is the region attribute with a usual name, else the one most regions have "
                "(`via.class_attribute`); a polyline whose ends are within 5 px is an outline (`via.closed_px`)")
    options_type = Options
    writable = True
    by_file = True
    patchable = True
    no_place = NO_PLACE_IN_JSON | {"set-image-size"}

    def detect(self, root: Path) -> Detection | None:
        """Look for VIA's keys in JSON files and its header in CSV files."""
        found = first_like(root, looks_like, SUFFIXES)
        mark = b"\n" if found and found.suffix.lower() == ".csv" else b'"shape_attributes"'
        return found_in(root, found, "has VIA's regions", mark, 0.92)

    def open(self, request: OpenRequest) -> Source:
        """Read the files and find the images.

        Raises:
            UserError: no VIA file, or none in which anything can be read.
        """
        from dsinspect_formats.via.reader import open_set

        return open_set(request)[0]

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path."""
        return inside(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.via.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.via.patcher import patch

        return patch(self, request, edits)

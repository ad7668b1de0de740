"""CreateML JSON: a list of images with boxes given by their centres, in px."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._no_place import NO_PLACE_IN_JSON
from dsinspect_formats._sniffing import first_like, found_in
from dsinspect_formats.createml._looks import looks_like

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class CreateMl(Format):
    """CreateML JSON, as Apple's Create ML, Roboflow and others write it."""

    name = "createml"
    also_called = ("apple", "create-ml")
    facts = Facts(
        recognised="a JSON list of images with `annotations` that have `coordinates`",
        read="boxes and classes; sizes come from the image files, for the format has none",
        kept="other keys, the order of keys, the text of numbers",
        written="`_annotations.createml.json` in the folder of each split",
        assumed="px, x and y of the centre, width and height")
    writable = True
    patchable = True
    no_place = NO_PLACE_IN_JSON | {"set-image-size"}

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON lists of images with coordinates."""
        return found_in(root, first_like(root, looks_like), "lists images with coordinates of boxes", b'"coordinates"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images.

        Raises:
            UserError: no CreateML file, or none in which anything can be read.
        """
        from dsinspect_formats.createml.reader import open_set

        return open_set(request)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in the folder of its split."""
        from dsinspect_formats.createml.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.createml.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.createml.patcher import patch

        return patch(self, request, edits)

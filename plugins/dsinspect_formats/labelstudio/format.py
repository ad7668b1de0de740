"""Label Studio JSON: its own export of tasks, with boxes in percent of the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._no_place import NO_PLACE_IN_JSON
from dsinspect_formats._sniffing import first_like, found_in
from dsinspect_formats.labelstudio._looks import Options, looks_like

if TYPE_CHECKING:
    from pathlib import Path

    from dsinspect.protocols.edits import Edits


class LabelStudio(Format):
    """Label Studio JSON: rectangles, rotated ones, polygons and ellipses of people; predictions and drafts are left out."""

    name = "labelstudio"
    also_called = ("label-studio", "ls")
    facts = Facts(
        recognised="a JSON list of tasks with `annotations` (or `completions`) whose results have `original_width`",
        read="rectangles, rotated ones too, polygons, ellipses, brushes' labels, several annotators (`labelstudio.annotator`); "
             "predictions, drafts and skipped tasks are no annotations",
        kept="from_name, to_name, ids, predictions, everything else of a task",
        written="a JSON list of tasks that Label Studio imports",
        assumed="percent of original_width and original_height; rotation in degrees clockwise about the top left corner as stored")
    options_type = Options
    writable = True
    patchable = True
    no_place = NO_PLACE_IN_JSON | {"set-image-size"}

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files of tasks with results."""
        return found_in(root, first_like(root, looks_like), "holds tasks with results", b'"from_name"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images.

        Raises:
            UserError: no export of Label Studio, or none in which anything can be read.
        """
        from dsinspect_formats.labelstudio.reader import open_set

        return open_set(request)

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path below `images/`."""
        from dsinspect_formats.labelstudio.writer import place

        return place(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.labelstudio.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.labelstudio.patcher import patch

        return patch(self, request, edits)

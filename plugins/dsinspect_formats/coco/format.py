"""COCO JSON: one file, several `instances_*.json` as splits, or Roboflow's split folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.edits import ROW_ACTIONS
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._images import relative
from dsinspect_formats.coco._files import (
    datasets_of,
    find_files,
    records_in,
    several_datasets,
    split_of,
)

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits
    from dsinspect_formats.coco.reader import CocoSource


class Coco(Format):
    """COCO instances JSON, also as Roboflow, LVIS and Objects365 have it."""

    name = "coco"
    also_called = ("coco-json", "json", "ms-coco", "mscoco", "lvis", "objects365")
    facts = Facts(
        recognised="a JSON object with the lists `images`, `annotations` and `categories`, whatever the file is called; all such "
                   "files of a folder are its splits, by the words in their names or folders",
        read="boxes, polygons, run-length masks, keypoints, areas, crowds, `ignore`, supercategories; LVIS's "
             "`neg_category_ids` and `not_exhaustive_category_ids`",
        kept="every unknown key, the order of keys, ids, `info`, `licenses`, the text of numbers, indentation",
        written="`annotations/instances_SPLIT.json`; ids of images and, from COCO, of annotations stay",
        assumed="px from 0, x, y, width and height; the frame of an image with an EXIF orientation goes by its declared size "
                "(`--frame`)")
    writable = True
    patchable = True
    no_place = ROW_ACTIONS

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with COCO's lists."""
        files = find_files(root)
        if not files:
            return None
        sets = datasets_of(files, root) if root.is_dir() else {}
        if len(sets) > 1:
            return Detection(0.9, several_datasets(sets), sum(map(records_in, files)))
        name = relative(files[0], root) if root.is_dir() else root.name
        lists = f"{name} has COCO's lists" if len(files) == 1 else f"{name} and {len(files) - 1} more have COCO's lists"
        return Detection(0.9, lists, sum(map(records_in, files)))

    def open(self, request: OpenRequest) -> CocoSource:
        """Read the JSON files and find the images.

        Raises:
            UserError: no COCO file, or none in which anything can be read.
        """
        from dsinspect_formats.coco.reader import CocoSource

        files = find_files(request.root) or ([request.root] if request.root.is_file() else [])
        if not files:
            raise UserError(f"{request.root}: no COCO JSON file found")
        sets = datasets_of(files, request.root) if request.root.is_dir() else {}
        if len(sets) > 1:
            raise UserError(f"{request.root}: {several_datasets(sets)}; name one of these files, or several as the splits of one "
                            "dataset: train=A val=B")
        order = {"train": 0, "val": 1, "test": 2}
        files.sort(key=lambda f: (order.get(split_of(f, len(files) == 1) or "", 3), f))
        return CocoSource(request, files)

    def positions(self, file: Path, records: str) -> Sequence[tuple[int, int]]:
        """Return line and column of each record of a list, or of the first fault of the JSON."""
        import msgspec

        from dsinspect.io.reading import read_regular
        from dsinspect_formats._text import decode
        from dsinspect_formats.coco._spans import positions, strict_spans, tolerant_spans
        from dsinspect_formats.coco._tolerant import fault_position

        text = decode(read_regular(file))[0]
        if records == "faults":
            return [place] if (place := fault_position(text)) else []
        utf8 = text.encode("utf-8", "surrogatepass")
        try:
            msgspec.json.decode(utf8, type=msgspec.Raw)  # builds nothing, and refuses what is no JSON
            spans = strict_spans(utf8).get(records)
        except (msgspec.MsgspecError, RecursionError):
            spans = tolerant_spans(utf8, file.name).get(records)
        return () if spans is None else positions(utf8, spans.starts)

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path."""
        from dsinspect.io.containment import inside

        return inside(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.coco.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.coco.patcher import patch

        return patch(request, edits)

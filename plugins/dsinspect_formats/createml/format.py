"""CreateML JSON: a list of images with boxes given by their centres, in px."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dsinspect.io.containment import inside
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._json_files import all_like, first_like
from dsinspect_formats._json_patching import NO_PLACE, image_places, patch_json
from dsinspect_formats._sniffing import found_in
from dsinspect_formats._writing import Losses, slices_of, write_file
from dsinspect_formats.createml.reader import _SIDES, _File, looks_like, open_set

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class CreateMl(Format):
    """CreateML JSON, as Apple's Create ML, Roboflow and others write it."""

    name = "createml"
    facts = Facts(
        recognised="a JSON list of images with `annotations` that have `coordinates`",
        read="boxes and classes; sizes come from the image files, for the format has none",
        kept="other keys, the order of keys, the text of numbers",
        written="`_annotations.createml.json` in the folder of each split",
        assumed="px, x and y of the centre, width and height")
    writable = True
    patchable = True
    no_place = NO_PLACE | {"set-image-size"}

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON lists of images with coordinates."""
        return found_in(root, first_like(root, looks_like), "lists images with coordinates of boxes", b'"coordinates"')

    def open(self, request: OpenRequest) -> Source:
        """Read the JSON files and find the images.

        Raises:
            UserError: no CreateML file, or none in which anything can be read.
        """
        return open_set(request)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in the folder of its split."""
        own = inside(path)
        return own if split is None or own.startswith(f"{split}/") else f"{split}/{own.rpartition('/')[2]}"

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write `SPLIT/_annotations.createml.json`, or one file when there are no splits."""
        losses = Losses(info, ())
        documents: dict[str | None, list[Any]] = {split: [] for split in info.splits}
        for shard in shards:
            annotations = losses.take(shard)
            boxes = boxes_xyxy(annotations).reshape(-1, 4)
            values = ((boxes[:, :2] / 2 + boxes[:, 2:] / 2).tolist(), (boxes[:, 2:] - boxes[:, :2]).tolist())
            objects = [{"label": name, "coordinates": dict(zip(_SIDES, (*centre, *size), strict=True))}
                       for name, centre, size in zip(annotations["category"].tolist(), *values, strict=True)]
            for path, split, (start, end) in zip(shard.images["path"].tolist(), shard.images["split"].tolist(),
                                                 slices_of(annotations, len(shard.images)), strict=True):
                documents.setdefault(split, []).append({
                    "image": path.removeprefix(f"{split}/"), "annotations": objects[start:end]})
        for split, images in documents.items() or {None: []}.items():
            folder = out / inside(split, "split") if split else out
            write_file(folder / "_annotations.createml.json", msgspec.json.format(msgspec.json.encode(images), indent=2) + b"\n")
        return losses.result()

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        if len(edits):
            source = open_set(request)
            files = [_File(p, source.info.root) for p in all_like(request.root, looks_like)]
            yield from patch_json("createml", request, edits, files, image_places(source, edits), self.no_place)

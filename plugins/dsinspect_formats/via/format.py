"""VGG Image Annotator, versions 1 and 2: projects and annotations in JSON, annotations in CSV."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from dsinspect.errors import UserError
from dsinspect.io.containment import inside
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, Source
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._gathering import Gathered, MemorySource, counted, first_reason, memory_source, polygon_json
from dsinspect_formats._images import relative
from dsinspect_formats._json_files import all_like, first_like
from dsinspect_formats._json_patching import NO_PLACE
from dsinspect_formats._outlines import Outlines
from dsinspect_formats._writing import Losses, slices_of, write_file
from dsinspect_formats.coco._files import base_folder, split_of
from dsinspect_formats.coco._records import collector_off
from dsinspect_formats.via._reading import ViaImage, looks_like, read_file
from dsinspect_formats.via._regions import NO_AREA, box_of, class_attribute, class_of, points_of

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits

COLUMNS = frozenset(("segmentation", "attributes", "via:shape"))
SUFFIXES = (".json", ".csv")


class Options(BaseOptions, frozen=True):
    """Which attribute is the class."""

    class_attribute: Annotated[str, option("region attribute that holds the class; empty to choose it by its name, else by how "
                                           "many regions have it")] = ""


class Via(Format):
    """VGG Image Annotator 1 and 2: rectangles, polygons, circles and ellipses; the class is an attribute the user named."""

    name = "via"
    options_type = Options
    writable = True
    patchable = True
    no_place = NO_PLACE | {"set-image-size"}

    def detect(self, root: Path) -> Detection | None:
        """Look for VIA's keys in JSON files and its header in CSV files."""
        found = first_like(root, looks_like, SUFFIXES)
        return Detection(0.92, f"{relative(found, root) if root.is_dir() else root.name} has VIA's regions") if found else None

    def open(self, request: OpenRequest) -> Source:
        """Read the files and find the images.

        Raises:
            UserError: no VIA file, or none in which anything can be read.
        """
        return open_set(request)[0]

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path."""
        return inside(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write `via_annotations.json`, which VIA imports; the split is a file attribute.

        Raises:
            UserError: it cannot be written.
        """
        losses = Losses(info, ("segmentation",))
        document: dict[str, Any] = {}
        for shard in shards:
            annotations = losses.take(shard)
            outlines = Outlines(annotations, losses)
            boxes, names = boxes_xyxy(annotations).reshape(-1, 4).tolist(), annotations["category"].tolist()
            for path, split, (start, end) in zip(shard.images["path"].tolist(), shard.images["split"].tolist(),
                                                 slices_of(annotations, len(shard.images)), strict=True):
                try:
                    size = os.path.getsize(out / path)  # noqa: PTH202
                except OSError:
                    size = -1
                document[f"{path}{size}"] = {
                    "filename": path, "size": size,
                    "regions": [_region(outlines.polygon(k, boxes[k]), boxes[k], names[k]) for k in range(start, end)],
                    "file_attributes": {} if split is None else {"split": split}}
        write_file(out / "via_annotations.json", msgspec.json.encode(document) + b"\n")
        return losses.result()

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.via._patching import patch

        return patch(request, edits)


def _region(polygon: Sequence[float] | None, box: Sequence[float], name: str) -> dict[str, Any]:
    shape: dict[str, Any] = {"name": "rect", "x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
    if polygon is not None:
        shape = {"name": "polygon", "all_points_x": polygon[::2], "all_points_y": polygon[1::2]}
    return {"shape_attributes": shape, "region_attributes": {"class": name}}


def open_set(request: OpenRequest) -> tuple[MemorySource, str]:
    """Read the files of a set; returns it and the attribute that is the class.

    Raises:
        UserError: see `Format.open`.
    """
    files = all_like(request.root, looks_like, SUFFIXES)
    if not files:
        raise UserError(f"{request.root}: no VIA file found")
    base = base_folder(request.root)
    options = request.options if isinstance(request.options, Options) else Options()
    gathered = Gathered(request.columns & COLUMNS)
    read: list[tuple[str, str | None, list[ViaImage]]] = []
    is_via = False
    for path in files:
        source = relative(path, base)
        images, problems, good = read_file(path, source)
        gathered.problems += problems
        is_via |= good
        read.append((source, split_of(path, only=True), images))
    if not is_via:
        raise UserError(f"{files[0]}: not a VIA file: {first_reason(gathered.problems, 'it holds no images')}")
    attribute = options.class_attribute or class_attribute(
        r.get("region_attributes") for _, _, images in read for i in images for _, r in i.regions if isinstance(r, dict))
    left_out: Counter[str] = Counter()
    with collector_off():
        for source, split, images in read:
            _gather(images, source, split, attribute, gathered, left_out)
    notes = [f"the class is the region attribute {json.dumps(attribute)[1:-1]!r} (option class_attribute)"] if attribute else []
    what = ", ".join(counted(n, w.removesuffix("s"), w) for w, n in sorted(left_out.items()))
    notes += [f"left out, since they bound no area: {what}"] if what else []
    return memory_source("via", request, base, gathered, files=files, columns=COLUMNS, notes=notes), attribute


def _gather(images: list[ViaImage], source: str, split: str | None, attribute: str, gathered: Gathered,
            left_out: Counter[str]) -> None:
    index = 0
    for position, image in enumerate(images):
        about = image.file_attributes if isinstance(image.file_attributes, dict) else {}
        own = about.get("split")
        row = gathered.add_image(image.name, source, split=own if isinstance(own, str) and own else split, line=image.line,
                                 index=position)
        for line, region in image.regions:
            try:
                _add(gathered, row, region, attribute, index, line, left_out)
            except ValueError as e:
                gathered.faulty(source, str(e), region, line, index, image.name or None, split)
            index += 1


def _add(gathered: Gathered, row: int, region: Any, attribute: str, index: int, line: int, left_out: Counter[str]) -> None:
    if not isinstance(region, dict):
        raise ValueError("the region is not an object")
    shape, attributes = region.get("shape_attributes"), region.get("region_attributes")
    kind = shape.get("name") if isinstance(shape, dict) else None
    if isinstance(kind, str) and kind in NO_AREA:
        left_out[NO_AREA[kind]] += 1
        return
    box = box_of(shape)
    values = attributes if isinstance(attributes, dict) else {}
    extra: dict[str, Any] = {}
    if gathered.columns and isinstance(shape, dict):
        others = {k: v for k, v in values.items() if k != attribute}
        extra = {"via:shape": kind, "attributes": msgspec.json.encode(others) if others else None,
                 "segmentation": polygon_json([points_of(shape)]) if kind == "polygon" else None}
    gathered.add(row, class_of(values.get(attribute)), box, index, line, extra=extra)

"""Edit VIA's JSON without loss: shape and region attributes where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Box, Change
from dsinspect_formats._json_files import all_like
from dsinspect_formats._json_patching import SAME, ImageRecord, JsonSetFile, Record, image_places, patch_json
from dsinspect_formats._json_text import Node
from dsinspect_formats._splicing import extent_text, number_text
from dsinspect_formats.via._looks import SUFFIXES, Options, looks_like
from dsinspect_formats.via._regions import box_of, class_of, closed
from dsinspect_formats.via.reader import open_set


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Beyond what the actions say: a polygon, or a closed polyline, takes a box that lies inside its own, and is cut to it;
    `drop-polygon` makes a rectangle of any region. A CSV file is not edited: its cells hold JSON, and VIA saves the same as JSON.

    Raises:
        UserError: also when the set has a CSV file.
    """
    if not len(edits):
        return
    source, attribute, only = open_set(request)
    paths = all_like(request.root, looks_like, SUFFIXES)
    for path in paths:
        if path.suffix.lower() == ".csv":
            raise UserError(f"{path}: VIA's CSV cannot be edited; export the annotations as JSON")
    closed_px = (request.options if isinstance(request.options, Options) else Options()).closed_px
    files = [_File(path, source.info.root, attribute if only else attribute or "class", only, closed_px) for path in paths]
    yield from patch_json("via", request, edits, files, image_places(source, edits), own.no_place)


class _File(JsonSetFile):
    """One file: images by key. Where no region of the set names its class, none may: the others would be of no class then."""

    def __init__(self, path: Path, base: Path, attribute: str, only: str | None, closed_px: float) -> None:
        super().__init__(path, base)
        self.closed_px = closed_px
        self.attribute = attribute
        self.only = only

    def images(self, root: Node) -> Sequence[ImageRecord]:
        """Return the images."""
        entries = root.get("_via_img_metadata") or root
        return [ImageRecord(entries, node) for node in entries.members().values()]

    def records(self, root: Node) -> Iterator[Record]:
        """Yield the regions."""
        for image in self.images(root):
            regions = image.node.get("regions")
            if regions is None:
                continue
            for node in regions.elements() or list(regions.members().values()):
                values = node.value.get("region_attributes") if isinstance(node.value, dict) else None
                name = self.only or (class_of(values.get(self.attribute)) if isinstance(values, dict) else None)
                try:
                    shape = node.value.get("shape_attributes") if isinstance(node.value, dict) else None
                    box: Box | None = box_of(closed(shape, self.closed_px))
                except ValueError:
                    box = None
                yield Record(regions, node, name, box)

    def set_category(self, record: Record, name: str) -> None:
        """Write the class: its text, or the one option that is ticked."""
        if self.only:
            raise UserError(f"{self.path}: no region of the set names its class, so none can have another; give each one in VIA, "
                            "or all one with --set via.one_class=NAME")
        values = record.node.get("region_attributes")
        if values is None:
            self.edits.set_member(record.node, "region_attributes", {self.attribute: name})
            return
        own = values.value.get(self.attribute) if isinstance(values.value, dict) else None
        self.edits.set_member(values, self.attribute, {name: True} if isinstance(own, dict) else name)

    def set_box(self, record: Record, box: Box, change: Change, *, plain: bool) -> None:
        """Write a rectangle, or cut a polygon."""
        shape = record.node.get("shape_attributes")
        old = record.box
        if shape is None or old is None:
            raise change.wrong("the region has no shape")
        kind = shape.value.get("name")
        if plain and kind != "rect":
            self.edits.replace(shape, json.dumps({"name": "rect", "x": box[0], "y": box[1], "width": box[2] - box[0],
                                                  "height": box[3] - box[1]}))
            return
        if kind == "rect":
            for axis, (low, side) in enumerate((("x", "width"), ("y", "height"))):
                moved = [abs(box[k] - old[k]) > SAME for k in (axis, axis + 2)]
                low_node, side_node = shape.get(low), shape.get(side)
                if moved[0] and low_node is not None:
                    self.edits.replace(low_node, number_text(box[axis], low_node.raw))
                if any(moved) and side_node is not None:
                    self.edits.replace(side_node, extent_text(box[axis], box[axis + 2], side_node.raw))
            return
        inner = all(a >= b for a, b in zip(box[:2], old[:2], strict=True)) and all(
            a <= b for a, b in zip(box[2:], old[2:], strict=True))
        if kind not in ("polygon", "polyline") or not inner:
            raise change.wrong(f"the region is a {kind}, which cannot take that box; add drop-polygon to make it a rectangle")
        for axis, key in enumerate(("all_points_x", "all_points_y")):
            points = shape.get(key)
            for node in points.elements() if points is not None else ():
                self.edits.set(node, float(min(max(node.value, box[axis]), box[axis + 2])))

    def add_box(self, image: ImageRecord, box: Box, name: str, change: Change) -> None:
        """Add a rectangle."""
        regions = image.node.get("regions")
        shape = {"name": "rect", "x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
        region = {"shape_attributes": shape, "region_attributes": {} if self.only else {self.attribute: name}}
        if regions is not None and isinstance(regions.value, list):
            self.edits.append(regions, region)
        elif regions is not None and isinstance(regions.value, dict):
            number = max([-1, *(int(k) for k in regions.value if k.isdigit() and len(k) < 9)]) + 1
            self.edits.set_member(regions, str(number), region)
        else:
            raise change.wrong("the image has no list of regions")

    def set_path(self, image: ImageRecord, change: Change) -> None:
        """Write the name of the file; the key of the image keeps the old one, as VIA allows."""
        self.edits.set_member(image.node, "filename", change.image if change.text is None else change.text)

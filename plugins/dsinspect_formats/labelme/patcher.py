"""Edit LabelMe files without loss: points, labels and shapes where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest, Patch
from dsinspect_formats._editing import Box, Change
from dsinspect_formats._json_patching import ImageRecord, JsonSetFile, Record, image_places, patch_json
from dsinspect_formats._json_text import Node
from dsinspect_formats._no_place import NO_PLACE_IN_JSON
from dsinspect_formats.labelme._shapes import box_of, points_of
from dsinspect_formats.labelme.reader import LabelMeSource, kind_of


def patch(request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Beyond what the actions say: a rectangle keeps which corner it was drawn from; a polygon takes a box that lies inside its
    own, and is cut to it; `drop-polygon` makes a rectangle of any shape; `drop-image` removes the file.
    """
    if not len(edits):
        return
    source = LabelMeSource(request)
    files = [_File(path, source.info.root) for path in source.files]
    yield from patch_json("labelme", request, edits, files, image_places(source, edits), NO_PLACE_IN_JSON)


class _File(JsonSetFile):
    """One file: an image and its shapes."""

    def records(self, root: Node) -> Iterator[Record]:
        """Yield the shapes."""
        shapes = root.get("shapes")
        for node in shapes.elements() if shapes is not None else ():
            category, box = None, None
            if isinstance(node.value, dict):
                label = node.value.get("label")
                category = label if isinstance(label, str) else None
                try:
                    box = box_of(kind_of(node.value), points_of(node.value))
                except ValueError:
                    box = None
            yield Record(shapes, node, category, box)  # type: ignore[arg-type]

    def images(self, root: Node) -> Sequence[ImageRecord]:
        """Return the file itself."""
        return [ImageRecord(None, root)]

    def set_category(self, record: Record, name: str) -> None:
        """Write the label."""
        self.edits.set_member(record.node, "label", name)

    def set_box(self, record: Record, box: Box, change: Change, *, plain: bool) -> None:
        """Move the points of a rectangle or polygon; write a rectangle when the outline is dropped."""
        node, kind = record.node, kind_of(record.node.value)
        points = node.get("points")
        if points is None or record.box is None:
            raise change.wrong("the shape has no points")
        if plain and kind != "rectangle":
            self.edits.replace(points, json.dumps([[box[0], box[1]], [box[2], box[3]]]))
            self.edits.set_member(node, "shape_type", "rectangle")
            if node.get("mask") is not None:
                self.edits.set_member(node, "mask", None)
            return
        if kind == "rectangle":
            for point in points.elements():
                for axis in (0, 1):
                    place = point.elements()[axis]
                    low = place.value == record.box[axis]
                    self.edits.set(place, box[axis if low else axis + 2])
            return
        inside = all(a >= b for a, b in zip(box[:2], record.box[:2], strict=True)) and all(
            a <= b for a, b in zip(box[2:], record.box[2:], strict=True))
        if kind != "polygon" or not inside:
            raise change.wrong(f"the shape is a {kind}, which cannot take that box; add drop-polygon to make it a rectangle")
        for point in points.elements():
            for axis in (0, 1):
                place = point.elements()[axis]
                self.edits.set(place, float(min(max(place.value, box[axis]), box[axis + 2])))

    def add_box(self, image: ImageRecord, box: Box, name: str, change: Change) -> None:
        """Add a rectangle."""
        shapes = image.node.get("shapes")
        if shapes is None or not isinstance(shapes.value, list):
            raise change.wrong("the file has no list of shapes")
        self.edits.append(shapes, {"label": name, "points": [[box[0], box[1]], [box[2], box[3]]], "group_id": None,
                                   "description": "", "shape_type": "rectangle", "flags": {}})

    def set_image_size(self, image: ImageRecord, change: Change) -> None:
        """Write imageWidth and imageHeight."""
        for name, text in zip(("imageWidth", "imageHeight"), change.size_wh(), strict=True):
            self.edits.set_member(image.node, name, json.loads(text))

    def set_path(self, image: ImageRecord, change: Change) -> None:
        """Write imagePath: without a text the name of the image, when it lies beside the file."""
        path = change.text
        if path is None:
            folder = self.source.rpartition("/")[0]
            inner = change.image or ""
            path = inner.removeprefix(f"{folder}/") if folder else inner
            if folder and path == inner:
                path = "../" * (folder.count("/") + 1) + inner
        self.edits.set_member(image.node, "imagePath", path)

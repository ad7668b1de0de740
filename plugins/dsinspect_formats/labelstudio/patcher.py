"""Edit Label Studio exports without loss: percent, labels and results where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Box, Change
from dsinspect_formats._json_files import all_like
from dsinspect_formats._json_patching import ImageRecord, JsonSetFile, Record, image_places, patch_json
from dsinspect_formats._json_text import Node
from dsinspect_formats._splicing import number_text
from dsinspect_formats.labelstudio._looks import looks_like
from dsinspect_formats.labelstudio._regions import (
    DRAWN,
    LISTS,
    Region,
    image_text,
    is_cancelled,
    labels_beside,
    region_of,
    results_of,
)
from dsinspect_formats.labelstudio.reader import open_set

_SAME = 1e-9


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Beyond what the actions say: a polygon takes a box that lies inside its own, and is cut to it; `drop-polygon` makes a
    rectangle of any region; a box is added to the first annotation of the task, beside a rectangle.
    """
    if len(edits):
        source = open_set(request)
        files = [_File(path, source.info.root) for path in all_like(request.root, looks_like)]
        yield from patch_json("labelstudio", request, edits, files, image_places(source, edits), own.no_place)


class _File(JsonSetFile):
    """One export: a list of tasks, or one task."""

    def images(self, root: Node) -> Sequence[ImageRecord]:
        """Return the tasks."""
        return [ImageRecord(root, node) for node in root.elements()] if isinstance(root.value, list) else [ImageRecord(None, root)]

    def records(self, root: Node) -> Iterator[Record]:
        """Yield the results of people, those that are no regions included."""
        for image in self.images(root):
            for key in LISTS:
                works = image.node.get(key)
                for work in works.elements() if works is not None else ():
                    results = work.get("result")
                    beside = labels_beside(results_of(work.value))
                    for node in results.elements() if results is not None else ():
                        name, box = None, None
                        try:
                            region = None if is_cancelled(work.value) else region_of(node.value, beside)
                            if isinstance(region, Region):
                                box = region.box()
                                name = region.labels[0] if region.labels else None
                        except ValueError:
                            box = None
                        yield Record(results, node, name, box)  # type: ignore[arg-type]

    def set_category(self, record: Record, name: str) -> None:
        """Write the label; others of the region stay."""
        value = record.node.get("value")
        members = value.members() if value is not None else {}
        labels = next((members[k] for k in (*DRAWN.values(), "labels") if k in members), None)
        if labels is not None and labels.elements():
            self.edits.set(labels.elements()[0], name)
        elif labels is not None:
            self.edits.replace(labels, json.dumps([name]))
        elif value is not None:
            kind = record.node.value.get("type")
            self.edits.set_member(value, DRAWN.get(kind, kind), [name])

    def set_box(self, record: Record, box: Box, change: Change, *, plain: bool) -> None:
        """Write percent; those of an edge that stays as they are."""
        region = region_of(record.node.value, {})
        value = record.node.get("value")
        if not isinstance(region, Region) or value is None or record.box is None:
            raise change.wrong("the result draws no region")
        w, h = region.size_wh
        if not (w > 0 and h > 0):
            raise change.wrong("the size of the image is not known, and Label Studio writes percent of it")
        if plain and (region.kind != "rectangle" or region.rotation()):
            self._plain(record, value, box, region)
            return
        if region.kind == "rectangle" and not region.rotation():
            self._rectangle(value, box, record.box, (w, h))
            return
        inside = all(a >= b for a, b in zip(box[:2], record.box[:2], strict=True)) and all(
            a <= b for a, b in zip(box[2:], record.box[2:], strict=True))
        points = value.get("points")
        if region.kind != "polygon" or not inside or points is None:
            what = "rotated rectangle" if region.kind == "rectangle" else region.kind
            raise change.wrong(f"the region is a {what}, which cannot take that box; add drop-polygon to make it a plain rectangle")
        for point in points.elements():
            for axis, node in enumerate(point.elements()):
                side = (w, h)[axis]
                px = node.value * side / 100
                cut = min(max(px, box[axis]), box[axis + 2])
                if abs(cut - px) > _SAME:
                    self.edits.set(node, cut * 100 / side)

    def _rectangle(self, value: Node, box: Box, old: Box, size: tuple[float, float]) -> None:
        for axis, (low, side) in enumerate((("x", "width"), ("y", "height"))):
            moved = [abs(box[k] - old[k]) > _SAME for k in (axis, axis + 2)]
            low_node, side_node = value.get(low), value.get(side)
            if moved[0] and low_node is not None:
                self.edits.replace(low_node, number_text(box[axis] * 100 / size[axis], low_node.raw))
            if any(moved) and side_node is not None:
                self.edits.replace(side_node, number_text((box[axis + 2] - box[axis]) * 100 / size[axis], side_node.raw))

    def _plain(self, record: Record, value: Node, box: Box, region: Region) -> None:
        """Write the region anew as a rectangle: its labels stay, what else draws it goes."""
        w, h = region.size_wh
        kept = {k: v for k, v in value.value.items() if k not in ("points", "closed", "radiusX", "radiusY", *DRAWN.values())}
        kept |= {"x": box[0] * 100 / w, "y": box[1] * 100 / h, "width": (box[2] - box[0]) * 100 / w,
                 "height": (box[3] - box[1]) * 100 / h, "rotation": 0}
        labelled = str(record.node.value["type"]).endswith("labels")
        if labelled:
            kept["rectanglelabels"] = [record.category, *region.labels[1:]] if record.category is not None else []
        self.edits.replace(value, json.dumps(kept, ensure_ascii=self.edits.is_ascii))
        self.edits.set_member(record.node, "type", "rectanglelabels" if labelled else "rectangle")

    def add_box(self, image: ImageRecord, box: Box, name: str, change: Change) -> None:
        """Add a rectangle, as those of the file are."""
        model = next((r.node.value for r in self.all_records if r.box is not None
                      and r.node.value.get("type") == "rectanglelabels"), None)
        size = next((n.value for key in LISTS for w in self._works(image, key) for n in self._results(w)
                     if isinstance(n.value, dict) and n.value.get("original_width")), None)
        work = next((w for key in LISTS for w in self._works(image, key) if not is_cancelled(w.value)), None)
        result = work.get("result") if work is not None else None
        w, h = (size["original_width"], size["original_height"]) if size else change.frame_wh
        if result is None or model is None or not (w > 0 and h > 0):
            raise change.wrong("no rectangle of the file says how one is written, or the task has no annotation or size")
        value = {"x": box[0] * 100 / w, "y": box[1] * 100 / h, "width": (box[2] - box[0]) * 100 / w,
                 "height": (box[3] - box[1]) * 100 / h, "rotation": 0, "rectanglelabels": [name]}
        own = f"added{len(result.elements()) + len(self.boxes)}"
        self.edits.append(result, {"id": own, "type": "rectanglelabels", "from_name": model.get("from_name"),
                                   "to_name": model.get("to_name"), "original_width": w, "original_height": h,
                                   "image_rotation": 0, "value": value})

    def set_path(self, image: ImageRecord, change: Change) -> None:
        """Write the text of the task's data that names its image."""
        key, _ = image_text(image.node.value)
        values = image.node.get("data")
        if values is None:
            raise change.wrong("the task has no data")
        self.edits.set_member(values, key or "image", change.image if change.text is None else change.text)

    def _works(self, image: ImageRecord, key: str) -> list[Node]:
        works = image.node.get(key)
        return works.elements() if works is not None else []

    def _results(self, work: Node) -> list[Node]:
        results = work.get("result")
        return results.elements() if results is not None else []

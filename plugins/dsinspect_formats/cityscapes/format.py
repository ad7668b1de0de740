"""Cityscapes: a JSON file of polygons per image; boxes are their envelopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Source
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import Problem
from dsinspect_formats._images import ImageTree, relative, walk
from dsinspect_formats._reading import (
    Entry,
    FilesSource,
    Rows,
    as_json,
    decoded_json,
    head_of,
    json_number,
    orphan_images,
    shown,
    split_of,
)
from dsinspect_formats._sniffing import weigh

ENDING = "_polygons.json"
COLUMNS = frozenset(("segmentation",))
NOT_EVALUATED = frozenset((
    "unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground", "parking", "rail track",
    "guard rail", "bridge", "tunnel", "polegroup", "caravan", "trailer", "license plate"))
"""`ignoreInEval` of cityscapesscripts/helpers/labels.py."""


class Cityscapes(Format):
    """Cityscapes' fine and coarse polygons."""

    name = "cityscapes"
    load_us = 400

    def detect(self, root: Path) -> Detection | None:
        """Look for a `*_polygons.json` with imgHeight and objects."""
        if not root.is_dir():
            return None
        for path in (p for p in walk(root) if p.endswith(ENDING)):
            head = head_of(root / path)
            if b'"imgHeight"' in head or b'"imgWidth"' in head:
                return Detection(0.96, f"{path} has Cityscapes' polygons", weigh(root, path, b'"polygon"'))
            break
        return None

    def open(self, request: OpenRequest) -> Source:
        """List the files; none is read yet.

        Raises:
            UserError: no such file.
        """
        root = request.root
        labels = [p for p in walk(root) if p.endswith(ENDING)]
        if not labels:
            raise UserError(f"{root}: no file *{ENDING} found")
        tree = ImageTree.below(request.images or root)
        images = {_scene(p): p for p in tree.paths if "leftImg8bit" in p} or {_scene(p): p for p in tree.paths}
        entries, used = [], set()
        for label in labels:
            found = images.get(_scene(label))
            if found is None:
                path = label.replace("/gtFine/", "/leftImg8bit/").replace("/gtCoarse/", "/leftImg8bit/")
                path = path.rpartition("/")[0] + f"/{_scene(label)}_leftImg8bit.png"
                entries.append(Entry(path.removeprefix("/"), None, split_of(label), label))
            else:
                used.add(found)
                shown_path = found if tree.folder == root else relative(tree.folder / found, root)
                entries.append(Entry(shown_path, tree.open_path(found), split_of(label), label))
        problems: list[Problem] = orphan_images(tree, used, root)
        info = DatasetInfo(format=self.name, root=root, problems=tuple(problems), columns=COLUMNS, notes=(
            "boxes are the envelopes of polygons, px from 0", "labels that end in `group` are crowds",
            "labels that Cityscapes does not evaluate are ignored"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))


def _scene(path: str) -> str:
    """Return the name of a scene: city, sequence and frame, without what the kind of file adds."""
    name = path.rpartition("/")[2].partition(".")[0]
    for end in ("_polygons", "_gtFine", "_gtCoarse", "_leftImg8bit"):
        name = name.removesuffix(end)
    return name


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> tuple[float, float] | None:
    """Read a file of polygons."""
    try:
        document = decoded_json(content)
        if not isinstance(document, dict) or not isinstance(document.get("objects"), list):
            raise ValueError("holds no list of objects")
    except ValueError as e:
        rows.fault(str(e))
        return None
    for index, record in enumerate(document["objects"]):
        try:
            label, points = _object(record)
        except ValueError as e:
            rows.fault(str(e), shown(record), index=index)
            continue
        if record.get("deleted"):
            continue
        xs, ys = points[0::2], points[1::2]
        is_group = label.endswith("group") and label != "polegroup"
        rows.add(image, label.removesuffix("group") if is_group else label, (min(xs), min(ys), max(xs), max(ys)), index,
                 crowd=is_group, ignored=label in NOT_EVALUATED,
                 extra={"segmentation": as_json([points])} if rows.fields else None)
    try:
        return json_number(document.get("imgWidth")), json_number(document.get("imgHeight"))
    except ValueError:
        return None


def _object(record: Any) -> tuple[str, list[float]]:
    if not isinstance(record, dict):
        raise ValueError("is no object")
    label, polygon = record.get("label"), record.get("polygon")
    if not isinstance(label, str):
        raise ValueError("has no label")
    if not isinstance(polygon, list) or not polygon:
        raise ValueError("has no polygon")
    points: list[float] = []
    for point in polygon:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError(f"has the point {shown(point)}, which is not x and y")
        points += (json_number(point[0]), json_number(point[1]))
    return label, points

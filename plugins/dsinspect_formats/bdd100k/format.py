"""BDD100K: JSON of labels with box2d, one file per set (2020, Scalabel) or per image (2018)."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_formats._images import ImageTree, walk
from dsinspect_formats._sniffing import head_of, weigh

_LABELS = re.compile(rb'"(?:labels|objects)"\s*:')
_NO_LABELS = re.compile(rb'"(?:labels|objects)"\s*:\s*(?:\[\s*\]|null)')


def _files(root: Path) -> list[str]:
    if root.is_file():
        return [root.name] if root.suffix.lower() == ".json" else []
    return [p for p in walk(root) if p.lower().endswith(".json")]


def _looks(head: bytes) -> bool:
    return b'"box2d"' in head and b'"category"' in head and (b'"labels"' in head or b'"objects"' in head) and b'"name"' in head


def _looks_without_boxes(head: bytes) -> bool:
    """Say whether a file has BDD100K's images: by what it says of each, whatever is in them."""
    return b'"timeofday"' in head and b'"name"' in head and bool(_LABELS.search(head) or b'"timestamp"' in head)


def _is_of_a_set(head: bytes) -> bool:
    """Say whether a file beside one of BDD100K's has images too: none of them may have a box, nor say anything of itself."""
    return b'"name"' in head and (_looks(head) or _looks_without_boxes(head) or bool(_NO_LABELS.search(head)))


class Bdd100k(Format):
    """BDD100K detection and tracking labels."""

    name = "bdd100k"
    also_called = ("bdd",)
    facts = Facts(
        recognised="JSON with `labels` (or `objects`) that have `category` and `box2d`, or images with a `timeofday`; files "
                   "without any box beside such ones too",
        read="boxes, polygons, attributes, tracks of videos, crowds; other person, other vehicle and trailer as ignored; lanes and "
             "drivable areas are left out and counted",
        assumed="px from 0, x2 and y2 as they stand")

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files of images whose labels have box2d, or of images with BDD100K's attributes."""
        empty = ""
        for path in _files(root)[:3]:
            head = head_of(root if root.is_file() else root / path, 1 << 16)
            if _looks(head):
                return Detection(0.93, f"{path} has labels with box2d, as BDD100K", weigh(root, path, b'"box2d"'))
            empty = empty or (path if _looks_without_boxes(head) else "")
        return Detection(0.8, f"{empty} has images with BDD100K's attributes", weigh(root, empty, b'"box2d"')) if empty else None

    def open(self, request: OpenRequest) -> Source:
        """Read the files.

        Raises:
            UserError: no such file.
        """
        from dsinspect_formats._named_images import Images
        from dsinspect_formats._reading import MemorySource, reason_of, split_of
        from dsinspect_formats._rows import Rows
        from dsinspect_formats._values import counted
        from dsinspect_formats.bdd100k.reader import COLUMNS, IGNORED, _document

        root = request.root if request.root.is_dir() else request.root.parent
        heads = {p: head_of(root / p, 1 << 16) for p in _files(request.root)}
        paths = [p for p, head in heads.items() if _is_of_a_set(head)]
        if not any(_looks(heads[p]) or _looks_without_boxes(heads[p]) for p in paths):
            raise UserError(f"{request.root}: no JSON file with BDD100K's labels")
        rows, images = Rows(sorted(COLUMNS & request.columns)), Images()
        left_out = 0
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            try:
                document = rows.json(read_regular(root / path))
            except OSError as e:
                rows.fault(reason_of(e))
                continue
            if document is not None:
                left_out += _document(document, path, split, images, rows)
        tree = ImageTree.below(request.images or root)
        table, problems = images.table(tree, root, lambda s: (f"images/100k/{s}/", f"images/{s}/", f"{s}/", "images/", ""))
        info = DatasetInfo(format=self.name, root=root, columns=COLUMNS, notes=(
            "boxes are read as px from 0, x2 and y2 as they stand", f"{', '.join(sorted(IGNORED))} are ignored",
            *((counted(left_out, "label of a lane or drivable area is no object and is left out",
                       "labels of lanes and drivable areas are no objects and are left out"),) if left_out else ())),
            beyond={"labels of lanes and drivable areas (left out by the reader)": left_out})
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

"""BDD100K: JSON of labels with box2d, one file per set (2020, Scalabel) or per image (2018)."""

from __future__ import annotations

from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_formats._images import ImageTree, walk
from dsinspect_formats._sniffing import head_of, weigh


def _files(root: Path) -> list[str]:
    if root.is_file():
        return [root.name] if root.suffix.lower() == ".json" else []
    return [p for p in walk(root) if p.lower().endswith(".json")]


def _looks(head: bytes) -> bool:
    return b'"box2d"' in head and b'"category"' in head and (b'"labels"' in head or b'"objects"' in head) and b'"name"' in head


class Bdd100k(Format):
    """BDD100K detection and tracking labels."""

    name = "bdd100k"
    also_called = ("bdd",)
    facts = Facts(
        recognised="JSON with `labels` (or `objects`) that have `category` and `box2d`",
        read="boxes, polygons, attributes, tracks of videos, crowds; other person, other vehicle and trailer as ignored; lanes and "
             "drivable areas are left out and counted",
        assumed="px from 0, x2 and y2 as they stand")

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with a name and labels that have box2d or a category beside attributes."""
        for path in _files(root)[:3]:
            head = head_of(root if root.is_file() else root / path, 1 << 16)
            if _looks(head):
                return Detection(0.93, f"{path} has labels with box2d, as BDD100K", weigh(root, path, b'"box2d"'))
        return None

    def open(self, request: OpenRequest) -> Source:
        """Read the files.

        Raises:
            UserError: no such file.
        """
        from dsinspect_formats._reading import Images, MemorySource, Rows, decoded_json, reason_of, split_of
        from dsinspect_formats.bdd100k.reader import COLUMNS, IGNORED, _document

        root = request.root if request.root.is_dir() else request.root.parent
        paths = [p for p in _files(request.root) if _looks(head_of(root / p, 1 << 16))]
        if not paths:
            raise UserError(f"{request.root}: no JSON file with BDD100K's labels")
        rows, images = Rows(sorted(COLUMNS & request.columns)), Images()
        left_out = 0
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            try:
                document = decoded_json(read_regular(root / path))
            except OSError as e:
                rows.fault(reason_of(e))
                continue
            except ValueError as e:
                rows.fault(str(e))
                continue
            left_out += _document(document, path, split, images, rows)
        tree = ImageTree.below(request.images or root)
        table, problems = images.table(tree, root, lambda s: (f"images/100k/{s}/", f"images/{s}/", f"{s}/", "images/", ""))
        info = DatasetInfo(format=self.name, root=root, columns=COLUMNS, notes=(
            "boxes are read as px from 0, x2 and y2 as they stand", f"{', '.join(sorted(IGNORED))} are ignored",
            *((f"{left_out:,} labels of lanes and drivable areas are no objects and are left out",) if left_out else ())),
            beyond={"labels of lanes and drivable areas (left out by the reader)": left_out})
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

"""CrowdHuman's .odgt: a JSON object per line and image, boxes of the full body, the visible part and the head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Source
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_formats._images import ImageTree, walk
from dsinspect_formats._reading import (
    Images,
    MemorySource,
    Rows,
    as_json,
    content_of,
    decoded_json,
    head_of,
    json_number,
    reason_of,
    shown,
    split_of,
)
from dsinspect_formats._sniffing import weigh

COLUMNS = frozenset(("attributes",))


class Options(BaseOptions, frozen=True):
    """Which box is read."""

    box: Annotated[Literal["fbox", "vbox", "hbox"], option("full body, visible part, or head")] = "fbox"


class Odgt(Format):
    """CrowdHuman, and what else is written as .odgt."""

    name = "odgt"
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look for an .odgt file whose first line has an ID and gtboxes."""
        for path in _files(root)[:3]:
            head = head_of(root if root.is_file() else root / path)
            if b'"ID"' in head and b'"gtboxes"' in head:
                return Detection(0.97, f"{path} has lines with ID and gtboxes", weigh(root, path, b'"tag"'))
        return None

    def open(self, request: OpenRequest) -> Source:
        """Read the files.

        Raises:
            UserError: no such file.
        """
        root = request.root if request.root.is_dir() else request.root.parent
        options = request.options if isinstance(request.options, Options) else Options()
        paths = _files(request.root)
        if not paths:
            raise UserError(f"{request.root}: no .odgt file found")
        rows, images = Rows(sorted(COLUMNS & request.columns)), Images()
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            try:
                text = rows.decoded(content_of(root / path))
            except OSError as e:
                rows.fault(reason_of(e))
                continue
            index = 0
            for line_number, line in enumerate(text.split("\n"), 1):
                if line.strip():
                    index = _line(line, line_number, index, options.box, split, path, images, rows)
        table, problems = images.table(ImageTree.below(request.images or root), root, lambda split: ("Images/", "images/", ""))
        info = DatasetInfo(format=self.name, root=root, columns=COLUMNS, notes=(
            f"boxes are read from {options.box}, px from 0", "the tag `mask` and extra.ignore 1 are ignored regions"))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])


def _files(root: Path) -> list[str]:
    if root.is_file():
        return [root.name] if root.suffix.lower() == ".odgt" else []
    return [p for p in walk(root) if p.lower().endswith(".odgt")]


def _line(line: str, line_number: int, index: int, box_key: str, split: str | None, source: str, images: Images, rows: Rows) -> int:
    """Read one image; return the index of the next box."""
    try:
        record = decoded_json(line)
        if not isinstance(record, dict) or not isinstance(record.get("ID"), str) or not record["ID"]:
            raise ValueError("has no ID")
        boxes = record.get("gtboxes", [])
        if not isinstance(boxes, list):
            raise ValueError("has gtboxes that are no list")
        size = (float("nan"), float("nan"))
        if "width" in record and "height" in record:
            size = (json_number(record["width"]), json_number(record["height"]))
    except ValueError as e:
        rows.fault(str(e), line.strip(), line_number, index)
        return index + 1
    name = record["fpath"] if isinstance(record.get("fpath"), str) else record["ID"]
    image = images.row(name, split, source, line_number, size)
    for box in boxes:
        try:
            _box(box, box_key, image, line_number, index, rows)
        except ValueError as e:
            rows.fault(str(e), shown(box), line_number, index, image=name)
        index += 1
    return index


def _box(box: Any, box_key: str, image: int, line_number: int, index: int, rows: Rows) -> None:
    if not isinstance(box, dict):
        raise ValueError("is no object")
    tag, edges = box.get("tag"), box.get(box_key)
    if not isinstance(tag, str):
        raise ValueError("has no tag")
    if not isinstance(edges, list) or len(edges) != 4:
        raise ValueError(f"has no {box_key} of four numbers")
    x, y, w, h = map(json_number, edges)
    said = box["extra"] if isinstance(box.get("extra"), dict) else {}
    own = {k: v for k, v in box.items() if k not in ("tag", box_key)}
    rows.add(image, tag, (x, y, x + w, y + h), index, line_number, ignored=tag == "mask" or said.get("ignore") == 1,
             extra={"attributes": as_json(own)} if rows.fields else None)

"""Small sets for the tests of converting, and what must be equal of two sets."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from dsinspect.conversion.pipeline import COLUMNS, prepared, read
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.loader import load_plugins
from dsinspect.protocols.probes import column_owners
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import FRAME_COLUMNS

PLUGINS = load_plugins()
Boxes = list[tuple[Any, ...]]


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG: all that a reader of sizes looks at."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + b"\0" * 16


def put(root: Path, name: str, size: tuple[int, int] = (100, 80)) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(*size) + name.encode())


def coco(root: Path, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]],
         categories: Sequence[Mapping[str, Any]] = ({"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}),
         split: str = "train") -> Path:
    """Write a COCO set of PNG files with the sizes declared; missing keys of records get plain values."""
    for image in images:
        put(root, image["file_name"], (image.get("width", 100), image.get("height", 80)))
    records = [{"id": k, "category_id": 1, "iscrowd": 0, "area": a["bbox"][2] * a["bbox"][3], **a}
               for k, a in enumerate(annotations)]
    document = {"images": [{"id": k, "width": 100, "height": 80, **i} for k, i in enumerate(images)],
                "annotations": records, "categories": list(categories)}
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))
    return root


def shards_of(root: Path, format: str | None = None) -> list[Shard]:
    """Read a set with boxes in px, as converting does."""
    source = open_dataset(DatasetRequest(str(root), root, format=format), PLUGINS, COLUMNS)
    owners = column_owners(PLUGINS.probes)
    probes = tuple({owners[c].name: owners[c]() for c in FRAME_COLUMNS}.values())
    return [prepared(*read(ref, probes), source.info) for ref in source.shards(7)]


def content(root: Path, format: str | None = None, digits: int | None = None, *,
            whole: bool = False) -> dict[tuple[str | None, str], Boxes]:
    """Return the boxes with their classes by split and name (or whole path) of the image, in their order."""
    found: dict[tuple[str | None, str], Boxes] = {}
    for shard in shards_of(root, format):
        keys = [(s, p if whole else PurePosixPath(p).name)
                for s, p in zip(shard.images["split"], shard.images["path"], strict=True)]
        for key in keys:
            assert key not in found
            found[key] = []
        a = shard.annotations
        for row, name, *box in zip(a["image_row"], a["category"], a["x_min"], a["y_min"], a["x_max"], a["y_max"], strict=True):
            found[keys[row]].append((name, *(v if digits is None else round(v, digits) for v in box)))
    return found


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}

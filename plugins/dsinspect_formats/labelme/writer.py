"""Write LabelMe JSON: a file beside each image, in the folder of its split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np

from dsinspect.io.containment import inside
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, boxes_xyxy
from dsinspect_formats._outlines import Outlines
from dsinspect_formats._writing import Losses, field_of, slices_of, write_file

KEPT = ("ignored", "segmentation", "attributes", "group", *CORNER_COLUMNS)


def place(path: str, split: str | None) -> str:
    """Return `SPLIT/...`; a path that begins with the split's folder stays."""
    own = inside(path)
    return own if split is None or own.startswith(f"{split}/") else f"{split}/{own.rpartition('/')[2]}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write a JSON file beside each image, those without an object included; see `Format.write`.

    A polygon is written where its box is the annotation's own, to half a pixel: LabelMe has no box beside it.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, KEPT)
    for shard in shards:
        annotations = losses.take(shard)
        shapes = _shapes(annotations, losses)
        columns = [shard.images[c].tolist() for c in ("path", "width", "height")]
        for path, width, height, (start, end) in zip(*columns, slices_of(annotations, len(shard.images)), strict=True):
            document: dict[str, Any] = {
                "version": "5.0.0", "flags": {}, "shapes": shapes[start:end], "imagePath": PurePosixPath(path).name,
                "imageData": None, "imageHeight": _plain(height), "imageWidth": _plain(width)}
            content = msgspec.json.format(msgspec.json.encode(document), indent=2)
            write_file(out / str(PurePosixPath(path).with_suffix(".json")), content + b"\n")
    return losses.result()


def _plain(value: float) -> int | float | None:
    return None if not np.isfinite(value) else int(value) if float(value).is_integer() else float(value)


def _shapes(annotations: Any, losses: Losses) -> list[dict[str, Any]]:
    boxes = boxes_xyxy(annotations).reshape(-1, 4).tolist()
    outlines = Outlines(annotations, losses)
    attributes, groups = ((None if (v := field_of(annotations, f)) is None else v.tolist()) for f in ("attributes", "group"))
    ignored = annotations["is_ignored"].tolist()
    found = []
    for k, name in enumerate(annotations["category"].tolist()):
        kind, points = "rectangle", [boxes[k][:2], boxes[k][2:]]
        corners, polygon = outlines.corners(k), outlines.polygon(k, boxes[k])
        if corners is not None or polygon is not None:
            kind, flat = ("polygon", polygon or []) if corners is None else ("oriented_rectangle", corners)
            points = [list(p) for p in zip(flat[::2], flat[1::2], strict=True)]
        shape: dict[str, Any] = {"label": name, "points": points, "group_id": _group(None if groups is None else groups[k]),
                                 "description": "", "shape_type": kind, "flags": {}}
        if ignored[k]:
            shape["difficult"] = True
        if attributes is not None and attributes[k] is not None:
            shape["attributes"] = msgspec.Raw(attributes[k])
        found.append(shape)
    return found


def _group(value: Any) -> int | str | None:
    return None if value is None else int(value) if str(value).isdigit() and len(str(value)) < 10 else str(value)

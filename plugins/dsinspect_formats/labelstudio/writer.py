"""Write Label Studio JSON: tasks to import, and the labelling configuration they need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import msgspec
import numpy as np

from dsinspect.io.atomic import atomic
from dsinspect.io.containment import inside
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, boxes_xyxy
from dsinspect_formats._outlines import Outlines
from dsinspect_formats._writing import Losses, cannot_write, slices_of, write_file

KEPT = ("segmentation", *CORNER_COLUMNS)


def place(path: str) -> str:
    """Return `images/...`."""
    return f"images/{inside(path).removeprefix('images/')}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `tasks.json` and `config.xml`; see `Format.write`.

    Images are named as local files of a storage whose root is the output folder, the split beside them.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, KEPT)
    labels: dict[str, None] = dict.fromkeys(c.name for c in info.categories)
    path = out / "tasks.json"
    count = 0
    try:
        with atomic(path, durable=False) as partial, partial.open("wb") as file:
            file.write(b"[")
            for shard in shards:
                for task in _tasks(shard, losses, labels, count):
                    file.write((b",\n" if count else b"\n") + msgspec.json.encode(task))
                    count += 1
            file.write(b"\n]\n")
    except OSError as e:
        raise cannot_write(path, e) from None
    write_file(out / "config.xml", _config(labels).encode("utf-8", "replace"))
    return losses.result()


def _config(labels: Mapping[str, None]) -> str:
    values = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in labels)
    return ('<View>\n  <Image name="image" value="$image"/>\n'
            f'  <RectangleLabels name="label" toName="image" canRotate="true">\n{values}  </RectangleLabels>\n'
            f'  <PolygonLabels name="polygon" toName="image">\n{values}  </PolygonLabels>\n</View>\n')


def _tasks(shard: Shard, losses: Losses, labels: dict[str, None], first: int) -> Iterator[dict[str, Any]]:
    annotations = losses.take(shard)
    images = shard.images
    sizes = images[["width", "height"]].to_numpy(np.float64)
    known = (sizes > 0).all(axis=1) & np.isfinite(sizes).all(axis=1)
    outlines = Outlines(annotations, losses)
    boxes = boxes_xyxy(annotations).reshape(-1, 4).tolist()
    names = annotations["category"].tolist()
    labels.update(dict.fromkeys(names))
    for row, (path, split, (start, end)) in enumerate(zip(
            images["path"].tolist(), images["split"].tolist(), slices_of(annotations, len(images)), strict=True)):
        values = {"image": f"/data/local-files/?d={quote(path, errors='replace')}"}
        if split is not None:
            values["split"] = split
        results = []
        if known[row]:
            for k in range(start, end):
                own = hashlib.blake2b(f"{first + row}-{k - start}".encode(), digest_size=5).hexdigest()
                results.append({"id": own, **_result(outlines, k, boxes[k], names[k], sizes[row].tolist())})
        else:
            losses.add("annotations of images whose size nobody knows", end - start)
        number = first + row + 1
        yield {"id": number, "data": values, "annotations": [{"id": number, "result": results}], "predictions": []}


def _result(outlines: Outlines, k: int, box: list[float], name: str, size: list[float]) -> dict[str, Any]:
    w, h = size
    kind, control = "rectanglelabels", "label"
    turned, polygon = outlines.rotated(k), outlines.polygon(k, box)
    corners = outlines.corners(k)
    flat = polygon or (corners if turned is None else None)
    if corners is not None and turned is None:
        outlines.lose_rectangle()
    value: dict[str, Any]
    if turned is not None and corners is not None:
        value = {"x": corners[0] * 100 / w, "y": corners[1] * 100 / h, "width": turned[2] * 100 / w, "height": turned[3] * 100 / h,
                 "rotation": turned[4]}
    elif flat is not None:
        kind, control = "polygonlabels", "polygon"
        value = {"points": [[x * 100 / w, y * 100 / h] for x, y in zip(flat[::2], flat[1::2], strict=True)], "closed": True}
    else:
        value = {"x": box[0] * 100 / w, "y": box[1] * 100 / h, "width": (box[2] - box[0]) * 100 / w,
                 "height": (box[3] - box[1]) * 100 / h, "rotation": 0}
    return {"type": kind, "from_name": control, "to_name": "image", "original_width": int(w) if w.is_integer() else w,
            "original_height": int(h) if h.is_integer() else h, "image_rotation": 0, "value": {**value, kind: [name]}}

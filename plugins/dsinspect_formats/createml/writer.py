"""Write CreateML JSON: `SPLIT/_annotations.createml.json`, or one file when there are no splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.io.containment import inside
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._writing import Losses, slices_of, write_file
from dsinspect_formats.createml.reader import _SIDES


def place(path: str, split: str | None) -> str:
    """Return its place in the folder of its split."""
    own = inside(path)
    return own if split is None or own.startswith(f"{split}/") else f"{split}/{own.rpartition('/')[2]}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `SPLIT/_annotations.createml.json`, or one file when there are no splits."""
    losses = Losses(info, ())
    documents: dict[str | None, list[Any]] = {split: [] for split in info.splits}
    for shard in shards:
        annotations = losses.take(shard)
        boxes = boxes_xyxy(annotations).reshape(-1, 4)
        values = ((boxes[:, :2] / 2 + boxes[:, 2:] / 2).tolist(), (boxes[:, 2:] - boxes[:, :2]).tolist())
        objects = [{"label": name, "coordinates": dict(zip(_SIDES, (*centre, *size), strict=True))}
                   for name, centre, size in zip(annotations["category"].tolist(), *values, strict=True)]
        for path, split, (start, end) in zip(shard.images["path"].tolist(), shard.images["split"].tolist(),
                                             slices_of(annotations, len(shard.images)), strict=True):
            documents.setdefault(split, []).append({
                "image": path.removeprefix(f"{split}/"), "annotations": objects[start:end]})
    for split, images in documents.items() or {None: []}.items():
        folder = out / inside(split, "split") if split else out
        write_file(folder / "_annotations.createml.json", msgspec.json.format(msgspec.json.encode(images), indent=2) + b"\n")
    return losses.result()

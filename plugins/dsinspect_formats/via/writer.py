"""Write VIA's JSON: one file of annotations, which VIA imports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._outlines import Outlines
from dsinspect_formats._writing import Losses, slices_of, write_file
from dsinspect_formats.via.reader import _region


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `via_annotations.json`, which VIA imports; the split is a file attribute.

    Raises:
        UserError: it cannot be written.
    """
    losses = Losses(info, ("segmentation",), stripped=True)
    document: dict[str, Any] = {}
    for shard in shards:
        annotations = losses.take(shard)
        outlines = Outlines(annotations, losses)
        boxes, names = boxes_xyxy(annotations).reshape(-1, 4).tolist(), annotations["category"].tolist()
        for path, split, (start, end) in zip(shard.images["path"].tolist(), shard.images["split"].tolist(),
                                             slices_of(annotations, len(shard.images)), strict=True):
            try:
                size = os.path.getsize(out / path)  # noqa: PTH202
            except OSError:
                size = -1
            document[f"{path}{size}"] = {
                "filename": path, "size": size,
                "regions": [_region(outlines.polygon(k, boxes[k]), boxes[k], names[k]) for k in range(start, end)],
                "file_attributes": {} if split is None else {"split": split}}
    write_file(out / "via_annotations.json", msgspec.json.encode(document) + b"\n")
    return losses.result()

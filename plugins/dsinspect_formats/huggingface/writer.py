"""Write a Hugging Face image folder: `SPLIT/metadata.jsonl`, a line an image, boxes as COCO's, classes by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np

from dsinspect.io.containment import inside, name_of
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._growing import growing
from dsinspect_formats._reading import split_of
from dsinspect_formats._writing import Losses, attributes_of, count_attributes, field_of, number, slices_of


def place(path: str, split: str | None) -> str:
    """Return `SPLIT/...` with the folders the image has, but those that name a split."""
    *folders, name = inside(path).split("/")
    plain = [f for f in folders if split is None or split_of(f"{f}/x") is None]
    return "/".join((*((name_of(split),) if split is not None else ()), *plain, name))


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `SPLIT/metadata.jsonl`; see `Format.write`. Widths and heights lead from the left and top edges to the others.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("crowd", "area", "segmentation", "image_ids", "unnamed", "attributes"), stripped=False)
    with growing(out) as files:
        for split in info.splits or ["" ]:
            files.add(f"{name_of(split)}/metadata.jsonl" if split else "metadata.jsonl", b"")
        for shard in shards:
            annotations = losses.take(shard)
            said = attributes_of(annotations)
            count_attributes(losses, said, ())
            areas, outlines = field_of(annotations, "area"), field_of(annotations, "segmentation")
            boxes = boxes_xyxy(annotations).reshape(-1, 4).tolist()
            names, crowds = annotations["category"].tolist(), annotations["is_crowd"].tolist()
            images = shard.images
            for path, split, own, width, height, (start, end) in zip(
                    *(images[c].tolist() for c in ("path", "split", "image_id", "width", "height")),
                    slices_of(annotations, len(images)), strict=True):
                folder = "" if split is None else f"{name_of(split)}/"
                record: dict[str, Any] = {"file_name": path.removeprefix(folder), "image_id": own}
                record.update({k: _plain(v) for k, v in (("width", width), ("height", height)) if np.isfinite(v)})
                some = range(start, end)
                objects: dict[str, Any] = {"bbox": [_xywh(boxes[k]) for k in some], "category": [names[k] for k in some]}
                if areas is not None and any(areas[k] == areas[k] for k in some):
                    objects["area"] = [_plain(float(areas[k])) if areas[k] == areas[k] else None for k in some]
                if outlines is not None and any(outlines[k] is not None for k in some):
                    objects["segmentation"] = [_outline(outlines[k]) for k in some]
                if any(crowds[k] for k in some):
                    objects["iscrowd"] = [int(crowds[k]) for k in some]
                files.add(f"{folder}metadata.jsonl", msgspec.json.encode({**record, "objects": objects}) + b"\n")
                losses.add("images in splits that readers of folders do not know", split is not None and split_of(path) != split)
                named = PurePosixPath(path).parent.parts
                losses.add("images without a split in a folder that names one", split is None and bool(named) and (
                    split_of(path) is not None))
    return losses.result()


def _xywh(box: list[float]) -> list[float | int]:
    return [_plain(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]


def _plain(value: float) -> float | int:
    """Return a number as JSON shows it best: whole ones without a point."""
    text = number(float(value))
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _outline(value: Any) -> Any:
    """Return an outline as a value: its bytes may hold line ends, which would end the record."""
    try:
        return None if value is None else msgspec.json.decode(bytes(value))
    except msgspec.MsgspecError:
        return None

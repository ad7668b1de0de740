"""Write KITTI: a label file of 15 fields a row per image, 16 where a score is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from dsinspect.io.containment import name_of
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import BOX_COLUMNS
from dsinspect_formats._row_files import count_images, label_in, one_words
from dsinspect_formats._writing import Losses, attributes_of, count_attributes, number, slices_of, write_file
from dsinspect_formats.kitti.reader import IGNORED

FOLDERS = {"train": "training", "test": "testing"}
KEPT = ("truncated", "occluded", "alpha", "dimensions", "location", "rotation_y", "score")
_UNKNOWN = {"truncated": (0.0,), "occluded": (0.0,), "alpha": (-10.0,), "dimensions": (-1.0,) * 3,
            "location": (-1000.0,) * 3, "rotation_y": (-10.0,)}
"""What is written for what is not known: KITTI's own values, but 0 for truncation and occlusion, for which readers refuse -1
and evaluations leave out objects of 3 (unknown)."""


def place(path: str, split: str | None) -> str:
    """Return `training/image_2/NAME` for the split train, `testing/` for test, else the split's own name."""
    folder = "" if split is None else f"{name_of(FOLDERS.get(split, split))}/"
    return f"{folder}image_2/{PurePosixPath(path).name or 'image'}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write the label files; see `Format.write`. Numbers are in the shortest digits that read back as the same float64.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("ignored", "attributes"), stripped=False)
    for shard in shards:
        annotations = losses.take(shard)
        names = one_words(annotations["category"].tolist(), "_", losses)
        is_region = np.array([n == IGNORED for n in names], bool)
        ignored = annotations["is_ignored"].to_numpy()
        losses.add("ignored or difficult flags (the boxes stay)", ignored & ~is_region)
        losses.add(f"boxes of the class {IGNORED}, which is an ignored region", is_region & ~ignored)
        said = attributes_of(annotations)
        count_attributes(losses, said, KEPT)
        boxes = zip(*(annotations[c].tolist() for c in BOX_COLUMNS), strict=True)
        rows = [_row(name, box, one) for name, box, one in zip(names, boxes, said, strict=True)]
        images = shard.images
        for path, (start, end) in zip(images["path"].tolist(), slices_of(annotations, len(images)), strict=True):
            write_file(out / label_in("label_2", path), "".join(rows[start:end]).encode(errors="replace"))
        count_images(losses, images, FOLDERS, has_files=info.has_files)
    return losses.result()


def _row(name: str, box: tuple[float, ...], said: Mapping[str, Any]) -> str:
    values = {key: _numbers(said.get(key), unknown) for key, unknown in _UNKNOWN.items()}
    tail = [*values["dimensions"], *values["location"], *values["rotation_y"], *_numbers(said.get("score"), ())]
    head = [*values["truncated"], *values["occluded"], *values["alpha"]]
    return f"{name} {' '.join(number(v) for v in (*head, *box, *tail))}\n"


def _numbers(value: Any, unknown: tuple[float, ...]) -> list[float]:
    """Return one or three numbers of an attribute, or what stands for unknown."""
    values = value if isinstance(value, list) else [value]
    if all(isinstance(v, (int, float)) for v in values) and (len(values) == len(unknown) or (not unknown and len(values) == 1)):
        return [float(v) for v in values]
    return list(unknown)

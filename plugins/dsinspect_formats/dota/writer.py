"""Write DOTA: four corners, class and difficulty a row, a text file per image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from dsinspect.io.containment import name_of
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, boxes_xyxy
from dsinspect_formats._row_files import count_images, label_in, one_words
from dsinspect_formats._writing import Losses, attributes_of, count_attributes, field_of, number, slices_of, write_file


def place(path: str, split: str | None) -> str:
    """Return `SPLIT/images/NAME`."""
    folder = "" if split is None else f"{name_of(split)}/"
    return f"{folder}images/{PurePosixPath(path).name or 'image'}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write the label files; see `Format.write`. Numbers are in the shortest digits that read back as the same float64.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("ignored", "attributes", "header", *CORNER_COLUMNS))
    for shard in shards:
        annotations = losses.take(shard)
        names = one_words(annotations["category"].tolist(), "-", losses)
        boxes = boxes_xyxy(annotations).reshape(-1, 4)
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]]
        if CORNER_COLUMNS[0] in annotations:
            own = np.stack([annotations[c].to_numpy(np.float64) for c in CORNER_COLUMNS], axis=1)
            corners = np.where(np.isfinite(own).all(axis=1)[:, None], own, corners)
        envelopes = np.concatenate([np.minimum.reduce([corners[:, k:k + 2] for k in (0, 2, 4, 6)]),
                                    np.maximum.reduce([corners[:, k:k + 2] for k in (0, 2, 4, 6)])], axis=1)
        losses.add("boxes that are not the envelope of their corners (by more than 0.5 px)",
                   int((np.abs(envelopes - boxes) > 0.5).any(axis=1).sum()))
        said = attributes_of(annotations)
        count_attributes(losses, said, ("difficulty",))
        rows = []
        for name, row, ignored, one in zip(names, corners.tolist(), annotations["is_ignored"].tolist(), said, strict=True):
            own_difficulty = one.get("difficulty")
            difficulty = float(own_difficulty) if isinstance(own_difficulty, (int, float)) else 0.0
            difficulty = difficulty if (difficulty >= 1) == ignored else float(ignored)
            rows.append(f"{' '.join(map(number, row))} {name} {number(difficulty)}\n")
        images = shard.images
        headers = [f"{h}\n" if isinstance(h, str) else "" for h in field_of(images, "header", [None] * len(images))]
        for path, header, (start, end) in zip(images["path"].tolist(), headers, slices_of(annotations, len(images)), strict=True):
            write_file(out / label_in("labelTxt", path), (header + "".join(rows[start:end])).encode(errors="replace"))
        count_images(losses, images, {}, has_files=info.has_files)
    return losses.result()

"""Write a table: one CSV file, a row a box, and a row with an empty box for an image without any."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from dsinspect.io.atomic import atomic
from dsinspect.io.containment import SECOND_RECORDS
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import BOX_COLUMNS, boxes_xyxy
from dsinspect_formats._writing import Losses, cannot_write, number, slices_of

HEADER = ("image", "split", "class", *BOX_COLUMNS, "width", "height")


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `annotations.csv` with the columns of `HEADER`, px; see `Format.write`.

    Numbers are in the shortest digits that read back as the same float64.

    Raises:
        UserError: the file cannot be written.
    """
    path = out / "annotations.csv"
    losses = Losses(info, ("unnamed",))
    try:
        out.mkdir(parents=True, exist_ok=True)
        with atomic(path, durable=False) as partial, partial.open("wb") as file:
            writer = _Writer(file, losses)
            for shard in shards:
                writer.add(shard, losses.take(shard))
    except OSError as e:
        raise cannot_write(path, e) from None
    if 0 < writer.largest_edge <= 1.5:
        losses.add("boxes that are read as fractions, for no edge is beyond 1.5 px", writer.boxes)
    return losses.result()


class _Writer:
    """Writes the rows of shards."""

    def __init__(self, file: IO[bytes], losses: Losses) -> None:
        self._file = file
        self._losses = losses
        self._seen: set[bytes] = set()
        self.boxes = 0
        self.largest_edge = 0.0
        self._put([HEADER])

    def add(self, shard: Shard, annotations: pd.DataFrame) -> None:
        """Write the rows of a shard."""
        images = shard.images
        self._tell(images, annotations)
        boxes = boxes_xyxy(annotations).reshape(-1, 4)
        self.boxes += len(boxes)
        self.largest_edge = max(self.largest_edge, float(np.abs(boxes).max(initial=0)))
        names = annotations["category"].tolist()
        edges = [[number(v) for v in row] for row in boxes.tolist()]
        heads = [[images[c].iat[row] for c in ("path", "split")] for row in range(len(images))]
        tails = [[number(v) if np.isfinite(v) else "" for v in row] for row in images[["width", "height"]].to_numpy().tolist()]
        rows: list[list[object]] = []
        for row, (start, end) in enumerate(slices_of(annotations, len(images))):
            for k in range(start, end):
                rows.append([*heads[row], names[k], *edges[k], *tails[row]])  # noqa: PERF401
            if start == end:
                rows.append([*heads[row], None, "", "", "", "", *tails[row]])
        self._put(rows)

    def _put(self, rows: object) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(rows)  # type: ignore[arg-type]
        self._file.write(text.getvalue().replace("\0", "\ufffd").encode(errors="surrogateescape"))

    def _tell(self, images: pd.DataFrame, annotations: pd.DataFrame) -> None:
        """Count what a reader of the table cannot distinguish."""
        repeated = 0
        for path, split in zip(images["path"].tolist(), images["split"].tolist(), strict=True):
            key = hashlib.blake2b(f"{split}\0{path}".encode(errors="surrogateescape"), digest_size=8).digest()
            repeated += key in self._seen
            self._seen.add(key)
        self._losses.add(SECOND_RECORDS, repeated)
        names = annotations["category"].tolist()
        self._losses.add("classes of boxes whose category is in no list: their cell is empty", sum(n is None for n in names))
        self._losses.add("spaces around class names, and empty names", sum(n is not None and (n != n.strip() or not n)
                                                                         for n in names))
        self._losses.add("NUL in class names (now U+FFFD)", sum(n is not None and "\0" in n for n in names))

"""What holds for every format: the contract, edits that change nothing, and files that are broken at random."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.protocols.options import BaseOptions
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import ANNOTATION_COLUMNS, IMAGE_COLUMNS

FORMATS = load_plugins().formats
BOX = ("x_min", "y_min", "x_max", "y_max")


class Read:
    """A set as its reader sees it, with all columns it has."""

    def __init__(self, name: str, root: Path, *, images: Path | None = None, options: BaseOptions | None = None) -> None:
        bare = FORMATS[name]().open(OpenRequest(root, images, options))
        source = FORMATS[name]().open(OpenRequest(root, images, options, bare.info.columns))
        shards = [ref.load() for ref in source.shards(3)]
        self.info: DatasetInfo = source.info
        self.images, self.annotations, self.problems = (
            pd.concat([getattr(s, n) for s in shards], ignore_index=True) for n in ("images", "annotations", "problems"))
        self.paths = [s.images["path"].iat[r] if r >= 0 else None for s in shards for r in s.annotations["image_row"]]

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """The annotations by image: its path, then some columns; class and box when none are named."""
        frame = self.annotations[list(columns or ("category", *BOX))]
        return [(path, *(None if v != v else v for v in row))
                for path, row in zip(self.paths, frame.itertuples(index=False), strict=True)]

    def column(self, name: str) -> list[Any]:
        return [None if v != v else v for v in self.annotations[name].tolist()]

    def told(self) -> list[tuple[int, str]]:
        """Line and reason of the problems of records."""
        return list(zip(self.problems["line"].tolist(), self.problems["reason"].tolist(), strict=True))


def by_image(read: Read, digits: int) -> dict[str, list[tuple[Any, ...]]]:
    """Return class and box of the objects by file name of the image, rounded and in order of their values."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for path in read.images["path"]:
        found[path.rpartition("/")[2].rpartition(".")[0]] = []
    for path, name, *box in read.rows():
        found[path.rpartition("/")[2].rpartition(".")[0]].append((name, *(round(v, digits) + 0.0 for v in box)))
    return {k: sorted(v, key=repr) for k, v in found.items()}


def assert_edits_that_change_nothing(name: str, root: Path, options: BaseOptions | None = None) -> None:
    """Set every value of a set to what it is: not one byte changes."""
    read = Read(name, root, options=options)
    changes: list[dict[str, Any]] = []
    w, h = (640.0, 480.0) if read.info.box_units == "fraction" else (1.0, 1.0)
    for row in read.annotations.to_dict("records"):
        if row["index"] < 0:
            continue
        at = {"source": row["source"], "index": row["index"], "frame_width": 640.0, "frame_height": 480.0}
        box = dict(zip(BOX, (row["x_min"] * w, row["y_min"] * h, row["x_max"] * w, row["y_max"] * h), strict=True))
        if all(map(np.isfinite, box.values())):
            changes.append({"action": "set-box", **at, **box})
        if row["category"] is not None:
            changes.append({"action": "set-category", **at, "text": row["category"]})
    assert changes
    found = list(FORMATS[name]().patch(OpenRequest(root, options=options), Edits.of(changes)))
    assert [(p.path, p.after) for p in found] == []


def broken(content: bytes, rng: random.Random) -> bytes:
    """Return a file with a few bytes changed, lost, repeated or put in, or cut off."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(out):
            out[at] = rng.randrange(256)
        elif kind == 1:
            del out[at:at + rng.choice((1, 1, 5, 50, 500))]
        elif kind == 2:
            out[at:at] = rng.choice((b'"', b"{", b"}", b"[", b"]", b",", b"<", b">", b"&", b"\0", b"\xff", b"1e999", b"-", b"null",
                                     b"NaN", b"99999999999999999999", b"\xe4", b"..", b"\n", b"[" * 3000, b"0.5.5"))
        elif kind == 3:
            stop = min(len(out), at + rng.choice((1, 10, 100)))
            out[at:at] = out[at:stop]
        elif kind == 4:
            other = rng.randrange(len(out) + 1)
            low, high = min(at, other), max(at, other)
            out[low:low] = out[high:high + 40]
        else:
            del out[at:None if rng.random() < 0.2 else at + 1]
    return bytes(out)


def assert_survives_broken_files(name: str, root: Path, files: Sequence[str], to: Path, times: int, seed: int = 7,
                                 options: BaseOptions | None = None) -> tuple[int, int]:
    """Break files of a copy of a set at random: it opens to tables of the model, or is refused in one line.

    Returns:
        how often it opened, and how often it was refused.
    """
    rng = random.Random(seed)
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root, to)
    opened = refused = 0
    kind = FORMATS[name]
    for _ in range(times):
        file = rng.choice(list(files))
        whole = (root / file).read_bytes()
        (to / file).write_bytes(broken(whole, rng))
        try:
            kind().detect(to)
            bare = kind().open(OpenRequest(to, options=options))
            source = kind().open(OpenRequest(to, options=options, columns=bare.info.columns))
            for ref in source.shards(4):
                shard = ref.load()
                rows = shard.annotation_columns["image_row"]
                assert ((rows >= -1) & (rows < len(shard.image_columns))).all()
                for table, schema in ((shard.image_columns, IMAGE_COLUMNS), (shard.annotation_columns, ANNOTATION_COLUMNS)):
                    for column, (dtype, _) in schema.items():
                        assert table[column].dtype == dtype
            opened += 1
        except UserError as e:
            assert "\n" not in str(e)
            refused += 1
        (to / file).write_bytes(whole)
    return opened, refused

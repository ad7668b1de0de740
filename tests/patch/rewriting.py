"""Apply edits to copies of sets and read what became of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest
from dsinspect.protocols.options import BaseOptions
from dsinspect.tables.dataset import DatasetInfo

FORMATS = load_plugins().formats
FRAME = {"frame_width": 640.0, "frame_height": 480.0}
BOX = ("x_min", "y_min", "x_max", "y_max")


class Read:
    """A set as its reader sees it."""

    def __init__(self, name: str, root: Path, options: BaseOptions | None = None, columns: tuple[str, ...] = ()) -> None:
        source = FORMATS[name]().open(OpenRequest(root, options=options, columns=frozenset(columns)))
        shards = [ref.load() for ref in source.shards(10_000)]
        self.info: DatasetInfo = source.info
        self.images, self.annotations, self.problems = (
            pd.concat([getattr(s, n) for s in shards], ignore_index=True) for n in ("images", "annotations", "problems"))

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        frame = self.annotations[list(columns or ("source", "category", *BOX))]
        return [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]

    def boxes(self) -> list[tuple[float, ...]]:
        return [tuple(row) for row in self.annotations[list(BOX)].to_numpy().tolist()]

    def names(self) -> list[str | None]:
        return list(self.annotations["category"].tolist())

    def paths(self) -> list[str]:
        return list(self.images["path"].tolist())

    def same_again(self) -> list[dict[str, Any]]:
        """Return edits that set every value to what it is."""
        changes: list[dict[str, Any]] = []
        w, h = (FRAME["frame_width"], FRAME["frame_height"]) if self.info.box_units == "fraction" else (1.0, 1.0)
        for row in self.annotations.to_dict("records"):
            at = {"source": row["source"], "index": row["index"]}
            box = {"x_min": row["x_min"] * w, "y_min": row["y_min"] * h, "x_max": row["x_max"] * w, "y_max": row["y_max"] * h}
            if all(map(np.isfinite, box.values())):
                changes.append({"action": "set-box", **at, **box, **FRAME})
            if row["category"] is not None:
                changes.append({"action": "set-category", **at, "text": row["category"]})
        changes += [{"action": "set-image-size", "image": row["path"], "text": f"{row['width']:g}x{row['height']:g}"}
                    for row in self.images.to_dict("records")
                    if row["width"] > 0 and row["height"] > 0 and row["source"] is not None]
        return changes


def patches(name: str, root: Path, *changes: Mapping[str, Any], options: BaseOptions | None = None) -> dict[str, bytes | None]:
    """Return what the patches make of files, having seen that nothing on disk changed."""
    edits = Edits.of([{**FRAME, **c} for c in changes])
    found: dict[str, bytes | None] = {}
    before = digests(root)
    fmt: Format = FORMATS[name]()
    for patch in fmt.patch(OpenRequest(root, options=options), edits):
        folder = root if root.is_dir() else root.parent
        assert ((folder / patch.path).read_bytes() if (folder / patch.path).exists() else b"") == patch.before
        assert patch.before != patch.after
        assert patch.path not in found
        found[patch.path] = patch.after
    assert digests(root) == before
    return found


def digests(root: Path) -> dict[str, str]:
    files = [p for p in root.rglob("*") if p.is_file()] if root.is_dir() else [root]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.suffix not in (".jpg", ".png")}


def rewritten(name: str, root: Path, to: Path, *changes: Mapping[str, Any], options: BaseOptions | None = None) -> Path:
    """Copy a set with the edits applied; return the path that takes the place of the root."""
    found = patches(name, root, *changes, options=options)
    folder = root if root.is_dir() else root.parent
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    for path, after in found.items():
        if after is None:
            (to / path).unlink()
        else:
            write(to, path, after)
    return to if root.is_dir() else to / root.name


def write(root: Path, name: str, content: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines_lost(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the lines that went and the lines that came."""
    import difflib

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    gone: list[bytes] = []
    came: list[bytes] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += old[a:b]
            came += new[c:d]
    return gone, came

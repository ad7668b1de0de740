"""Small sets in one line each, and what their readers make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from dsinspect.loader import load_plugins
from dsinspect.protocols.formats import OpenRequest
from dsinspect.protocols.options import make
from dsinspect.tables.schema import OPTIONAL_ANNOTATION_COLUMNS

FORMATS = load_plugins().formats
BOX = ["x_min", "y_min", "x_max", "y_max"]
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


def put(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder; names that end with a suffix of an image get a few bytes where they are empty."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(JPEG if not raw and name.endswith((".jpg", ".png")) else raw)
    return root


class Read:
    """A set as its reader sees it, with every optional column."""

    def __init__(self, name: str, root: Path, images: Path | None = None, **options: Any) -> None:
        kind = FORMATS[name]
        source = kind().open(OpenRequest(root, images, make(kind.options_type, options, name),
                                         frozenset(OPTIONAL_ANNOTATION_COLUMNS)))
        shards = [ref.load() for ref in source.shards(1000)]
        self.info = source.info
        self.images, self.annotations, self.problems = (
            pd.concat([getattr(s, n) for s in shards], ignore_index=True) for n in ("images", "annotations", "problems"))

    def boxes(self, digits: int = 9) -> list[tuple[Any, ...]]:
        """Return image, class and box of each annotation."""
        paths = self.images["path"].tolist()
        return [(paths[row], name, *(round(v, digits) for v in box)) for row, name, box in zip(
            self.annotations["image_row"], self.annotations["category"], self.annotations[BOX].to_numpy().tolist(), strict=True)]

    def ignored(self) -> list[bool]:
        return [bool(v) for v in self.annotations["is_ignored"]]

    def faults(self, kind: str = "malformed-record") -> list[tuple[str, int, int, str]]:
        """Return source, line, index and reason of the problems of a kind."""
        p = self.problems[self.problems["kind"] == kind]
        return list(zip(p["source"], p["line"], p["index"], p["reason"], strict=True))


def detected(root: Path) -> str | None:
    """Return the format that is surest of a folder."""
    found = [(d.confidence, name) for name, kind in FORMATS.items() if (d := kind().detect(root)) is not None]
    best = sorted(found, reverse=True)
    assert len(best) < 2 or best[0][0] > best[1][0], best
    return best[0][1] if best else None

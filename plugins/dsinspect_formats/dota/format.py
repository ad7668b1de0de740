"""DOTA: a text file per image, four corners in px, class and difficulty a row, perhaps below two lines of header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS as CORNERS
from dsinspect_formats._images import ImageTree, stem_of
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._reading import (
    Entry,
    FilesSource,
    Rows,
    are_numbers,
    as_json,
    first_lines,
    label_files,
    matched,
    numbers,
)
from dsinspect_formats._sniffing import weigh

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits

COLUMNS = frozenset((*CORNERS, "attributes"))
HEADERS = ("imagesource:", "gsd:")


class Dota(Format):
    """DOTA, and Roboflow's `labelTxt`."""

    name = "dota"
    writable = True
    patchable = True
    no_place = NO_PLACE
    load_us = 60
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look at the first text files for rows of eight numbers and a class."""
        if not root.is_dir():
            return None
        found = label_files(root, ".txt", looks_like_rows, first_only=True)
        if not found:
            return None
        return Detection(0.97, f"{found[0]} has rows of eight coordinates and a class", weigh(root, found[0], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """List label files and images; no label is read yet."""
        root = request.root
        labels = label_files(root, ".txt", has_rows, ("labelTxt",))
        entries, problems = matched(labels, ImageTree.below(request.images or root), root, image_of)
        info = DatasetInfo(
            format=self.name, root=root, problems=tuple(problems), columns=COLUMNS,
            notes=("corners are read as px from 0; boxes are their envelopes", "difficulty 1 and above is ignored"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `SPLIT/images/`."""
        from dsinspect_formats.dota._writing import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.dota._writing import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.dota._patching import patch

        return patch(request, edits)


def is_header(line: str) -> bool:
    """Say whether a line is one of the header's."""
    return line.strip().lower().startswith(HEADERS)


def has_rows(head: bytes) -> bool:
    """Say whether a file begins, below a header, with a row that can be read, whatever its class is called."""
    rows = [line.split() for line in first_lines(head) if not is_header(line)]
    return bool(rows) and len(rows[0]) in (9, 10) and are_numbers(rows[0][:8])


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins, below a header, with a row of eight numbers and a class."""
    rows = [line.split() for line in first_lines(head) if not is_header(line)]
    if not rows:
        return False
    tokens = rows[0]
    return len(tokens) in (9, 10) and are_numbers(tokens[:8]) and not are_numbers(tokens[8:9]) and (
        len(tokens) == 9 or are_numbers(tokens[9:]))


def image_of(label: str) -> str:
    """Return where the image of a label file would be: `labelTxt` to `images`."""
    folders = ["images" if f.lower().startswith("labeltxt") else f for f in label.split("/")[:-1]]
    return "/".join((*folders, f"{stem_of(label)}.png"))


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> None:
    """Read a label file."""
    index = 0
    for line_number, line in enumerate(rows.decoded(content).split("\n"), 1):
        tokens = line.split()
        if not tokens or is_header(line):
            continue
        try:
            if len(tokens) not in (9, 10):
                raise ValueError(f"has {len(tokens)} fields, a row has 9 or 10 (four corners, class, difficulty)")
            values = numbers(tokens[:8])
            difficulty = numbers(tokens[9:])
        except ValueError as e:
            rows.fault(str(e), line.strip(), line_number, index)
        else:
            xs, ys = values[0::2], values[1::2]
            has_nan = any(v != v for v in values)
            box = (float("nan"),) * 4 if has_nan else (min(xs), min(ys), max(xs), max(ys))
            extra: dict[str, object] | None = None
            if rows.fields:
                said = {"difficulty": difficulty[0]} if difficulty else {}
                extra = {"attributes": as_json(said)}
                if not is_upright(values):
                    extra.update(zip(CORNERS, values, strict=True))
            rows.add(image, tokens[8], box, index, line_number, ignored=bool(difficulty) and difficulty[0] >= 1, extra=extra)
        index += 1


def is_upright(corners: list[float]) -> bool:
    """Say whether four corners, x and y in turn, are those of their envelope, one after the other."""
    xs, ys = corners[0::2], corners[1::2]
    neighbours = ((0, 1), (1, 2), (2, 3), (3, 0))
    same = [(xs[a] == xs[b], ys[a] == ys[b]) for a, b in neighbours]
    return len(set(xs)) == len(set(ys)) == 2 and all(x != y for x, y in same)

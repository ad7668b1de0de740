"""KITTI: a text file per image, 15 fields a row (16 with a score), boxes in px from 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
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

FIELDS = ("type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom", "height", "width", "length",
          "x", "y", "z", "rotation_y", "score")
IGNORED = "DontCare"
COLUMNS = frozenset(("attributes",))


class Kitti(Format):
    """KITTI object detection, and what other tools write in its rows."""

    name = "kitti"
    writable = True
    patchable = True
    no_place = NO_PLACE
    load_us = 60
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look at the first text files for rows of a type and 14 or 15 numbers."""
        if not root.is_dir():
            return None
        found = label_files(root, ".txt", looks_like_rows, first_only=True)
        return Detection(0.95, f"{found[0]} has rows of a type and 14 numbers", weigh(root, found[0], b"\n")) if found else None

    def open(self, request: OpenRequest) -> Source:
        """List label files and images; no label is read yet."""
        root = request.root
        labels = label_files(root, ".txt", has_rows, ("label_2", "label", "labels"))
        tree = ImageTree.below(request.images or root)
        entries, problems = matched(labels, tree, root, image_of)
        info = DatasetInfo(format=self.name, root=root, problems=tuple(problems), columns=COLUMNS,
                           notes=("boxes are read as px from 0", f"rows of {IGNORED} are ignored regions"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `SPLIT/image_2/`; `training` stands for train, as in KITTI."""
        from dsinspect_formats.kitti._writing import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.kitti._writing import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.kitti._patching import patch

        return patch(request, edits)


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins with a row of a type and 14 or 15 numbers."""
    lines = first_lines(head)
    if not lines:
        return False
    try:
        name, values = parsed(lines[0].split())
    except ValueError:
        return False
    return not are_numbers([name]) and len(name.split()) <= 5 and all(v == v for v in values)


def has_rows(head: bytes) -> bool:
    """Say whether a file begins with a row that can be read, whatever its type is called."""
    try:
        return bool(parsed((first_lines(head) or [""])[0].split()))
    except ValueError:
        return False


def parsed(tokens: list[str]) -> tuple[str, list[float]]:
    """Return the type of a row, which may be several words, and the 14 numbers after it, or 15 with a score.

    Raises:
        ValueError: it has fewer fields, or one that is no number, in words.
    """
    if len(tokens) < 15:
        raise ValueError(f"has {len(tokens)} fields, a row has 15, or 16 with a score")
    count = 15 if len(tokens) > 15 and are_numbers(tokens[-15:-14]) else 14
    return " ".join(tokens[:-count]), numbers(tokens[-count:])


def image_of(label: str) -> str:
    """Return where the image of a label file would be: `label_2` to `image_2`."""
    folder = label.rpartition("/")[0]
    head, slash, last = folder.rpartition("/")
    last = {"label_2": "image_2", "label_3": "image_3", "labels": "images", "label": "image"}.get(last, last)
    return f"{head}{slash}{last}/{stem_of(label)}.png".removeprefix("/")


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> None:
    """Read a label file."""
    index = 0
    wants = "attributes" in rows.fields
    for line_number, line in enumerate(rows.decoded(content).split("\n"), 1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            name, values = parsed(tokens)
        except ValueError as e:
            rows.fault(str(e), line.strip(), line_number, index)
        else:
            extra = {"attributes": attributes_of(values)} if wants else None
            rows.add(image, name, (values[3], values[4], values[5], values[6]), index, line_number,
                     ignored=name == IGNORED, extra=extra)
        index += 1


def attributes_of(values: list[float]) -> bytes | None:
    """Return what a row says beyond its box, as JSON."""
    said: dict[str, object] = {"truncated": values[0], "occluded": values[1], "alpha": values[2],
                               "dimensions": values[7:10], "location": values[10:13], "rotation_y": values[13]}
    if len(values) == 15:
        said["score"] = values[14]
    return as_json(said)

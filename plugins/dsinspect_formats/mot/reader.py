"""Read MOT Challenge: what stands in the files becomes tables."""

from __future__ import annotations

import configparser
from dataclasses import dataclass, field
from pathlib import Path

from dsinspect.io.reading import read_regular
from dsinspect_formats._cut_rows import cut_short
from dsinspect_formats._images import ImageTree, stem_of
from dsinspect_formats._named_images import Images
from dsinspect_formats._numbers import are_numbers, numbers
from dsinspect_formats._reading import as_json, split_of
from dsinspect_formats._rows import Rows
from dsinspect_formats._text import decode

CLASSES = ("pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle", "static person",
           "distractor", "occluder", "occluder on the ground", "occluder full", "reflection", "crowd")
"""Of MOT16 to MOT20, numbered from 1."""


COLUMNS = frozenset(("track", "attributes"))


MAX_FRAMES = 10_000_000


@dataclass
class Sequence:
    """A sequence: its folder, the images of its frames, its classes and declared size."""

    folder: str
    image_folder: str = "img1"
    suffix: str = ".jpg"
    size: tuple[float, float] = (float("nan"), float("nan"))
    frames: dict[int, str] = field(default_factory=dict)
    classes: dict[int, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The file of its rows."""
        return f"{self.folder}gt/gt.txt"

    def image(self, frame: int) -> str:
        """Return the path of a frame's image."""
        return self.frames.get(frame) or f"{self.folder}{self.image_folder}/{frame:06}{self.suffix}"


def read_sequence(root: Path, folder: str, tree: ImageTree) -> Sequence:
    """Read what stands beside the rows: `seqinfo.ini`, `gt/labels.txt`, the names of the images."""
    sequence = Sequence(folder)
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        settings.read_string(decode(read_regular(root / f"{folder}seqinfo.ini", "yaml_mb"))[0])
        said = {k.lower(): v.strip() for k, v in settings["Sequence"].items()} if "Sequence" in settings else {}
    except (OSError, configparser.Error):
        said = {}  # it is not needed
    sequence.image_folder = said.get("imdir", "img1").strip("/") or "img1"
    sequence.suffix = said.get("imext", ".jpg")
    sides = [said.get("imwidth", ""), said.get("imheight", "")]
    if are_numbers(sides):
        sequence.size = (float(sides[0]), float(sides[1]))
    for path in tree.paths:
        if path.startswith(f"{folder}{sequence.image_folder}/") and (stem := stem_of(path)).isascii() and stem.isdigit():
            sequence.frames.setdefault(int(stem), path)
    try:
        names = decode(read_regular(root / f"{folder}gt/labels.txt", "yaml_mb"))[0].splitlines()
        sequence.classes = {k: n.strip() for k, n in enumerate(names, 1) if n.strip()}
    except OSError:
        sequence.classes = dict(enumerate(CLASSES, 1))
    return sequence


def _read(root: Path, sequence: Sequence, images: Images, rows: Rows, base: int) -> None:
    split = split_of(sequence.source)
    source = sequence.source
    for path in sequence.frames.values():
        images.row(path, split, source, size=sequence.size)
    rows.file(source, split=split)
    text = rows.text_of(root / source)
    if text is None:
        return
    index = 0
    wants = bool(rows.fields)
    lines = text.split("\n")
    cut = cut_short(lines, lambda line: line.split(","))
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        tokens = [t.strip() for t in line.split(",")]
        try:
            if cut and line_number == len(lines):
                raise ValueError(cut)
            if not 6 <= len(tokens) <= 10:
                raise ValueError(f"has {len(tokens)} values, a row has 6 to 10 (frame,id,left,top,width,height,...)")
            values = numbers(tokens)
            frame = values[0]
            if not (frame.is_integer() and 0 <= frame <= MAX_FRAMES):
                raise ValueError(f"frame {tokens[0][:40]!r} is not a whole number from 0")
        except ValueError as e:
            rows.fault(str(e), line.strip(), line_number, index)
        else:
            image = images.row(sequence.image(int(frame)), split, source, size=sequence.size)
            number = int(values[7]) if len(values) > 7 and values[7].is_integer() and abs(values[7]) < 2**53 else -1
            name = sequence.classes.get(number) if number >= 0 else CLASSES[0]
            x, y, w, h = values[2] - base, values[3] - base, values[4], values[5]
            extra = None
            if wants:
                track = tokens[1] if values[1] >= 0 else None
                extra = {"track": track, "attributes": as_json({"visibility": values[8]} if len(values) > 8 else {})}
            rows.add(image, name, (x, y, x + w, y + h), index, line_number, category_id=max(number, -1),
                     ignored=len(values) > 6 and values[6] == 0, extra=extra)
        index += 1

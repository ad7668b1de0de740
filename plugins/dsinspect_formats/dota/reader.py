"""Read DOTA: what stands in the files becomes tables."""

from __future__ import annotations

from dsinspect.tables.schema import CORNER_COLUMNS as CORNERS
from dsinspect_formats._cut_rows import cut_short
from dsinspect_formats._images import stem_of
from dsinspect_formats._label_files import Entry
from dsinspect_formats._numbers import is_plain, numbers
from dsinspect_formats._reading import as_json
from dsinspect_formats._rows import Rows
from dsinspect_formats.dota._rows import is_header

IMAGE_COLUMNS = frozenset(("dota:header",))
"""Columns of images: the header lines of a label file."""


COLUMNS = frozenset((*CORNERS, "attributes"))


def image_of(label: str) -> str:
    """Return where the image of a label file would be: `labelTxt` to `images`."""
    folders = ["images" if f.lower().startswith("labeltxt") else f for f in label.split("/")[:-1]]
    return "/".join((*folders, f"{stem_of(label)}.png"))


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> None:
    """Read a label file."""
    index = 0
    headers: list[str] = []
    text = rows.decoded(content)
    plain = is_plain(text)
    lines = text.split("\n")
    cut = cut_short(lines, str.split)
    for line_number, line in enumerate(lines, 1):
        tokens = line.split()
        if not tokens:
            continue
        if is_header(line):
            headers.append(line.strip())
            continue
        try:
            if cut and line_number == len(lines):
                raise ValueError(cut)
            if len(tokens) not in (9, 10):
                raise ValueError(f"has {len(tokens)} fields, a row has 9 or 10 (four corners, class, difficulty)")
            values = numbers(tokens[:8], plain=plain)
            difficulty = numbers(tokens[9:], plain=plain)
        except ValueError as e:
            rows.fault(str(e), line.strip(), line_number, index)
        else:
            xs, ys = values[0::2], values[1::2]
            has_nan = sum(values) != sum(values) and any(v != v for v in values)
            box = (float("nan"),) * 4 if has_nan else (min(xs), min(ys), max(xs), max(ys))
            extra: dict[str, object] | None = None
            if rows.fields:
                said = {"difficulty": difficulty[0]} if difficulty else {}
                extra = {"attributes": as_json(said)}
                if not is_upright(values):
                    extra.update(zip(CORNERS, values, strict=True))
            rows.add(image, tokens[8], box, index, line_number, ignored=bool(difficulty) and difficulty[0] >= 1, extra=extra)
        index += 1
    if headers:
        rows.of_images.setdefault("dota:header", {})[image] = "\n".join(headers)


def is_upright(corners: list[float]) -> bool:
    """Say whether four corners, x and y in turn, are those of their envelope, one after the other."""
    xs, ys = corners[0::2], corners[1::2]
    neighbours = ((0, 1), (1, 2), (2, 3), (3, 0))
    same = [(xs[a] == xs[b], ys[a] == ys[b]) for a, b in neighbours]
    return len(set(xs)) == len(set(ys)) == 2 and all(x != y for x, y in same)

"""Read DOTA: what stands in the files becomes tables."""

from __future__ import annotations

from dsinspect.tables.schema import CORNER_COLUMNS as CORNERS
from dsinspect_formats._images import stem_of
from dsinspect_formats._reading import (
    Entry,
    Rows,
    are_numbers,
    as_json,
    first_lines,
    is_plain,
    numbers,
)

IMAGE_COLUMNS = frozenset(("dota:header",))
"""Columns of images: the header lines of a label file."""


COLUMNS = frozenset((*CORNERS, "attributes"))


HEADERS = ("imagesource:", "gsd:")


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
    headers: list[str] = []
    text = rows.decoded(content)
    plain = is_plain(text)
    for line_number, line in enumerate(text.split("\n"), 1):
        tokens = line.split()
        if not tokens:
            continue
        if is_header(line):
            headers.append(line.strip())
            continue
        try:
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

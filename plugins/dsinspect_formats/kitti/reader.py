"""Read KITTI: what stands in the files becomes tables."""

from __future__ import annotations

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

FIELDS = ("type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom", "height", "width", "length",
          "x", "y", "z", "rotation_y", "score")


IGNORED = "DontCare"


COLUMNS = frozenset(("attributes",))


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


def parsed(tokens: list[str], *, plain: bool = False) -> tuple[str, list[float]]:
    """Return the type of a row, which may be several words, and the 14 numbers after it, or 15 with a score.

    Raises:
        ValueError: it has fewer fields, or one that is no number, in words.
    """
    if len(tokens) < 15:
        raise ValueError(f"has {len(tokens)} fields, a row has 15, or 16 with a score")
    count = 15 if len(tokens) > 15 and are_numbers(tokens[-15:-14]) else 14
    return " ".join(tokens[:-count]), numbers(tokens[-count:], plain=plain)


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
    text = rows.decoded(content)
    plain = is_plain(text)
    for line_number, line in enumerate(text.split("\n"), 1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            name, values = parsed(tokens, plain=plain)
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

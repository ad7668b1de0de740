"""Read VisDrone detection: what stands in the files becomes tables."""

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

CLASSES = ("ignored regions", "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus",
           "motor", "others")


COLUMNS = frozenset(("attributes",))


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins with rows of VisDrone."""
    lines = first_lines(head)
    for line in lines:
        tokens = tokens_of(line)
        if len(tokens) != 8 or not are_numbers(tokens):
            return False
        values = numbers(tokens)
        if values[4] not in (0, 1) or not (values[5].is_integer() and 0 <= values[5] <= 11):
            return False
    return bool(lines)


def image_of(label: str) -> str:
    """Return where the image of a label file would be: `annotations` to `images`."""
    folders = label.rpartition("/")[0].split("/")
    folders = ["images" if f == "annotations" else f for f in folders if f]
    return "/".join((*folders, f"{stem_of(label)}.jpg"))


def tokens_of(line: str) -> list[str]:
    """Return the values of a row."""
    tokens = [t.strip() for t in line.split(",")]
    return tokens[:-1] if tokens and not tokens[-1] else tokens  # many files end their rows with a comma


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> None:
    """Read a label file."""
    index = 0
    wants = "attributes" in rows.fields
    text = rows.decoded(content)
    plain = is_plain(text)
    for line_number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        tokens = tokens_of(line)
        try:
            if len(tokens) != 8:
                raise ValueError(f"has {len(tokens)} values, a row has 8 (x,y,w,h,score,category,truncation,occlusion)")
            x, y, w, h, score, category, truncation, occlusion = numbers(tokens, plain=plain)
            if not category.is_integer() or abs(category) >= 2.0**53:
                raise ValueError(f"category {tokens[5][:40]!r} is not a whole number")
        except ValueError as e:
            rows.fault(str(e), line.strip(), line_number, index)
        else:
            number = int(category)
            name = CLASSES[number] if 0 <= number < len(CLASSES) else None
            extra = {"attributes": as_json({"score": score, "truncation": truncation, "occlusion": occlusion})} if wants else None
            rows.add(image, name, (x, y, x + w, y + h), index, line_number, category_id=number,
                     ignored=score == 0 or number == 0, extra=extra)
        index += 1

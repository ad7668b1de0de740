"""Read VisDrone detection: what stands in the files becomes tables."""

from __future__ import annotations

from dsinspect_formats._images import stem_of
from dsinspect_formats._label_files import Entry
from dsinspect_formats._numbers import is_plain, numbers
from dsinspect_formats._reading import as_json
from dsinspect_formats._rows import Rows
from dsinspect_formats.visdrone._rows import tokens_of

CLASSES = ("ignored regions", "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus",
           "motor", "others")


COLUMNS = frozenset(("attributes",))


def image_of(label: str) -> str:
    """Return where the image of a label file would be: `annotations` to `images`."""
    folders = label.rpartition("/")[0].split("/")
    folders = ["images" if f == "annotations" else f for f in folders if f]
    return "/".join((*folders, f"{stem_of(label)}.jpg"))


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

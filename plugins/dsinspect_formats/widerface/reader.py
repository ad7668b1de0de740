"""Read WIDER FACE: what stands in the files becomes tables."""

from __future__ import annotations

from dsinspect_formats._cut_rows import cut_short
from dsinspect_formats._images import is_image
from dsinspect_formats._named_images import Images
from dsinspect_formats._numbers import are_numbers, numbers
from dsinspect_formats._reading import as_json
from dsinspect_formats._rows import Rows
from dsinspect_formats.widerface._looks import _is_count

ATTRIBUTES = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")


COLUMNS = frozenset(("attributes",))


CLASS = "face"


def _folders(split: str | None) -> tuple[str, ...]:
    return (f"WIDER_{split}/images/", "images/", "")


def _read(text: str, source: str, split: str | None, images: Images, rows: Rows) -> None:
    lines = text.split("\n")
    cut = cut_short(lines, str.split, (10,))
    wants = "attributes" in rows.fields
    index = 0
    at = int(_is_count(lines))
    while at < len(lines):
        name = lines[at].strip()
        at += 1
        if not name:
            continue
        if not is_image(name):
            rows.fault("an image's name is expected here", name, at, index)
            index += 1
            continue
        image = images.row(name, split, source, at)
        while at < len(lines) and not lines[at].strip():
            at += 1
        count = lines[at].strip() if at < len(lines) else ""
        if not (count.isascii() and count.isdigit() and len(count) < 10):
            rows.fault("the number of faces is expected after the image's name", count or name, at + 1, index, image=name)
            continue
        at += 1
        left = int(count)
        if not left and at < len(lines) and (tokens := lines[at].split()) and are_numbers(tokens) and not any(numbers(tokens)):
            at += 1  # the row of zeros of an image without a face
        while left and at < len(lines):
            tokens = lines[at].split()
            if len(tokens) == 1 and is_image(tokens[0]):
                break
            at += 1
            if not tokens:
                continue
            left -= 1
            try:
                if cut and at == len(lines):
                    raise ValueError(cut)
                if len(tokens) not in (4, 10):
                    raise ValueError(f"has {len(tokens)} values, a row has 10, or 4 with the box alone")
                values = numbers(tokens)
            except ValueError as e:
                rows.fault(str(e), lines[at - 1].strip(), at, index, image=name)
            else:
                x, y, w, h = values[:4]
                extra = {"attributes": as_json(dict(zip(ATTRIBUTES, values[4:], strict=False)))} if wants else None
                rows.add(image, CLASS, (x, y, x + w, y + h), index, at, category_id=0,
                         ignored=len(values) == 10 and values[7] == 1, extra=extra)
            index += 1
        if left:
            rows.fault(f"{count} faces are announced, {left} fewer are there", name, images.lines[image], image=name)

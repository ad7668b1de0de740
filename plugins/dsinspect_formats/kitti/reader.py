"""Read KITTI: what stands in the files becomes tables."""

from __future__ import annotations

from dsinspect_formats._cut_rows import cut_short
from dsinspect_formats._images import stem_of
from dsinspect_formats._label_files import Entry
from dsinspect_formats._numbers import is_plain
from dsinspect_formats._reading import as_json
from dsinspect_formats._rows import Rows
from dsinspect_formats.kitti._rows import parsed

FIELDS = ("type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom", "height", "width", "length",
          "x", "y", "z", "rotation_y", "score")


IGNORED = "DontCare"


COLUMNS = frozenset(("attributes",))


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
    lines = text.split("\n")
    cut = cut_short(lines, str.split)
    for line_number, line in enumerate(lines, 1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            if cut and line_number == len(lines):
                raise ValueError(cut)
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

"""VisDrone detection: a text file per image, x,y,w,h,score,category,truncation,occlusion in px from 0."""

from __future__ import annotations

from pathlib import Path

from dsinspect.protocols.formats import Detection, Format, OpenRequest, Source
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect_formats._images import ImageTree, stem_of
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

CLASSES = ("ignored regions", "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus",
           "motor", "others")
COLUMNS = frozenset(("attributes",))


class VisDrone(Format):
    """VisDrone-DET."""

    name = "visdrone"
    load_us = 60
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look at the first text files for rows of eight numbers: a score of 0 or 1 and a category of 0 to 11."""
        if not root.is_dir():
            return None
        found = label_files(root, ".txt", looks_like_rows, first_only=True)
        if not found:
            return None
        return Detection(0.95, f"{found[0]} has rows of eight numbers with commas, as VisDrone's", weigh(root, found[0], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """List label files and images; no label is read yet."""
        root = request.root
        labels = label_files(root, ".txt", looks_like_rows, ("annotations",))
        entries, problems = matched(labels, ImageTree.below(request.images or root), root, image_of, words=True)
        categories = tuple(Category(k, name) for k, name in enumerate(CLASSES))
        info = DatasetInfo(
            format=self.name, root=root, categories=categories, problems=tuple(problems), columns=COLUMNS,
            notes=("boxes are read as px from 0",
                   "rows with score 0 or category 0 (ignored regions) are ignored; category 11 is `others`"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins with rows of VisDrone."""
    lines = first_lines(head)
    for line in lines:
        tokens = _tokens(line)
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


def _tokens(line: str) -> list[str]:
    tokens = [t.strip() for t in line.split(",")]
    return tokens[:-1] if tokens and not tokens[-1] else tokens  # many files end their rows with a comma


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> None:
    """Read a label file."""
    index = 0
    wants = "attributes" in rows.fields
    for line_number, line in enumerate(rows.decoded(content).split("\n"), 1):
        if not line.strip():
            continue
        tokens = _tokens(line)
        try:
            if len(tokens) != 8:
                raise ValueError(f"has {len(tokens)} values, a row has 8 (x,y,w,h,score,category,truncation,occlusion)")
            x, y, w, h, score, category, truncation, occlusion = numbers(tokens)
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

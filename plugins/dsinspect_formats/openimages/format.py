"""Open Images: CSV files of boxes in fractions of the displayed image, classes by /m/ ids, descriptions beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect_formats._images import ImageTree, relative, stem_of, walk
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._reading import (
    Images,
    MemorySource,
    Rows,
    as_json,
    content_of,
    head_of,
    number,
    numbers,
    orphan_images,
    reason_of,
    split_of,
)
from dsinspect_formats._sniffing import weigh
from dsinspect_formats._text import decode

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits

BOX = ("XMin", "XMax", "YMin", "YMax")
FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
NEEDED = ("ImageID", "LabelName", *BOX)
COLUMNS = frozenset(("attributes",))
_MAX_HEAD = 1 << 16


class OpenImages(Format):
    """Open Images boxes, version 4 to 7, and what else has its header (decimal commas as well)."""

    name = "openimages"
    writable = True
    patchable = True
    no_place = NO_PLACE

    def detect(self, root: Path) -> Detection | None:
        """Look for a CSV file whose header has ImageID, LabelName, XMin, XMax, YMin and YMax."""
        found = box_files(root, first_only=True)
        if not found:
            return None
        return Detection(0.96, f"{found[0]} has the header of Open Images", weigh(root, found[0], b"\n"), found[0])

    def open(self, request: OpenRequest) -> Source:
        """Read the boxes, the descriptions of classes and the lists of images.

        Raises:
            UserError: no such file.
        """
        root = request.root if request.root.is_dir() else request.root.parent
        paths = box_files(request.root)
        if not paths:
            raise UserError(f"{request.root}: no CSV file with the columns {', '.join(NEEDED)}")
        names, listed = _beside(root, paths)
        tree = ImageTree.below(request.images or root)
        rows = Rows(sorted(COLUMNS & request.columns))
        images = Images()
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            try:
                text = rows.decoded(content_of(root / path))
            except OSError as e:
                rows.fault(reason_of(e))
                continue
            _read(text, path, split, images, rows, names, listed)
        table, problems = images.table(tree, root, _folders, orphans=False)
        named = {(s, stem_of(p)) for p, s in zip(table["path"].tolist(), table["split"].tolist(), strict=True)}
        stems = {stem for _, stem in named}
        for path in tree.paths:  # images of the lists that have no box
            stem = stem_of(path)
            if stem not in stems and stem in listed:
                images.row(path if tree.folder == root else relative(tree.folder / path, root), *listed[stem])
        table, problems = images.table(tree, root, _folders, orphans=False)
        used = {f[len(tree.open_path("")):] for f in table["file"].tolist() if f is not None}
        problems += orphan_images(tree, used, root)
        info = DatasetInfo(
            format=self.name, root=root, box_units="fraction", columns=COLUMNS,
            categories=tuple(Category(k, name) for k, name in enumerate(dict.fromkeys(names.values()))),
            notes=("boxes are fractions of the image as displayed", "IsGroupOf is a crowd",
                   "a class that is not verified for an image is unknown there, not absent"))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `images/SPLIT/`."""
        from dsinspect_formats.openimages._writing import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.openimages._writing import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.openimages._patching import patch

        return patch(request, edits)


def _folders(split: str | None) -> tuple[str, ...]:
    return ("",) if split is None else (f"images/{split}/", f"{split}/", "images/", "")


def header_of(head: bytes) -> list[str] | None:
    """Return the columns of a file that has boxes of Open Images, else None."""
    text = decode(head)[0]
    line = text.split("\n", 1)[0].strip("\r\ufeff")
    columns = [c.strip().strip('"') for c in line.split(delimiter_of(line))]
    return columns if all(c in columns for c in NEEDED) else None


def delimiter_of(header: str) -> str:
    """Return what separates the columns of a header."""
    return max(",;\t", key=header.count)


def box_files(root: Path, *, first_only: bool = False) -> list[str]:
    """Return the CSV files of boxes, relative to the folder."""
    if root.is_file():
        return [root.name] if header_of(head_of(root, _MAX_HEAD)) else []
    found: list[str] = []
    looked = 0
    for path in walk(root):
        if path.lower().endswith(".csv"):
            looked += 1
            if header_of(head_of(root / path)):
                found.append(path)
            if first_only and (found or looked >= 40):
                break
    return found


def _beside(root: Path, box_paths: Sequence[str]) -> tuple[dict[str, str], dict[str, tuple[str | None, str]]]:
    """Return the display names of label names, and the split and list of listed images, from the files beside the boxes."""
    names: dict[str, str] = {}
    listed: dict[str, tuple[str | None, str]] = {}
    folders = {p.rpartition("/")[0] for p in box_paths}
    near = [p for p in walk(root) if p.lower().endswith(".csv") and p not in box_paths
            and (p.rpartition("/")[0] in folders or not p.count("/"))]
    for path in near:
        head = head_of(root / path).split(b"\n", 1)[0]
        is_names = "class-descriptions" in path.lower() or head.strip().lower() == b"labelname,displayname"
        if not is_names and not head.startswith(b"ImageID,Subset,"):
            continue
        try:
            text = decode(content_of(root / path))[0]
        except OSError:
            continue  # what it says is then unknown, as without it
        for row in csv.reader(io.StringIO(text.replace("\0", ""), newline="")):
            if len(row) < 2 or row[0] in ("LabelName", "ImageID"):
                continue
            if is_names:
                names.setdefault(row[0].strip(), row[1].strip())
            else:
                listed.setdefault(row[0].strip(), (split_of(f"{row[1].strip()}/x"), path))
    return names, listed


@dataclass(frozen=True)
class Header:
    """Where the columns of a file stand."""

    at: Mapping[str, int]
    delimiter: str

    @staticmethod
    def of(text: str) -> Header:
        """Read the first line."""
        line = text.split("\n", 1)[0]
        delimiter = delimiter_of(line)
        try:
            columns = next(csv.reader([line.replace("\r", "").strip("\ufeff")], delimiter=delimiter), [])
        except csv.Error:
            columns = []
        return Header({c.strip(): k for k, c in reversed(list(enumerate(columns)))}, delimiter)


def edges_of(cells: Sequence[str]) -> tuple[float, float, float, float]:
    """Return x_min, y_min, x_max, y_max of XMin, XMax, YMin, YMax; raises ValueError, in words.

    A decimal comma is read as a point.
    """
    try:
        x_min, x_max, y_min, y_max = numbers(cells)
    except ValueError:
        x_min, x_max, y_min, y_max = (number(c.strip().replace(",", ".") if c.count(",") == 1 and "." not in c else c)
                                      for c in cells)
    return x_min, y_min, x_max, y_max


def _read(text: str, source: str, split: str | None, images: Images, rows: Rows, names: Mapping[str, str],
          listed: Mapping[str, tuple[str | None, str]]) -> None:
    header = Header.of(text)
    at = header.at
    if any(c not in at for c in NEEDED):
        rows.fault(f"lacks the column {next(c for c in NEEDED if c not in at)}")
        return
    image_at, label_at, *box_at = (at[c] for c in NEEDED)
    group_at = at.get("IsGroupOf", -1)
    said = [(c, k) for c, k in at.items() if c in FLAGS or c in ("Source", "Confidence")] if rows.fields else []
    numbered = {label: k for k, label in enumerate(dict.fromkeys(names.values()))}
    width = max(at[c] for c in NEEDED) + 1
    reader = csv.reader(io.StringIO(text.replace("\0", "\ufffd"), newline=""), delimiter=header.delimiter)
    index = -1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            rows.fault(f"is not CSV: {e}", line=reader.line_num)
            continue
        if index < 0 or not any(row):
            index = max(index, 0)
            continue
        line = reader.line_num
        try:
            if len(row) < width:
                raise ValueError(f"has {len(row)} cells, the header has {len(at)}")
            name = row[image_at].strip()
            if not name:
                raise ValueError("names no image")
            box = edges_of([row[k] for k in box_at])
        except ValueError as e:
            rows.fault(str(e), header.delimiter.join(row), line, index)
        else:
            label = row[label_at].strip()
            category = names.get(label, label) or None
            own_split = split if split is not None or name not in listed else listed[name][0]
            extra = {"attributes": as_json({c: row[k] for c, k in said if k < len(row) and row[k]})} if said else None
            rows.add(images.row(name, own_split, source, line), category, box, index, line,
                     crowd=0 <= group_at < len(row) and row[group_at].strip() == "1",
                     category_id=numbered.get(category or "", -1), extra=extra)
        index += 1



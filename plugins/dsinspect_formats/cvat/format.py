"""CVAT XML 1.1, for images and for video: one file, or several beside each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, Problem
from dsinspect_formats._gathering import Gathered, counted, memory_source
from dsinspect_formats._images import relative
from dsinspect_formats._json_files import LOOKED_AT, all_like, ends_of, files_below
from dsinspect_formats._sniffing import weigh
from dsinspect_formats._text import odd_encoding, xml_text
from dsinspect_formats.coco._files import base_folder, split_of
from dsinspect_formats.coco._records import collector_off
from dsinspect_formats.cvat._reading import FIELDS, CvatFile

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits

COLUMNS = frozenset(("segmentation", "keypoints", "track", "attributes", "cvat:shape", "cvat:group",
                     *CORNER_COLUMNS, *(f"cvat:{name}" for name in FIELDS)))
_ROOT = re.compile(rb"<annotations[\s>]")
_INSIDE = re.compile(rb"<(?:image|track|meta|version)[\s>]")


def looks_like(ends: bytes) -> bool:
    """Say whether a file is CVAT XML, by its beginning."""
    return bool(_ROOT.search(ends[:4096]) and _INSIDE.search(ends))


class Cvat(Format):
    """CVAT XML 1.1 for images and for video: boxes, rotated boxes, polygons, masks, points, skeletons, and tracks."""

    name = "cvat"
    writable = True
    patchable = True
    no_place = frozenset(("set-area", "set-annotation-id", "mark-as-crowd"))

    def detect(self, root: Path) -> Detection | None:
        """Look for XML files with `<annotations>` that hold images or tracks."""
        for path in islice(files_below(root, (".xml",)), LOOKED_AT):
            if looks_like(ends_of(path)):
                kind = "video" if b"<track" in ends_of(path) else "images"
                name = relative(path, root) if root.is_dir() else root.name
                return Detection(0.9, f"{name} is CVAT XML for {kind}", weigh(root, name, b" occluded="))
        return None

    def open(self, request: OpenRequest) -> Source:
        """Read the XML files and find the images.

        Raises:
            UserError: no CVAT file, or none in which anything can be read.
        """
        files = all_like(request.root, looks_like, (".xml",))
        if not files:
            raise UserError(f"{request.root}: no CVAT XML file found")
        base = base_folder(request.root)
        gathered = Gathered(request.columns & COLUMNS)
        read = [read_file(f, base, gathered, split_of(f, only=True)) for f in files]
        if not any(r.is_cvat for r in read):
            reason = read[0].error[1] if read[0].error else "its root element is not <annotations>"
            raise UserError(f"{files[0]}: not a CVAT file: {reason}")
        labels = tuple(dict.fromkeys(name for r in read for name in r.labels))
        return memory_source(
            "cvat", request, base, gathered, files=files, columns=COLUMNS, notes=_notes(read),
            categories=tuple(Category(k, name) for k, name in enumerate(labels)))

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path below `images/`."""
        from dsinspect_formats.cvat._writing import place

        return place(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.cvat._writing import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.cvat._patching import patch

        return patch(request, edits)


def read_file(path: Path, base: Path, gathered: Gathered, split: str | None) -> CvatFile:
    """Read one file; what is wrong in it becomes problems.

    Raises:
        UserError: it cannot be read.
    """
    source = relative(path, base)
    try:
        content = read_regular(path)
    except OSError as e:
        raise UserError(f"{path}: {(e.strerror or 'cannot be read').lower()}") from None
    file = CvatFile(gathered, source, split)
    text, encoding, codec = xml_text(content)
    if encoding and codec != "utf-16":  # expat takes UTF-8 and UTF-16
        gathered.problems.append(odd_encoding(source, encoding))
        file.read(re.sub(r"^\ufeff", "", text).encode("utf-8", "replace"), "utf-8")
    else:
        with collector_off():
            file.read(content)
    if file.error is not None:
        line, reason = file.error
        gathered.problems.append(Problem("malformed-record", source, reason, line=line, split=split))
    return file


def _notes(files: list[CvatFile]) -> tuple[str, ...]:
    left_out = sum((f.left_out for f in files), Counter[str]())
    what = ", ".join(counted(n, what.removesuffix("s"), what) for what, n in sorted(left_out.items()))
    notes = [f"left out, since they bound no area: {what}"] if what else []
    drawn = sum(f.interpolated for f in files)
    if drawn:
        notes.append(f"{counted(drawn, 'box lies', 'boxes lie')} between the key frames of tracks, interpolated along "
                     "straight lines")
    return tuple(notes)

"""Read CVAT XML 1.1, for images and for video: what stands in the files becomes tables."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from dsinspect.errors import UserError, os_reason
from dsinspect.io.reading import read_regular
from dsinspect.tables.schema import CORNER_COLUMNS, Problem
from dsinspect_formats._gathering import Gathered
from dsinspect_formats._images import relative
from dsinspect_formats._text import odd_encoding, xml_text
from dsinspect_formats._values import counted
from dsinspect_formats.coco._records import collector_off
from dsinspect_formats.cvat._reading import FIELDS, CvatFile

COLUMNS = frozenset(("segmentation", "keypoints", "track", "attributes", "cvat:shape", "cvat:group",
                     *CORNER_COLUMNS, *(f"cvat:{name}" for name in FIELDS)))


def read_file(path: Path, base: Path, gathered: Gathered, split: str | None) -> CvatFile:
    """Read one file; what is wrong in it becomes problems.

    Raises:
        UserError: it cannot be read.
    """
    source = relative(path, base)
    try:
        content = read_regular(path)
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e, 'cannot be read')}") from None
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


def tags_of(files: list[CvatFile]) -> list[Problem]:
    """Return for each label how many tags of images have it: it is used, though no box may have it."""
    counts = sum((f.tags for f in files), Counter[str]())
    return [Problem("image-tags", files[0].source, f"used by {counted(n, 'image tag', 'image tags')}", label)
            for label, n in sorted(counts.items())]


def _notes(files: list[CvatFile]) -> tuple[str, ...]:
    left_out = sum((f.left_out for f in files), Counter[str]())
    what = ", ".join(counted(n, what.removesuffix("s"), what) for what, n in sorted(left_out.items()))
    notes = [f"left out, since they bound no area: {what}"] if what else []
    drawn = sum(f.interpolated for f in files)
    if drawn:
        notes.append(f"{counted(drawn, 'box lies', 'boxes lie')} between the key frames of tracks, interpolated as "
                     "CVAT does")
    return tuple(notes)

"""What images are part of, by their names: a video, a large image cut into tiles, augmented copies of one image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import objects

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VIDEO = r"(?:[_\-. ](?:mp4|avi|mov|mkv|webm|m4v)|video[\w]*?|frames?)"
RULES = (
    ("video", re.compile(r"^(?P<key>.+\.(?:mp4|avi|mov|mkv|webm|m4v))#t=(?P<number>[\d.]+)$", re.I)),
    ("video", re.compile(rf"^(?P<key>.*?{_VIDEO})[_\-. ]?(?P<number>\d+)\D*$", re.I)),
    ("video", re.compile(r"^(?P<key>.+)_t(?P<number>\d{4,})$", re.I)),
    ("scaled copies of", re.compile(r"^(?P<key>.+)_scaled_\d$", re.I)),
    ("tiles of", re.compile(r"^(?P<key>.+?)[_\-](?:x\d+[_\-]y\d+|y\d+[_\-]x\d+|r\d+[_\-]c\d+|row\d+[_\-]col\d+|tile[_\-]?\d+"
                            r"(?:[_\-]\d+)?|_\d+__\d+___\d+)$", re.I)),
)
_FORMATS = re.compile(r"(?:_(?:jpe?g|png|bmp|webp))+$", re.I)
"""What Roboflow appends to a name, once for each time that a set was uploaded."""
_SUFFIX = re.compile(r"(?:_leftImg8bit)?\.\w+$")
"""Cityscapes ends the name of every image with that of its camera, whose 8 is no number of a frame."""
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


class Sources(msgspec.Struct, frozen=True):
    """What the images of a batch are part of.

    Attributes:
        kind: `video`, `tiles of`, `augmented copies of`, or None.
        key: name of the source, or None.
        number: number of the frame in its video; NaN where there is none.
    """

    kind: NDArray[np.object_]
    key: NDArray[np.object_]
    number: NDArray[np.float64]


def source_of(stem: str) -> tuple[str, str, float] | None:
    """Return what an image is part of: the kind of source, its name, and the number of a frame; None for one of its own.

    >>> source_of("sharks_mp4-14_jpg.rf.0a1b")
    ('video', 'sharks_mp4', 14.0)
    >>> source_of("IMG_0758_scaled_1_png_jpg.rf.2b3c")
    ('scaled copies of', 'IMG_0758', nan)
    """
    original, rf, _ = stem.partition(".rf.")
    if rf:
        original = re.sub(r"_(jpe?g|png|bmp|webp)$", "", original, flags=re.I)
    for kind, rule in RULES:
        match = rule.match(_FORMATS.sub("", original) if rf else original)
        if match:
            return kind, match.group("key"), _number(match.group("number")) if kind == "video" else np.nan
    return ("augmented copies of", original, np.nan) if rf else None


def sources_of(batch: Batch) -> Sources:
    """Return the sources of the images of a batch; ask with `batch.once`."""
    found = [source_of(stem_of(path)) or (None, None, np.nan) for path in batch.image_columns["path"].tolist()]
    return Sources(objects([f[0] for f in found]), objects([f[1] for f in found]), np.array([f[2] for f in found], np.float64))


def stem_of(path: str) -> str:
    """Return the name of a file without folders and suffix."""
    return _SUFFIX.sub("", path.rpartition("/")[2])


def last_number(path: str) -> float:
    """Return the last number in the name of a file, NaN without one: that of a frame."""
    match = _LAST_NUMBER.search(stem_of(path).partition(".rf.")[0])
    return _number(match[1]) if match else np.nan


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan

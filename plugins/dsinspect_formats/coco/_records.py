"""COCO records as typed structs, for the fast path: a well-formed file is decoded straight into them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

Number = int | float
NO_BYTES = msgspec.Raw()
"""Stands for a segmentation or keypoints that a record does not have."""


class Image(msgspec.Struct, gc=False):
    """One entry of `images`."""

    id: int
    file_name: str = ""
    width: Number | None = None
    height: Number | None = None
    coco_url: str | None = None
    neg_category_ids: msgspec.Raw = NO_BYTES
    not_exhaustive_category_ids: msgspec.Raw = NO_BYTES

    @property
    def name(self) -> str:
        """The file's name; of LVIS, which gives none, folder and name at the end of the URL."""
        return self.file_name or name_in_url(self.coco_url)


def name_in_url(url: str | None) -> str:
    """Return folder and file name at the end of a URL, nothing when it has none.

    >>> name_in_url("http://images.cocodataset.org/train2017/000000391895.jpg")
    'train2017/000000391895.jpg'
    """
    _, found, path = (url or "").partition("://")
    parts = [p for p in path.partition("?")[0].split("/")[1:] if p not in ("", ".", "..")]
    return "/".join(parts[-2:]) if found else ""


class Annotation(msgspec.Struct, gc=False):
    """One entry of `annotations`, without its segmentation, which is skipped while decoding."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    id: int | None = None
    area: float | None = None
    iscrowd: int | bool | None = None
    ignore: int | bool | None = None


class SegmentedAnnotation(Annotation, gc=False):
    """One entry of `annotations` with the raw bytes of its segmentation."""

    segmentation: msgspec.Raw = NO_BYTES


class PosedAnnotation(SegmentedAnnotation, gc=False):
    """One entry of `annotations` with the raw bytes of its segmentation and keypoints."""

    keypoints: msgspec.Raw = NO_BYTES
    num_keypoints: Number | None = None


class CategoryRecord(msgspec.Struct, gc=False):
    """One entry of `categories`."""

    id: int
    name: str
    supercategory: str | None = None
    keypoints: msgspec.Raw = NO_BYTES


class Document(msgspec.Struct):
    """A COCO file; a missing list is an empty one."""

    images: list[Image] = []
    annotations: list[Annotation] = []
    categories: list[CategoryRecord] = []


class SegmentedDocument(Document):
    """A COCO file whose segmentations are wanted."""

    annotations: list[SegmentedAnnotation] = []  # type: ignore[assignment]


class PosedDocument(Document):
    """A COCO file whose segmentations and keypoints are wanted."""

    annotations: list[PosedAnnotation] = []  # type: ignore[assignment]


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the garbage collector from looking through a million new objects again and again (3 times the time)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def decode_strictly(content: bytes | memoryview, *, segmentations: bool, keypoints: bool = False) -> Document | None:
    """Decode a well-formed file; None when anything in it is not as it should be."""
    document = PosedDocument if keypoints else SegmentedDocument if segmentations else Document
    try:
        with collector_off():
            read = msgspec.json.decode(content, type=document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return read if all(i.file_name or i.name for i in read.images) else None

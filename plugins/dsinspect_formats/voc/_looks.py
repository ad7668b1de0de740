"""How VOC's files are recognised, and the options of reading them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from dsinspect.protocols.options import BaseOptions
from dsinspect_formats._images import walk
from dsinspect_formats._splits import split_named

_ANNOTATION = re.compile(rb"<annotation[\s>]")  # CVAT has <annotations>


class Options(BaseOptions, frozen=True):
    """How boxes are read."""

    base: Annotated[Literal[0, 1], msgspec.Meta(
        description="0: boxes as they stand; 1: 1-based pixels, 1 is taken off xmin and ymin (Detectron2, supervision)",
        extra={"source": "formats in the wild"})] = 0


def several_sets(root: Path) -> list[str]:
    """Return the folders below, each with `Annotations` and lists of its own, when there are two and more: VOC2007 and VOC2012."""
    paths = list(walk(root))
    listed = {f"/{p}".partition("/ImageSets/")[0].lstrip("/") for p in paths if "/ImageSets/" in f"/{p}" and p.endswith(".txt")}
    labelled = {f"/{p}".partition("/Annotations/")[0].lstrip("/") for p in paths
                if "/Annotations/" in f"/{p}" and p.endswith(".xml")}
    found = sorted(f for f in listed & labelled if f and split_named(f.rpartition("/")[2]) is None)
    return found if len(found) > 1 else []


def told_apart(found: Sequence[str]) -> str:
    """Return in words that a folder holds several sets."""
    return f"holds {len(found)} VOC datasets ({', '.join(found[:5])}{', ...' if len(found) > 5 else ''})"


def _objects_in(content: bytes) -> int | None:
    """Return how many objects the head of an XML file has; None when it is no annotation of VOC's kind."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", "replace").encode()
    if not _ANNOTATION.search(content[:4096]) or not any(t in content for t in (b"<object", b"<size", b"<filename")):
        return None
    if b"<polygon" in content and b"<bndbox" not in content:  # the first LabelMe's
        return None
    return content.count(b"<object>") + content.count(b"<object ")

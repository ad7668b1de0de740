"""Read VGG Image Annotator, versions 1 and 2: what stands in the files becomes tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dsinspect.errors import UserError
from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.schema import Problem
from dsinspect_formats._gathering import Gathered, MemorySource, memory_source
from dsinspect_formats._images import relative
from dsinspect_formats._json_files import all_like
from dsinspect_formats._values import counted, first_reason, polygon_json
from dsinspect_formats._writing import left_out_losses
from dsinspect_formats.coco._files import base_folder, split_of
from dsinspect_formats.coco._records import collector_off
from dsinspect_formats.coco.reader import require_distinct
from dsinspect_formats.via._looks import SUFFIXES, Options, looks_like
from dsinspect_formats.via._reading import ViaImage, read_file
from dsinspect_formats.via._regions import NO_AREA, box_of, class_attribute, class_of, closed, points_of, require_line

COLUMNS = frozenset(("segmentation", "attributes", "via:shape"))


ONE_CLASS = "object"
"""Class of all regions where none has one: those who drew a single kind of thing need no attribute."""


def _region(polygon: Sequence[float] | None, box: Sequence[float], name: str) -> dict[str, Any]:
    shape: dict[str, Any] = {"name": "rect", "x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
    if polygon is not None:
        shape = {"name": "polygon", "all_points_x": polygon[::2], "all_points_y": polygon[1::2]}
    return {"shape_attributes": shape, "region_attributes": {"class": name}}


class _Told(NamedTuple):
    """The attribute that is the class, else the class of all regions; and how far apart the ends of an outline may be, px."""

    attribute: str
    only: str | None
    closed_px: float


def open_set(request: OpenRequest) -> tuple[MemorySource, str, str | None]:
    """Read the files of a set; returns it, the attribute that is the class, and else the class of all regions.

    Raises:
        UserError: see `Format.open`.
    """
    files = all_like(request.root, looks_like, SUFFIXES)
    if not files:
        raise UserError(f"{request.root}: no VIA file found")
    base = base_folder(request.root)
    options = request.options if isinstance(request.options, Options) else Options()
    gathered = Gathered(request.columns & COLUMNS)
    left_out: Counter[str] = Counter()
    with collector_off():  # until what was read is gone: turned on again, the collector would look at all of it
        attribute, only, splits = _read(files, base, options, gathered, left_out)
    notes = [f"the class is the region attribute {json.dumps(attribute)[1:-1]!r} (option class_attribute)"] if attribute else []
    notes += [f"no region names its class: all are {only!r} (option one_class)"] if only else []
    unnamed = f"No region of the set names its class: all are read as {only!r} (option one_class)"
    of_set = [Problem("no-class", next(iter(splits)), unnamed)] if only and not options.one_class else []
    what = ", ".join(counted(n, w.removesuffix("s"), w) for w, n in sorted(left_out.items()))
    notes += [f"left out, since they bound no area: {what}"] if what else []
    opened = memory_source("via", request, base, gathered, files=files, columns=COLUMNS, notes=notes, problems=of_set,
                           beyond=left_out_losses(left_out))
    require_distinct(files, list(splits.values()), opened.images_by_source(list(splits)), base)
    return opened, attribute, only


def _read(files: Sequence[Path], base: Path, options: Options, gathered: Gathered,
          left_out: Counter[str]) -> tuple[str, str | None, dict[str, str | None]]:
    """Read files; returns the attribute that is the class, else the class of all regions, and the split of each file."""
    read: list[tuple[str, str | None, list[ViaImage]]] = []
    is_via = False
    for path in files:
        source = relative(path, base)
        images, problems, good = read_file(path, source)
        gathered.problems += problems
        is_via |= good
        read.append((source, split_of(path, only=True), images))
    if not is_via:
        raise UserError(f"{files[0]}: not a VIA file: {first_reason(gathered.problems, 'it holds no images')}")
    attribute = options.class_attribute or class_attribute(
        r.get("region_attributes") for _, _, images in read for i in images for _, r in i.regions if isinstance(r, dict))
    has_regions = any(i.regions for _, _, images in read for i in images)
    only = (options.one_class or ONE_CLASS) if has_regions and not attribute else None
    for source, split, images in read:
        _gather(images, source, split, _Told(attribute, only, options.closed_px), gathered, left_out)
    return attribute, only, {source: split for source, split, _ in read}


def _gather(images: list[ViaImage], source: str, split: str | None, told: _Told, gathered: Gathered,
            left_out: Counter[str]) -> None:
    index = 0
    for position, image in enumerate(images):
        about = image.file_attributes if isinstance(image.file_attributes, dict) else {}
        own = about.get("split")
        row = gathered.add_image(image.name, source, split=own if isinstance(own, str) and own else split, line=image.line,
                                 index=position, file_size=image.size)
        for line, region in image.regions:
            try:
                _add(gathered, row, region, told, index, line, left_out)
            except ValueError as e:
                gathered.faulty(source, str(e), region, line, index, image.name or None, split)
            index += 1


def _add(gathered: Gathered, row: int, region: Any, told: _Told, index: int, line: int, left_out: Counter[str]) -> None:
    if not isinstance(region, dict):
        raise ValueError("the region is not an object")
    drawn, attributes = region.get("shape_attributes"), region.get("region_attributes")
    shape = closed(drawn, told.closed_px)
    kind = shape.get("name") if isinstance(shape, dict) else None
    if isinstance(kind, str) and kind in NO_AREA:
        if kind == "polyline":
            require_line(shape)
        left_out[NO_AREA[kind]] += 1
        gathered.shapeless.add(row)
        return
    box = box_of(shape)
    values = attributes if isinstance(attributes, dict) else {}
    extra: dict[str, Any] = {}
    if gathered.columns and isinstance(drawn, dict) and isinstance(shape, dict):
        others = {k: v for k, v in values.items() if k != told.attribute}
        extra = {"via:shape": drawn.get("name"), "attributes": msgspec.json.encode(others) if others else None,
                 "segmentation": polygon_json([points_of(shape)]) if kind == "polygon" else None}
    gathered.add(row, told.only or class_of(values.get(told.attribute)), box, index, line, extra=extra)

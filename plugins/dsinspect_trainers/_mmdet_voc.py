"""mmdetection's `XMLDataset`: VOC files with 1 taken off every edge, small and difficult boxes as regions to ignore."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from dsinspect.protocols.trainers import CHANGED, DROPPED, KEPT, NO_RULE, Extra, Fates, Loaded, Stop
from dsinspect.tables.columns import is_given
from dsinspect_trainers._coco import LATER
from dsinspect_trainers._fates import Making, has_moved
from dsinspect_trainers._file_state import FileState, counts_of_splits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

VOC_COLUMNS = ("voc:base", "voc:odd_text")
LOAD_XML = "mmdet/datasets/xml_style.py: XMLDataset.load_data_list"
PARSE_XML = "mmdet/datasets/xml_style.py: XMLDataset.parse_data_info"
INSTANCE = "mmdet/datasets/xml_style.py: XMLDataset._parse_instance_info"
FILTER_XML = "mmdet/datasets/xml_style.py: XMLDataset.filter_data"
EDGES = ("xmin", "ymin", "xmax", "ymax")
LEAST = 32
"""`min_size` of images and `bbox_min_size` of boxes in configs/_base_/datasets/voc0712.py, px."""


@dataclass(frozen=True)
class _Instance:
    """One object as `XMLDataset` has it: its number in the file, edges, and why it is a region to ignore."""

    index: int
    box: tuple[int, int, int, int]
    rule: str


def judge_voc(loaded: Loaded, places: Mapping[str, int], read: str) -> Fates:
    """Return the fates of one shard of VOC files.

    Args:
        loaded: the shard.
        places: of the rules.
        read: function that opens images.
    """
    a, images = loaded.annotations, loaded.images
    making = Making(places, len(images), a["image_row"])
    unsized = np.isnan(images["width"]) | np.isnan(images["height"])
    wh = np.column_stack([np.where(unsized, images[f"frame_{side}"], images[side]) for side in ("width", "height")])
    odd = is_given(images["voc:odd_text"])
    base = a["voc:base"].astype(np.float64)
    edges = np.stack([a["x_min"] + base, a["y_min"] + base, a["x_max"], a["y_max"]], axis=1)
    with np.errstate(invalid="ignore"):
        boxes = np.trunc(edges) - 1
        small = (boxes[:, 2] - boxes[:, 0] < LEAST) | (boxes[:, 3] - boxes[:, 1] < LEAST)
    making.boxes[:] = boxes
    if (classes := classes_of(loaded)) is not None:
        codes, names = loaded.category_codes
        making.drop(~np.array([*(n in classes for n in names), False], bool)[codes], "unknown-category")
    making.change(a["is_ignored"], "difficult")
    making.change(small, "under-32-px")
    making.change(has_moved(boxes, loaded.boxes_px), "minus-one")
    holds = making.of_images(making.fate != DROPPED)
    making.stops += _stops_of_rows(loaded, edges, making.at_images(odd) | (making.fate == DROPPED))
    for image in np.flatnonzero(odd).tolist():
        holds[image] = _judge_text(loaded, making, image, wh)
    making.stops += _stops_of_images(loaded, making, odd, read)
    making.leave_out(~holds, "no-object")
    making.leave_out(np.minimum(wh[:, 0], wh[:, 1]) < LEAST, "small-image")
    return making.done(FileState({}, counts_of_splits(images["split"], making.arrives)))


def _stops_of_rows(loaded: Loaded, edges: NDArray[np.float64], passed: NDArray[np.bool_]) -> Iterator[Stop]:
    a = loaded.annotations
    for k in np.flatnonzero(~np.isfinite(edges).all(axis=1) & ~passed)[:1].tolist():
        image = int(a["image_row"][k])
        yield Stop(_error_of_number(edges[k]), INSTANCE, (1, int(loaded.images["image_id"][image]), 1, int(a["index"][k])),
                   str(loaded.images["path"][image]), str(a["source"][k]), int(a["index"][k]))


def _error_of_number(values: NDArray[np.float64]) -> str:
    first = next(v for v in values.tolist() if not math.isfinite(v))
    return ("ValueError: cannot convert float NaN to integer" if math.isnan(first)
            else "OverflowError: cannot convert float infinity to integer")


def _stops_of_images(loaded: Loaded, making: Making, odd: NDArray[np.bool_], read: str) -> Iterator[Stop]:
    """Yield what stops it at the files: a listed image without XML, without size and file, or whose file is no `.jpg`."""
    images = loaded.images
    ids, paths = images["image_id"], images["path"].tolist()
    has_xml = is_given(images["source"])
    for k in np.flatnonzero(~has_xml)[:1].tolist():
        yield Stop("FileNotFoundError: [Errno 2] No such file or directory", PARSE_XML, (1, int(ids[k]), 0), str(paths[k]))
    there = is_given(images["file"])
    unsized = has_xml & ~odd & (np.isnan(images["width"]) | np.isnan(images["height"]))
    for k in np.flatnonzero(unsized & ~there)[:1].tolist():
        yield Stop("FileNotFoundError: [Errno 2] No such file or directory", PARSE_XML, (1, int(ids[k]), 0), str(paths[k]),
                   str(images["source"][k]))
    if not loaded.dataset.has_files:
        return
    is_jpg = np.array([str(p).endswith(".jpg") for p in paths], bool)
    for k in np.flatnonzero(making.arrives & ~(there & is_jpg))[:1].tolist():
        yield Stop("FileNotFoundError: [Errno 2] No such file or directory", read, (LATER, int(ids[k])), str(paths[k]),
                   found="" if is_jpg[k] else "only .jpg is looked for")


def _judge_text(loaded: Loaded, making: Making, image: int, wh: NDArray[np.float64]) -> bool:
    """Judge a file that holds more than its rows say, as it is read; return whether it has an object."""
    a, images = loaded.annotations, loaded.images
    source, path = str(images["source"][image]), str(images["path"][image])
    number = int(images["image_id"][image])
    read = read_objects(bytes(images["voc:odd_text"][image]), classes_of(loaded))
    low, high = np.searchsorted(a["image_row"], [image, image + 1])
    making.fate[low:high], making.rule[low:high] = KEPT, NO_RULE
    if isinstance(read, Stop):
        making.stops.append(Stop(read.error, read.where, (1, number, *read.order), path, source, read.index))
        return True
    size, instances = read
    if size is not None:
        wh[image] = size
    elif images["file"][image] is None:
        making.stops.append(Stop("FileNotFoundError: [Errno 2] No such file or directory", PARSE_XML, (1, number, 0), path, source))
    by_index = {i.index: i for i in instances}
    rows = dict(zip(a["index"][low:high].tolist(), range(low, high), strict=True))
    for index, k in rows.items():
        instance = by_index.get(index)
        if instance is None:
            making.drop(np.arange(len(a)) == k, "unknown-category")
            continue
        making.boxes[k] = instance.box
        rule = instance.rule or ("minus-one" if has_moved(making.boxes[k:k + 1], loaded.boxes_px[k:k + 1])[0] else "")
        making.fate[k], making.rule[k] = (CHANGED, making.places[rule]) if rule else (KEPT, NO_RULE)
    making.extras += [Extra(image, making.places[i.rule or "minus-one"], math.nan, i.box, source, -1, i.index)
                      for i in instances if i.index not in rows]
    return bool(instances)


def classes_of(loaded: Loaded) -> frozenset[str] | None:
    """Return the classes that a configuration for the set has: those it declares; None where it declares none: all its names."""
    return frozenset(c.name for c in loaded.dataset.categories) or None


def read_objects(content: bytes, classes: frozenset[str] | None) -> Stop | tuple[tuple[int, int] | None, list[_Instance]]:
    """Return the size, None when there is none, and the objects of known classes; or what stops it, by step and place."""
    if b"<!ENTITY" in content:
        return Stop("ParseError: entities of its own are not expanded here", PARSE_XML, (0,))
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as e:
        return Stop(f"{type(e).__name__}: {e}", PARSE_XML, (0,))
    size: tuple[int, int] | None = None
    sides = root.find("size")
    if sides is not None:
        try:
            size = (int(_text(sides, "width")), int(_text(sides, "height")))
        except (AttributeError, TypeError, ValueError) as e:
            return Stop(_error(e), PARSE_XML, (0,))
    found = []
    for index, item in enumerate(root.findall("object")):
        try:
            instance = _instance(item, index, classes)
        except (AttributeError, TypeError, ValueError, OverflowError) as e:
            return Stop(_error(e), INSTANCE, (1, index), index=index)
        if instance is not None:
            found.append(instance)
    return size, found


def _instance(item: ElementTree.Element, index: int, classes: frozenset[str] | None) -> _Instance | None:
    name = _text(item, "name")
    if name not in classes if classes is not None else not name or name != name.strip():
        return None
    mark = item.find("difficult")
    difficult = 0 if mark is None else int(mark.text)  # type: ignore[arg-type]
    edges = item.find("bndbox")
    if edges is None:
        raise AttributeError("'NoneType' object has no attribute 'find'")
    x0, y0, x1, y1 = (int(float(_text(edges, name))) - 1 for name in EDGES)
    small = x1 - x0 < LEAST or y1 - y0 < LEAST
    return _Instance(index, (x0, y0, x1, y1), "difficult" if difficult else "under-32-px" if small else "")


def _text(element: ElementTree.Element, tag: str) -> str:
    """Return the text of a child as the loader gets it; where it is empty the loader's errors come of it."""
    child = element.find(tag)
    if child is None:
        raise AttributeError("'NoneType' object has no attribute 'text'")
    return child.text  # type: ignore[return-value]


def _error(e: Exception) -> str:
    return f"{type(e).__name__}: {e}"

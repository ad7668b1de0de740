"""What RT-DETR, RF-DETR and torchvision's references share: boxes as tensors, cut at the size of the opened image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dsinspect.protocols.trainers import Stop
from dsinspect.tables.columns import is_given
from dsinspect_trainers._coco import LATER, Malformed, Records, firsts
from dsinspect_trainers._fates import CHUNK, Making, has_moved

if TYPE_CHECKING:
    from numpy.typing import NDArray


STEPS = {"iscrowd": 10, "bbox": 20, "tensor": 30, "category": 40, "segmentation": 50, "masks": 52, "stack": 54, "keypoints": 56,
         "keep": 60, "area": 70}
"""Order in which the converters of one image take things."""


class ErrorOfCategory(Protocol):
    """Words the error of a category that has no label."""

    def __call__(self, category_id: Any, image_id: int) -> str: ...


def cut_at_edges(r: Records, making: Making, width: NDArray[np.float64], height: NDArray[np.float64], *,
                 twin: NDArray[np.int64] | None = None, least: float = 0.0) -> None:
    """Cut boxes at the edges of their images in single precision, as the loaders made of tensors do.

    Those of which a side of at most `least` px is left are dropped as "empty-box", those that move are changed as "clipped".

    Args:
        r: the records.
        making: the fates so far.
        width: of each image.
        height: of each image.
        twin: row whose content each annotation has; its own when None.
        least: side, px.
    """
    if twin is not None and r.has_own_ids:
        twin = None
    edges = [np.append(side, np.nan).astype(np.float32) for side in (width, height)]
    empty, moved = np.empty(r.n, bool), np.empty(r.n, bool)
    corners, annotated = np.empty((min(CHUNK, r.n), 4), np.float32), r.loaded.boxes_px
    for begin in range(0, r.n, CHUNK):  # what is compared stays in the processor's cache
        rows = slice(begin, min(begin + CHUNK, r.n))
        of = rows if twin is None else twin[rows]
        cut, images = corners[:rows.stop - begin], r.image_row[rows]
        with np.errstate(invalid="ignore"):
            for axis, (low, side) in enumerate(((r.x, r.w), (r.y, r.h))):
                most, first = edges[axis][images], low[of].astype(np.float32)
                for edge, at in ((first, axis), (first + side[of].astype(np.float32), axis + 2)):
                    np.minimum(np.maximum(edge, 0), most, out=cut[:, at])
            sides = cut[:, 2:] - cut[:, :2]
            empty[rows] = ~((sides[:, 0] > np.float32(least)) & (sides[:, 1] > np.float32(least)))
        moved[rows] = has_moved(cut, annotated[rows])
        making.boxes[rows] = cut
    making.drop(empty, "empty-box")
    if twin is not None:
        making.change(twin != np.arange(r.n), "repeated-id")
    making.change(moved, "clipped")


def cut_boxes(r: Records, making: Making, twin: NDArray[np.int64]) -> None:
    """Cut boxes at the size of the file as stored, and drop those of which nothing is left."""
    cut_at_edges(r, making, *r.file_wh, twin=twin)


def tensor_stops(r: Records, making: Making, twin: NDArray[np.int64], where: str, *, lacks: Mapping[str, NDArray[np.bool_]],
                 unknown: NDArray[np.bool_] | None, wording: ErrorOfCategory | None,
                 needed: Sequence[str] = (), among: NDArray[np.bool_] | None = None, text_ids: bool = True) -> Iterator[Stop]:
    """Yield what stops the converters of one image, by image in the order of ids.

    They take, in this order: the file's name, the id, the boxes of all annotations that are no crowd, their classes, and the
    rest in the order of `STEPS`.

    Args:
        r: the records.
        making: the fates so far.
        twin: row whose content each annotation has.
        where: function of the converter.
        lacks: annotations that lack a field, by the field.
        unknown: annotations whose category has no label, where that is an error.
        wording: of that error.
        needed: fields that the converter takes of malformed records too, besides those of all.
        among: images that reach the converter; all when None.
        text_ids: whether an id that is text is an error.
    """
    reach = np.ones(r.n_images, bool) if among is None else among
    index, known = r.loaded.annotations["index"], np.append(reach, False)[r.image_row]
    ranks = np.append(r.image_id, -1)[r.image_row]
    for image in np.flatnonzero(r.is_nameless & reach).tolist()[:1]:
        yield r.stop_at_image(image, "KeyError: 'file_name'", where, (1, int(r.image_id[image]), 0))
    for image in np.flatnonzero(r.text_images & reach & text_ids).tolist()[:1]:
        yield r.stop_at_image(image, "ValueError: too many dimensions 'str'", where, (1, int(r.image_id[image]), 1))
    taken = known & ~r.crowd[twin]
    yield from _malformed_stops(r, where, unknown is not None, wording, needed, reach)
    for annotation in firsts(taken & r.text_categories[twin] & (unknown is None), ranks, index):
        yield r.stop_at(annotation, "ValueError: too many dimensions 'str'", where,
                        (1, int(ranks[annotation]), STEPS["category"]))
    if unknown is not None and wording is not None:
        for annotation in firsts(taken & unknown, ranks, index):
            row = twin[annotation]
            number: Any = int(r.category_id[row])
            yield r.stop_at(annotation, wording(number, int(ranks[annotation])), where,
                            (1, int(ranks[annotation]), STEPS["category"], r.index_of(annotation)))
    for field, missing in lacks.items():
        rows = known & missing if field == "iscrowd" else taken & missing
        for annotation in firsts(rows, ranks, index):
            yield r.stop_at(annotation, f"KeyError: '{field}'", where,
                            (1, int(ranks[annotation]), STEPS[field], r.index_of(annotation)))


def _malformed_stops(r: Records, where: str, strict: bool, wording: ErrorOfCategory | None,
                     needed: Sequence[str], reach: NDArray[np.bool_]) -> Iterator[Stop]:
    """Yield what malformed annotations stop: a tensor of boxes takes rows of one length only."""
    by_image: dict[int, list[Any]] = {}
    replaced: dict[int, list[tuple[int, int]]] = {}
    taken: dict[int, Malformed] = {}  # rows in whose place a later malformed record stands
    for m in r.malformed:
        if m.kind == "annotations" and r.replacing(m) < 0:
            taken |= dict.fromkeys(r.namesakes(m).tolist(), m)
        image = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
        if image < 0 or not reach[image]:
            continue
        later = r.replacing(m)
        if later >= 0 and not r.crowd[later]:
            replaced.setdefault(image, []).append((m.index, 4))
        elif later < 0 and not m.record.get("iscrowd"):
            by_image.setdefault(image, []).append(m)
    for image, found in by_image.items():
        rank = int(r.image_id[image])
        own = [k for k in r.rows_in(image).tolist() if not (taken[k].record.get("iscrowd") if k in taken else r.crowd[k])]
        lengths = sorted([*((r.index_of(k), _length(taken[k].record) if k in taken else 4) for k in own), *replaced.get(image, ()),
                          *((m.index, _length(m.record)) for m in found)])
        first = found[0]
        path = r.paths[image]

        def stop(error: str, step: int, first: Any = first, rank: int = rank, path: Any = path) -> Stop:
            return Stop(error, where, (1, rank, step, first.index), path, first.source, first.index)

        for field in ("iscrowd", "bbox"):
            lacking = next((m for m in found if field not in m.record), None) if field in (*needed, "bbox") else None
            if lacking is not None:
                yield stop(f"KeyError: '{field}'", STEPS[field])
                break
        if lacking is not None:
            continue
        if any(n < 0 for _, n in lengths):
            boxes = [m.record["bbox"] for m in found]
            texts = [b for b in boxes if isinstance(b, list) and any(isinstance(v, str) for v in b)]
            starts = any(isinstance(b[0], str) for b in texts)  # PyTorch takes the kind of the first number for all
            yield stop("ValueError: too many dimensions 'str'" if starts else
                       f"TypeError: must be real number, not {'str' if texts else 'NoneType'}", STEPS["tensor"])
            continue
        sizes = [n for _, n in lengths]
        error, step = ragged(sizes)
        if error:
            yield stop(error, step)
        for m in found:
            if strict and wording is not None and m.record.get("category_id") not in _known(r):
                yield Stop(wording(m.record.get("category_id"), rank), where, (1, rank, STEPS["category"], m.index), path,
                           m.source, m.index)
            for field in needed:
                if field not in m.record:
                    yield Stop(f"KeyError: '{field}'", where, (1, rank, STEPS[field], m.index), path, m.source, m.index)


def ragged(sizes: Sequence[int]) -> tuple[str, int]:
    """Return the error of making a tensor of (N, 4) from rows of some lengths, and the step at which it is met; or nothing."""
    other = next((n for n in sizes if n != sizes[0]), None) if sizes[0] else None  # PyTorch looks no further than an empty row
    if other is not None:
        place = sizes.index(other)
        return f"ValueError: expected sequence of length {sizes[0]} at dim 1 (got {sizes[place]})", STEPS["tensor"]
    total = sum(sizes) if sizes[0] else 0
    if sizes[0] == 4:
        return "", 0
    if total % 4:
        return f"RuntimeError: shape '[-1, 4]' is invalid for input of size {total}", STEPS["tensor"]
    return (f"IndexError: The shape of the mask [{total // 4}] at index 0 does not match the shape of the indexed tensor "
            f"[{len(sizes)}] at index 0"), STEPS["keep"]


def _length(record: Mapping[str, Any]) -> int:
    """Return how many numbers a bbox has, -1 when it is no list of numbers."""
    box = record.get("bbox")
    return len(box) if isinstance(box, list) and all(isinstance(v, int | float) for v in box) else -1


def _known(r: Records) -> set[int]:
    return {c for c, _, _ in r.categories()}


def stops_of_files(r: Records, making: Making, read: str, missing: str = "FileNotFoundError: the image file is missing",
                   unreadable: str = "UnidentifiedImageError: cannot identify image file") -> Iterator[Stop]:
    """Yield the first image whose file is missing or no image: it is met while training.

    Args:
        r: the records.
        making: the fates so far.
        read: function that opens images.
        missing: its error where there is no file.
        unreadable: its error where the file is no image.
    """
    if not r.loaded.dataset.has_files:
        return
    images = r.loaded.images
    arrives = making.arrives[:len(images)]
    for image in np.flatnonzero(~is_given(images["file"]) & arrives).tolist()[:1]:
        yield r.stop_at_image(image, missing, read, (LATER, 0, int(r.image_id[image])))
    formats = r.loaded.measured("file_format")
    if formats is None:
        return
    faulty = is_given(images["file"]) & ~is_given(formats) & arrives
    for image in np.flatnonzero(faulty).tolist()[:1]:
        yield r.stop_at_image(image, unreadable, read, (LATER, 0, int(r.image_id[image])))

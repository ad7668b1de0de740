"""What all writers share: files whole or not at all, the rows that can be written, and the count of what is lost."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.errors import UserError, os_reason
from dsinspect.io.atomic import write_atomic
from dsinspect.io.folders import make_folder
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, NO_POSITION, boxes_xyxy, is_extra_column

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ROUND = ("circle", "ellipse", "cuboid", "skeleton")
"""Shapes that bound a box, and are neither one nor an outline in the table."""
UNSAID = {"truncated": ("", "0", "false"), "occluded": ("", "0", "false"), "pose": ("", "unspecified"), "parts": ("", "0"),
          "z_order": ("", "0"), "group": ("", "0"), "annotator": ("",), "project": ("",)}
"""Values, in lower case, of attributes that say nothing."""


OF_IMAGES = {"depth": "depths of images (<depth>)", "header": "header lines of label files (imagesource, gsd)"}
"""Fields of images that only their own format keeps, and what they are called when they are lost."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    if ".." in path.parts:
        raise UserError(f"{path}: leads out of the output; nothing is written there")
    try:
        try:
            write_atomic(path, content, durable=False)
        except FileNotFoundError:  # folders are made when first missed: asking before each file costs more
            make_folder(path.parent)
            write_atomic(path, content, durable=False)
    except OSError as e:
        raise cannot_write(path, e) from None


def cannot_write(path: Path, error: OSError) -> UserError:
    """Return the error of a file that cannot be written."""
    return UserError(f"{error.filename or path}: {os_reason(error)}; change that and write again")


def field_of(table: pd.DataFrame, name: str, otherwise: Any = None) -> Any:
    """Return an optional column, or a format column by its field, whatever format it is of; what to give otherwise."""
    columns = [c for c in table.columns if name in (c, str(c).partition(":")[2])]
    return table[columns[0]].to_numpy() if columns else otherwise


def number(value: float) -> str:
    """Return the shortest text that reads back as the same float64; whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 2.0**53 else repr(value)


def slices_of(annotations: pd.DataFrame, n: int) -> list[tuple[int, int]]:
    """Return where the rows of each of `n` images begin and end in a table sorted by `image_row`."""
    edges = np.searchsorted(annotations["image_row"].to_numpy(), np.arange(n + 1)).tolist()
    return list(itertools.pairwise(edges))


def sizes_wh(images: pd.DataFrame) -> NDArray[np.float64]:
    """Return width and height, px, of the frames the boxes are in, (N, 2); NaN where nobody knows."""
    columns = []
    for side in ("width", "height"):
        size = images[side].to_numpy()
        frame = images[f"frame_{side}"].to_numpy() if f"frame_{side}" in images else size
        columns.append(np.where(frame > 0, frame, np.where(size > 0, size, np.nan)))
    return np.column_stack(columns)


def sized(images: pd.DataFrame, annotations: pd.DataFrame, losses: Losses) -> pd.DataFrame:
    """Return the annotations of images whose size is known, and count the others."""
    has_size = np.isfinite(sizes_wh(images)).all(axis=1)
    known: NDArray[np.bool_] = np.asarray(has_size)[annotations["image_row"].to_numpy()]
    losses.add("annotations of images whose size nobody knows", ~known)
    return annotations[known].reset_index(drop=True)


def attributes_of(annotations: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the attributes of each annotation, empty where it has none or they are no JSON object."""
    values = field_of(annotations, "attributes")
    if values is None:
        return [{}] * len(annotations)
    found: list[dict[str, Any]] = []
    for value in values.tolist():
        try:
            said = msgspec.json.decode(value) if value is not None else {}
        except msgspec.MsgspecError:
            said = {}
        found.append(said if isinstance(said, dict) else {})
    return found


def left_out_losses(left_out: Mapping[str, int]) -> dict[str, int]:
    """Return what a reader left out under the names by which converting counts it."""
    return {f"{what} (left out by the reader)": n for what, n in sorted(left_out.items()) if n}


def count_attributes(losses: Losses, said: Iterable[Mapping[str, Any]], kept: Collection[str]) -> None:
    """Count attributes that are not among those kept, by name."""
    for name, n in Counter(k for one in said for k in one if k not in kept).items():
        losses.add(f"attributes: {name}", n)


def category_pairs(annotations: pd.DataFrame) -> tuple[list[tuple[int, str | None]], NDArray[np.intp]]:
    """Return the (id, name) pairs of a table in order of first appearance, and the number of each row's pair."""
    if not len(annotations):
        return [], np.empty(0, np.intp)
    names, ids = annotations["category"].to_numpy(), annotations["category_id"].to_numpy()
    import pandas as pd  # reading imports this module, and has no time for it

    codes = pd.factorize(names)[0]
    _, first, inverse = np.unique(np.stack([codes, ids]), axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return [(int(ids[k]), names[k]) for k in first[order].tolist()], rank[inverse.reshape(-1)]


NAMES_CHANGED = "class names that are not read back as they are (spaces or marks at an end, NUL, or nothing)"
_STRIPPED = re.compile(r"^\s|\s$|\0|^$|^\ufeff")
_MARKED = re.compile(r"^$|^\ufeff")


class Losses:
    """Counts what a format cannot keep.

    Args:
        info: of the dataset the records come from.
        kept: what is kept: names of fields (`segmentation`, `truncated`, ...), `crowd`, `ignored`, `annotation_ids`,
            `image_ids`, `category_ids`, `unnamed` (annotations of categories nobody declared), `unused` (categories without
            an annotation), `supercategories`, `flip_pairs`.
        stripped: class names are read back without spaces at their ends, and NUL is replaced in them; False: only a byte order
            mark at the start and an empty name are not read back; None: the format keeps or counts all itself.
    """

    def __init__(self, info: DatasetInfo, kept: Collection[str], *, stripped: bool | None = None) -> None:
        self._unreadable = None if stripped is None else _STRIPPED if stripped else _MARKED
        self.counts: Counter[str] = Counter()
        self._info = info
        self._kept = frozenset(kept)
        self._used: set[str] = set()
        self._images = 0

    def take(self, shard: Shard) -> pd.DataFrame:
        """Return the annotations that can be written, sorted by image, and count what is lost of the shard."""
        a = shard.annotations
        rows = a["image_row"].to_numpy()
        known = rows >= 0
        finite = np.isfinite(boxes_xyxy(a).reshape(-1, 4)).all(axis=1)
        self.add("annotations of unknown images", ~known)
        self.add("annotations without a finite box", known & ~finite)
        good = known & finite
        if "unnamed" not in self._kept:
            unnamed = a["category"].isna().to_numpy(bool)
            self.add("annotations of unknown categories", good & unnamed)
            good &= ~unnamed
        if not good.all():
            a, rows = a[good], rows[good]
        if (np.diff(rows) < 0).any():
            a = a.iloc[np.argsort(rows, kind="stable")]
        a = a.reset_index(drop=True)
        if self._unreadable is not None and len(a):
            changes = {n for n in a["category"].dropna().unique() if self._unreadable.search(n)}
            if changes:
                self.add(NAMES_CHANGED, a["category"].isin(changes).to_numpy(bool))
        self._used.update(a["category"].dropna().unique().tolist())
        self._flags_and_ids(shard.images, a)
        for name in filter(is_extra_column, map(str, shard.images.columns)):
            field = name.partition(":")[2]
            if field == "left_out":
                for value in shard.images[name].dropna().tolist():
                    for what, n in left_out_losses(msgspec.json.decode(value)).items():
                        self.add(what, n)
            if field in OF_IMAGES and field not in self._kept:
                self.add(OF_IMAGES[field], shard.images[name].notna().to_numpy(bool))
        self._images += len(shard.images)
        self._fields(a)
        return a

    def add(self, what: str, which: NDArray[np.bool_] | int) -> None:
        """Count a loss."""
        self.counts[what] += int(np.sum(which))

    def result(self) -> Mapping[str, int]:
        """Return the losses there are, those of categories included."""
        categories = self._info.categories
        if "category_ids" not in self._kept:
            self.add("category ids, and the order of categories", len(categories))
        if "unused" not in self._kept:
            self.add("categories without an annotation", sum(c.name not in self._used for c in categories))
        if "supercategories" not in self._kept:
            self.add("supercategories", sum(bool(c.supercategory) and c.supercategory != "none" for c in categories))
        if "flip_pairs" not in self._kept:
            self.add("pairs of keypoints that swap places in a mirrored image (flip_idx)", bool(self._info.flip_pairs))
        for what, n in self._info.beyond.items():
            self.add(what, n)
        return {what: n for what, n in self.counts.items() if n}

    def _flags_and_ids(self, images: pd.DataFrame, a: pd.DataFrame) -> None:
        for kept, column, what in (("crowd", "is_crowd", "crowd flags (the boxes stay)"),
                                   ("ignored", "is_ignored", "ignored or difficult flags (the boxes stay)")):
            if kept not in self._kept:
                self.add(what, a[column].to_numpy())
        for kept, frame, column in (("annotation_ids", a, "annotation_id"), ("image_ids", images, "image_id")):
            if kept not in self._kept:
                index, own = frame["index"].to_numpy(), frame[column].to_numpy()
                is_position = (own == index) | (own == index + 1) | (own == NO_POSITION)  # counted, from 0 or from 1
                if column == "image_id":  # or through all files of a set that has a file per image
                    running = self._images + np.arange(len(own))
                    is_position |= (own == running) | (own == running + 1)
                self.add(f"{kept.replace('_', ' ')} that are not the running number of their record",
                         (index != NO_POSITION) & ~is_position)

    def _fields(self, a: pd.DataFrame) -> None:
        for name in filter(is_extra_column, map(str, a.columns)):
            field = name.partition(":")[2] or name
            if field in self._kept:
                continue
            values = a[name].to_numpy()
            if field == "segmentation":
                kinds = Counter(map(outline_kind, values.tolist()))
                self.add("polygons", kinds["polygons"])
                self.add("masks", kinds["mask"])
            elif field == "keypoints":
                self.add("keypoints", sum(outline_kind(v) is not None for v in values.tolist()))
            elif field == "area":
                self.add("areas that are not their box's", differing_areas(a, values))
            elif field == CORNER_COLUMNS[0]:
                self.add("rotations of boxes (their envelopes stay)", _are_rotated(a))
            elif field == "track":
                self.add("track ids", sum(v is not None for v in values.tolist()))
            elif field == "attributes":
                self.add("attributes", sum(v is not None and bytes(v) != b"{}" for v in values.tolist()))
            elif field == "shape":
                for shape, n in sorted(Counter(v for v in values.tolist() if v in ROUND).items()):
                    self.add(f"shapes: {shape} (the boxes stay)", n)
            elif field in UNSAID:
                self.add(f"attributes: {field}", said(values, UNSAID[field]))


def _are_rotated(a: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the mask of the annotations with corners that are not those of their envelope, but for digits that were written."""
    corners = a[list(CORNER_COLUMNS)].to_numpy(np.float64).reshape(-1, 4, 2)
    low, high = corners.min(axis=1, keepdims=True), corners.max(axis=1, keepdims=True)
    off = np.minimum(np.abs(corners - low), np.abs(corners - high)).max(axis=(1, 2), initial=0.0)
    limit = 1e-3 + 2e-6 * np.abs(corners).max(axis=(1, 2), initial=0.0)
    return np.asarray(np.isfinite(corners).all(axis=(1, 2)) & (off > limit), bool)


def outline_kind(value: Any) -> str | None:
    """Return `polygons` or `mask` of a JSON value in bytes; None of nothing, null and an empty list."""
    if value is None:
        return None
    head = bytes(memoryview(value)[:64]).translate(None, b" \t\r\n")
    if head in (b"", b"null", b"[]", b"[[]]"):
        return None
    return "mask" if head.startswith(b"{") else "polygons"


def said(values: Iterable[Any], unsaid: Collection[str]) -> int:
    """Count the values that say something."""
    return sum(v is not None and str(v).strip().lower() not in unsaid for v in values)


def differing_areas(annotations: pd.DataFrame, areas: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which areas are other than those of the boxes, by more than a millionth."""
    boxes = boxes_xyxy(annotations).reshape(-1, 4)
    plain = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    areas = np.asarray(areas, np.float64)
    differs: NDArray[np.bool_] = ~np.isnan(areas) & ~np.isclose(areas, plain, rtol=1e-6, atol=1e-6)
    return differs


def unlink_quietly(path: Path) -> None:
    """Remove a file if it is there and can be removed."""
    try:
        os.unlink(path)  # noqa: PTH108
    except OSError:
        return

"""Write COCO JSON, one file per split, as the shards come: nothing but counters and categories is kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.geometry.affine import polygon_area
from dsinspect.io.atomic import partial_name
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import NO_POSITION, boxes_xyxy
from dsinspect_formats._writing import Losses, cannot_write, category_pairs, field_of, outline_kind, unlink_quietly

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

KEPT = ("segmentation", "keypoints", "area", "crowd", "ignored", "category_ids", "unnamed", "unused", "supercategories",
        "image_ids")
_ROUNDINGS = (0, 1, 2, 3, 4, 6, 8, 10, 12)


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `annotations/instances_SPLIT.json` (`instances.json` of images without a split); see `Format.write`.

    Ids of images stay. Ids of annotations stay when the source is COCO (but -1 stands for none), else they count from 1 in
    each file; so do those of a second source file that shares its split with the first. Categories keep declared ids; a
    name without one gets its own if that is free, else the next free id, in order of first appearance.

    Raises:
        UserError: a file cannot be written.
    """
    folder = out / "annotations"
    keep_ids = info.format == "coco"
    losses = Losses(info, (*KEPT, "annotation_ids") if keep_ids else KEPT)
    categories = _Categories(info)
    files: dict[str | None, _SplitFile] = {}
    try:
        folder.mkdir(exist_ok=True, parents=True)
        with ExitStack() as stack:
            for split in info.splits:
                files[split] = stack.enter_context(_SplitFile(folder, split, losses, keep_ids=keep_ids))
            for shard in shards:
                annotations = losses.take(shard)
                ids = categories.ids(annotations)
                for split in dict.fromkeys(shard.images["split"].tolist()):
                    if split not in files:
                        files[split] = stack.enter_context(_SplitFile(folder, split, losses, keep_ids=keep_ids))
                    files[split].add(shard.images, annotations, ids)
            if not files:
                files[None] = stack.enter_context(_SplitFile(folder, None, losses, keep_ids=keep_ids))
            for name, file in files.items():
                file.finish(categories.of(info.split_categories.get(name or "")))
    except OSError as e:
        raise cannot_write(folder, e) from None
    return losses.result()


class _Categories:
    """Ids of categories, the declared ones first."""

    def __init__(self, info: DatasetInfo) -> None:
        self._declared = [_record(c) for c in info.categories]
        self._pairs = {(c.category_id, c.name) for c in info.categories}
        self._ids: dict[str, int] = {}
        for c in info.categories:
            self._ids.setdefault(c.name, c.category_id)
        self._added: list[dict[str, Any]] = []

    def ids(self, annotations: pd.DataFrame) -> NDArray[np.int64]:
        """Return the id of each annotation's category; declared ids stay, even of a category nobody declared."""
        pairs, numbers = category_pairs(annotations)
        return np.array([self._id(*pair) for pair in pairs], np.int64)[numbers]

    def _id(self, own: int, name: str | None) -> int:
        if name is None or (own, name) in self._pairs:
            return own
        if name not in self._ids:
            taken = {c["id"] for c in (*self._declared, *self._added)}
            self._ids[name] = own if own != NO_POSITION and own not in taken else max(taken, default=0) + 1
            self._added.append({"id": self._ids[name], "name": name, "supercategory": ""})
        return self._ids[name]

    def of(self, declared: Iterable[Category] | None) -> list[dict[str, Any]]:
        """Return the list for a file: the categories its split declares, else all."""
        return ([_record(c) for c in declared] if declared else self._declared) + self._added


def _record(category: Category) -> dict[str, Any]:
    return {"id": category.category_id, "name": category.name, "supercategory": category.supercategory}


class _SplitFile:
    """One file: images are written as they come, annotations to a second temporary file that is appended at the end."""

    def __init__(self, folder: Path, split: str | None, losses: Losses, *, keep_ids: bool) -> None:
        name = f"instances_{split}.json" if split else "instances.json"
        if "/" in name or "\0" in name:
            raise UserError(f"split {split!r}: is no file name; rename it")
        self._path = folder / name
        self._partial = partial_name(self._path)
        self._rest = self._partial.with_suffix(".annotations")
        self._split = split
        self._keep_ids = keep_ids
        self._losses = losses
        self._first_source: Any = None
        self._images = self._annotations = 0
        self._last_image_id = self._last_id = 0
        self._image_ids_used: set[int] = set()
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> _SplitFile:
        self._head: IO[bytes] = self._partial.open("wb")
        self._tail: IO[bytes] = self._rest.open("w+b")
        self._head.write(b'{"images": [')
        return self

    def __exit__(self, *error: object) -> None:
        for file in (self._head, self._tail):
            try:
                file.close()
            except OSError:  # a full disk was reported already
                continue
        unlink_quietly(self._partial)
        unlink_quietly(self._rest)

    def add(self, images: pd.DataFrame, annotations: pd.DataFrame, category_ids: NDArray[np.int64]) -> None:
        """Append the images of this split and their annotations."""
        mine = np.array([s == self._split for s in images["split"].tolist()], bool)
        if self._first_source is None:
            self._first_source = images["source"].to_numpy()[mine][0]
        ours = mine[annotations["image_row"].to_numpy()]
        foreign = self._keep_ids & np.array([s != self._first_source for s in images["source"].tolist()], bool)
        image_ids = self._image_ids(images["image_id"].to_numpy(), mine, foreign)
        self._put_images(images, image_ids, mine)
        own = self._annotation_ids(annotations["annotation_id"].to_numpy(), ours,
                                   foreign[annotations["image_row"].to_numpy()])
        self._put_annotations(annotations[ours], own[ours], image_ids[annotations["image_row"].to_numpy()][ours],
                              category_ids[ours])

    def _image_ids(self, own: NDArray[np.int64], mine: NDArray[np.bool_], foreign: NDArray[np.bool_]) -> NDArray[np.int64]:
        ids = own.copy()
        self._image_ids_used.update(own[mine & ~foreign].tolist())
        self._last_image_id = max(self._last_image_id, int(own[mine].max(initial=0)))
        for k in np.flatnonzero(mine & foreign).tolist():
            if own[k] in self._image_ids_used:
                self._last_image_id += 1
                ids[k] = self._last_image_id
            self._image_ids_used.add(int(ids[k]))
        self._losses.add("image ids (of a second file of a split)", mine & (ids != own))
        return ids

    def _annotation_ids(self, own: NDArray[np.int64], ours: NDArray[np.bool_],
                        foreign: NDArray[np.bool_]) -> NDArray[np.int64]:
        ids = own.copy()
        counted = ours & (foreign | (own == NO_POSITION) | (not self._keep_ids))
        self._last_id = max(self._last_id, int(own[ours & ~counted].max(initial=0)))
        ids[counted] = np.arange(self._last_id + 1, self._last_id + 1 + counted.sum())
        self._losses.add("annotation ids (of a second file of a split)", ours & foreign & (ids != own))
        self._last_id += int(counted.sum())
        return ids

    def _put_images(self, images: pd.DataFrame, image_ids: NDArray[np.int64], mine: NDArray[np.bool_]) -> None:
        columns = [images[c].to_numpy()[mine].tolist() for c in ("path", "width", "height")]
        for image_id, path, width, height in zip(image_ids[mine].tolist(), *columns, strict=True):
            record: dict[str, Any] = {"id": image_id, "file_name": path}
            record |= {k: _plain(v) for k, v in (("width", width), ("height", height)) if np.isfinite(v)}
            self._head.write((b",\n" if self._images else b"\n") + self._encoder.encode(record))
            self._images += 1

    def _put_annotations(self, a: pd.DataFrame, ids: NDArray[np.int64], image_ids: NDArray[np.int64],
                         category_ids: NDArray[np.int64]) -> None:
        boxes = boxes_xyxy(a).reshape(-1, 4)
        xywh = np.column_stack([boxes[:, :2], sides(boxes[:, :2], boxes[:, 2:])])
        outlines, keypoints = field_of(a, "segmentation"), field_of(a, "keypoints")
        columns = (ids.tolist(), image_ids.tolist(), category_ids.tolist(), xywh.tolist(), areas(a, xywh).tolist(),
                   a["is_crowd"].astype(int).tolist())
        ignored = a["is_ignored"].tolist()
        for k, values in enumerate(zip(*columns, strict=True)):
            record: dict[str, Any] = dict(zip(
                ("id", "image_id", "category_id", "bbox", "area", "iscrowd"), values, strict=True))
            if ignored[k]:
                record["ignore"] = 1
            if outlines is not None and outlines[k] is not None:
                record["segmentation"] = msgspec.Raw(outlines[k])
            if keypoints is not None and outline_kind(keypoints[k]):
                record["keypoints"] = msgspec.Raw(keypoints[k])
                record["num_keypoints"] = sum(v > 0 for v in msgspec.json.decode(keypoints[k])[2::3])
            self._tail.write((b",\n" if self._annotations else b"\n") + self._encoder.encode(record))
            self._annotations += 1

    def finish(self, categories: list[dict[str, Any]]) -> None:
        """Append annotations and categories, and put the file in its place."""
        self._head.write(b'\n],\n"annotations": [')
        self._tail.seek(0)
        while block := self._tail.read(1 << 20):
            self._head.write(block)
        self._head.write(b'\n],\n"categories": ' + msgspec.json.encode(categories) + b"}\n")
        self._head.close()
        self._partial.replace(self._path)


def sides(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sides such that `low + side == high` in float64, in as few digits as will do.

    There is not always such a side (when the exact one lies half-way between two float64); then the sum is off by the last
    bit.
    """
    with np.errstate(over="ignore"):  # the largest of all floats cannot be rounded, and stay as they are
        exact = high - low
        best = exact
        for step in (np.inf, -np.inf):
            near = np.nextafter(exact, step)
            best = np.where((low + best != high) & (low + near == high), near, best)
        for digits in reversed(_ROUNDINGS):
            rounded = np.round(exact, digits)
            best = np.where(low + rounded == high, rounded, best)
    return best


def areas(annotations: pd.DataFrame, xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas: the source's own where it has them, else of the polygons, else of the boxes."""
    with np.errstate(over="ignore"):
        total = xywh[:, 2] * xywh[:, 3]
    outlines = field_of(annotations, "segmentation")
    for k, outline in enumerate(() if outlines is None else outlines.tolist()):
        if outline is not None and outline_kind(outline) == "polygons":
            total[k] = round(sum(polygon_area(p) for p in msgspec.json.decode(outline) if len(p) >= 6 and len(p) % 2 == 0), 4)
    own = field_of(annotations, "area")
    if own is None:
        return total
    known: NDArray[np.float64] = own.astype(np.float64)
    return np.where(np.isnan(known), total, known)


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() else value

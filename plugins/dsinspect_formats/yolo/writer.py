"""Write YOLO: a label file per image, data.yaml, and what became of the ids of categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import yaml

from dsinspect.errors import UserError
from dsinspect.geometry.exif_frames import turned_upright
from dsinspect.geometry.label_swap import mirrored
from dsinspect.io.containment import inside
from dsinspect.io.folders import make_folder
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, NO_POSITION, boxes_xyxy
from dsinspect_formats._writing import Losses, cannot_write, category_pairs, field_of, sizes_wh, slices_of, write_file
from dsinspect_formats.yolo._label_places import label_of as label_of
from dsinspect_formats.yolo._points import Poses, corner_rows
from dsinspect_formats.yolo._settings import SPLITS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from dsinspect_formats.yolo._kinds import Task

HINTS = {"polygons": "polygons (--set yolo.task=segment keeps them where each annotation has exactly one)",
         "rotations of boxes (their envelopes stay)": "rotations of boxes (their envelopes stay; --set yolo.task=obb keeps them)",
         "keypoints": "keypoints (--set yolo.task=pose keeps them where all annotations have the same number of them)"}
"""Losses of one kind of rows that another kind keeps."""
_LARGEST_GAP = 10_000
"""Class numbers of a set that names none stay up to this one: data.yaml has to name all below."""


def place(path: str, split: str | None) -> str:
    """Return `images/SPLIT/...` with the subfolders the image has, but those that say `images` or name the split."""
    *folders, name = inside(path).split("/")
    plain = [f for f in folders if f.lower() not in ("images", "labels", "jpegimages")
             and (split is None or SPLIT_NAMES.get(f.lower(), f) != split)]
    return "/".join(("images", *((split,) if split else ()), *plain, name))


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path, task: Task = "detect") -> Mapping[str, int]:
    """Write `labels/...`, `data.yaml` and, when numbers of classes changed, `categories.json`; see `Format.write`.

    Fractions are of the upright image, in the shortest digits that read back as the same float64 (17 at most): boxes
    come back within 1e-9 px.

    Args:
        info: of the dataset the records come from.
        shards: see `Format.write`.
        out: the output folder.
        task: kind of rows: boxes; polygons, of which every annotation needs exactly one; corners, of rotated boxes and of
            others; or boxes with keypoints.

    Raises:
        UserError: a file cannot be written, an annotation has not one polygon, or no two sorts of keypoints go together.
    """
    own = {"segment": ("segmentation",), "obb": CORNER_COLUMNS, "pose": ("keypoints", "flip_pairs")}.get(task, ())
    kept = ("category_ids", "unnamed", "unused", *own)
    poses = Poses() if task == "pose" else None
    losses = Losses(info, kept)
    classes = _Classes(info)
    splits: dict[str | None, None] = dict.fromkeys(info.splits)
    without_split = 0
    for shard in shards:
        shard = turned_upright(shard)
        annotations, numbers = _numbered(losses.take(shard), classes, losses)
        annotations, numbers = _sized(shard.images, annotations, numbers, losses)
        if task == "segment":
            rows = _segments(shard.images, annotations, numbers, losses)
        elif task == "obb":
            rows = corner_rows(shard.images, annotations, numbers, losses)
        else:
            rows = _boxes(shard.images, annotations, numbers)
        if poses is not None:
            rows = poses.rows(shard.images, annotations, rows)
        for path, (start, end) in zip(shard.images["path"].tolist(), slices_of(annotations, len(shard.images)), strict=True):
            write_file(out / label_of(path), "".join(rows[start:end]).encode())
        for split in shard.images["split"].tolist():
            splits[split] = None
            without_split += split is None
        losses.add("names of images without a file (their label files are there)", sum(
            f is None for f in shard.images["file"].tolist()) if info.has_files else 0)
        losses.add("images in splits that data.yaml has no key for", sum(
            s not in (None, *SPLITS) for s in shard.images["split"].tolist()))
    named = [s for s in splits if s is not None]
    if named:
        losses.add("images without a split, which data.yaml does not name", without_split)
    _finish(out, classes, named, {} if poses is None else _pose_settings(info, poses.shape()))
    return {HINTS.get(what, what): n for what, n in losses.result().items()}


def _pose_settings(info: DatasetInfo, shape: list[int]) -> dict[str, Any]:
    """Return `kpt_shape`, and `flip_idx` as declared, or where the names of the keypoints distinguish left from right."""
    names = {c.keypoints for c in info.categories if c.keypoints}
    settings: dict[str, Any] = {"kpt_shape": shape}
    if len(info.flip_pairs) == shape[0]:
        settings["flip_idx"] = list(info.flip_pairs)
    elif len(names) == 1 and len(own := next(iter(names))) == shape[0]:
        settings["flip_idx"] = [own.index(m) if (m := mirrored(n)) in own else k for k, n in enumerate(own)]
    return settings


def _finish(out: Path, classes: _Classes, splits: Sequence[str], of_poses: Mapping[str, Any]) -> None:
    order = [s for s in SPLITS if s in splits] + [s for s in splits if s not in SPLITS]
    try:
        for split in order or [""]:
            make_folder(out / "images" / split)
            make_folder(out / "labels" / split)
    except OSError as e:
        raise cannot_write(out, e) from None
    settings: dict[str, Any] = {split: f"images/{split}" for split in order}
    settings |= of_poses
    settings["names"] = classes.names
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=1000)
    if "\x85" in text:  # a line end to YAML 1.1, which PyYAML writes as it stands
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=False, width=1000)
    write_file(out / "data.yaml", text.encode())
    if classes.changed:
        mapping = {"classes": [{"source_id": None if own == NO_POSITION else own, "name": name, "class": k}
                               for (own, name), k in classes.numbers.items()]}
        write_file(out / "categories.json", msgspec.json.format(msgspec.json.encode(mapping), indent=1) + b"\n")


class _Classes:
    """Numbers of classes: declared ids where these are 0 to n - 1, else by declared id, then by first appearance."""

    def __init__(self, info: DatasetInfo) -> None:
        declared = sorted(((c.category_id, c.name) for c in info.categories), key=lambda c: c[0])
        pairs = list(dict.fromkeys(declared))
        self.numbers: dict[tuple[int, str], int] = {pair: k for k, pair in enumerate(pairs)}
        self._keeps = [own for own, _ in pairs] == list(range(len(pairs)))
        self._is_declared = bool(pairs)
        self._by_name = {name: k for (_, name), k in reversed(self.numbers.items())}

    @property
    def names(self) -> dict[int, str]:
        """Name by number; a number below the largest that none has is its own name."""
        names = {k: name for (_, name), k in self.numbers.items()}
        return {k: names.get(k, str(k)) for k in range(max(names, default=-1) + 1)}

    @property
    def changed(self) -> bool:
        """Say whether a class has another number than its id."""
        return any(own not in (k, NO_POSITION) for (own, _), k in self.numbers.items())

    def number(self, own: int, name: str | None) -> int:
        """Return the number of a class, or -1 when it can have none."""
        if name is None:
            return own if self._keeps and own >= 0 else NO_POSITION
        found = self.numbers.get((own, name), self._by_name.get(name) if own == NO_POSITION else None)
        if found is None:
            taken = set(self.numbers.values())
            found = max(taken, default=-1) + 1
            if not self._is_declared and 0 <= own < _LARGEST_GAP and own not in taken:
                found = own
            self.numbers[own, name] = found
            self._by_name.setdefault(name, found)
        return found


def _numbered(annotations: pd.DataFrame, classes: _Classes, losses: Losses) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    pairs, inverse = category_pairs(annotations)
    numbers = np.array([classes.number(*pair) for pair in pairs], np.int64)[inverse]
    losses.add("annotations of unknown categories", numbers < 0)
    return annotations[numbers >= 0].reset_index(drop=True), numbers[numbers >= 0]


def _sized(images: pd.DataFrame, annotations: pd.DataFrame, numbers: NDArray[np.int64],
           losses: Losses) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    has_size = np.isfinite(sizes_wh(images)).all(axis=1)
    known: NDArray[np.bool_] = np.asarray(has_size)[annotations["image_row"].to_numpy()]
    losses.add("annotations of images whose size nobody knows", ~known)
    return annotations[known].reset_index(drop=True), numbers[known]


def _boxes(images: pd.DataFrame, annotations: pd.DataFrame, numbers: NDArray[np.int64]) -> list[str]:
    boxes = boxes_xyxy(annotations).reshape(-1, 4)
    sizes = sizes_wh(images)[annotations["image_row"].to_numpy()]
    centres = (boxes[:, :2] / 2 + boxes[:, 2:] / 2) / sizes
    sides = (boxes[:, 2:] - boxes[:, :2]) / sizes
    values = np.column_stack([centres, sides]).tolist()
    return [f"{n} {x!r} {y!r} {w!r} {h!r}\n" for n, (x, y, w, h) in zip(numbers.tolist(), values, strict=True)]


def _segments(images: pd.DataFrame, annotations: pd.DataFrame, numbers: NDArray[np.int64], losses: Losses) -> list[str]:
    outlines = field_of(annotations, "segmentation")
    sizes = sizes_wh(images)
    rows, differ = [], 0
    boxes = boxes_xyxy(annotations).reshape(-1, 4)
    for k, image_row in enumerate(annotations["image_row"].tolist()):
        points = _one_polygon(None if outlines is None else outlines[k])
        if points is None:
            raise UserError(f"{images['path'].iat[image_row]}: yolo.segments: annotation {annotations['annotation_id'].iat[k]} has "
                            "not exactly one polygon; leave yolo.segments out to write boxes")
        envelope = np.concatenate([points.min(axis=0), points.max(axis=0)])
        differ += bool(np.abs(envelope - boxes[k]).max() > 0.5)
        flat = (points / sizes[image_row]).reshape(-1).tolist()
        rows.append(f"{numbers[k]} {' '.join(map(repr, flat))}\n")
    losses.add("boxes that are not the envelope of their polygon (by more than 0.5 px)", differ)
    return rows


def _one_polygon(value: Any) -> NDArray[np.float64] | None:
    """Return the points, (N, 2) px, of an outline that is exactly one polygon of at least three."""
    try:
        polygons = msgspec.json.decode(value, type=list[list[float]]) if value is not None else []
    except msgspec.MsgspecError:
        return None
    if len(polygons) != 1 or len(polygons[0]) < 6 or len(polygons[0]) % 2:
        return None
    return np.array(polygons[0], np.float64).reshape(-1, 2)

"""Build tiny batches from literal rows, and cut them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dsinspect.geometry.exif import BY_DECLARED_SIZE
from dsinspect.inspection.measure import frame_sizes
from dsinspect.inspection.trainer_fates import judged_batch
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.trainers import Trainer
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect.tables.schema import (
    ANNOTATION_COLUMNS,
    BOX_COLUMNS,
    IMAGE_COLUMNS,
    Problem,
    annotations_frame,
    images_frame,
    problems_frame,
)


def make_batch(images: Sequence[Mapping[str, Any]] = (), annotations: Sequence[Mapping[str, Any]] = (),
               problems: Sequence[Mapping[str, Any]] = (), *, categories: Sequence[Any] = (), format: str = "coco",
               box_units: str = "px", split_categories: Mapping[str, Sequence[Any]] | None = None,
               measured: Mapping[str, Any] | None = None, trainer: Trainer | None = None) -> Batch:
    """Build a batch from literal rows.

    Args:
        images: rows with `path`, and any column of images or of a probe; `file` defaults to the path.
        annotations: rows with `image` (a path, or one that no image has), `category`, `box` (xyxy, px), and any other
            column of annotations; a text under `segmentation`, `keypoints` or `attributes` stands for the bytes of the file.
        problems: fields of `dsinspect.tables.schema.Problem`.
        categories: declared ones: names, or mappings with `id`, `name`, `supercategory`.
        format: name of the format.
        box_units: of the format; boxes are given in px either way.
        split_categories: declared categories by split.
        measured: values of probe columns for the images that give none.
        trainer: whom to ask for the fates of the rows, for checks that need one.
    """
    rows = [{**(measured or {}), **i} for i in images]
    n = len(rows)
    own: dict[str, Any] = {c: [r[c] for r in rows] for c in IMAGE_COLUMNS if n and all(c in r for r in rows)}
    for name, (dtype, _) in IMAGE_COLUMNS.items():
        if name not in own and any(name in r for r in rows):
            fill: Any = {"float64": np.nan, "int64": -1, "object": None}[dtype]
            own[name] = [r.get(name, fill) for r in rows]
    paths = [str(r["path"]) for r in rows]
    own.setdefault("image_id", np.arange(n))
    own["file"] = [r.get("file", r["path"]) for r in rows]
    own.setdefault("declared_path", paths)
    own.setdefault("source", ["annotations.json"] * n)
    frame = images_frame(n, **own)
    extra = {str(c) for r in rows for c in r if c not in IMAGE_COLUMNS}
    extra |= {*measured, "read_error"} if measured else set()
    for name in sorted(extra):
        kind = np.float64 if isinstance((measured or {}).get(name), (int, float)) else object
        frame[name] = _column([r.get(name) for r in rows]) if n else pd.Series([], dtype=kind)
    columns = {c: frame[c].to_numpy() for c in frame.columns if c in extra}
    width, height = frame_sizes(frame, columns, box_units)
    upright = BY_DECLARED_SIZE.upright(frame, "fraction" if box_units == "fraction" else "px")
    for name, size in (("frame_width", width), ("frame_height", height), ("boxes_upright", upright)):
        if name not in frame:
            frame[name] = size
    row_of = {p: k for k, p in reversed(list(enumerate(paths)))}
    declared = tuple(_category(k, c) for k, c in enumerate(categories))
    info = DatasetInfo(
        format=format, root=Path(), categories=declared, box_units="fraction" if box_units == "fraction" else "px",
        split_categories={s: tuple(_category(k, c) for k, c in enumerate(cs))
                          for s, cs in (split_categories or {}).items()},
        splits=tuple(dict.fromkeys(r["split"] for r in rows if r.get("split") is not None)))
    return _judged(Batch(info, frame, _annotations(annotations, row_of, declared),
                         problems_frame([Problem(**p) for p in problems])), trainer)


def _judged(batch: Batch, trainer: Trainer | None) -> Batch:
    if trainer is not None:
        batch.judged = judged_batch(batch, trainer)
    return batch


def _annotations(rows: Sequence[Mapping[str, Any]], row_of: Mapping[str, int],
                 declared: Sequence[Category]) -> pd.DataFrame:
    n = len(rows)
    ids = {c.name: c.category_id for c in declared}
    columns: dict[str, Any] = {
        "annotation_id": [r.get("annotation_id", k + 1) for k, r in enumerate(rows)],
        "image_row": [row_of.get(r.get("image", ""), -1) for r in rows],
        "image_id": [r.get("image_id", row_of.get(r.get("image", ""), -1)) for r in rows],
        "category": [r.get("category") for r in rows],
        "category_id": [r.get("category_id", ids.get(r.get("category", ""), -1)) for r in rows],
        "index": [r.get("index", k) for k, r in enumerate(rows)],
        "line": [r.get("line", -1) for r in rows],
        "source": [r.get("source", "annotations.json") for r in rows],
        "is_crowd": [bool(r.get("is_crowd", False)) for r in rows],
        "is_ignored": [bool(r.get("is_ignored", False)) for r in rows]}
    boxes = np.array([[float(v) for v in r.get("box", [0, 0, 10, 10])] for r in rows], np.float64).reshape(-1, 4)
    columns.update({c: boxes[:, k] for k, c in enumerate(BOX_COLUMNS)})
    known = {*ANNOTATION_COLUMNS, "image", "box"}
    for name in sorted({str(c) for r in rows for c in r} - known):
        values = [r.get(name) for r in rows]
        if name in ("segmentation", "keypoints", "attributes"):  # the reader keeps the bytes of the file
            values = [v.encode() if isinstance(v, str) else v for v in values]
        columns[name] = _column(values).to_numpy()
    return annotations_frame(n, **columns)


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    """Return measured values: numbers as float64 with NaN for None, bools as bool, the rest as objects."""
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, bool) for v in present) and len(present) == len(values):
        return pd.Series(list(values), dtype=bool)
    if present and all(isinstance(v, (int, float)) for v in present):
        return pd.Series([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    return pd.Series(list(values), dtype=object)


def _category(position: int, declared: Any) -> Category:
    if isinstance(declared, str):
        return Category(position, declared)
    return Category(int(declared.get("id", position)), declared["name"], declared.get("supercategory", ""))


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """Cut a batch into `parts` shards of whole images, as formats do; some are empty when there are few images.

    Annotations of unknown images go with the last shard, problems with the first.
    """
    n = len(batch.images)
    bounds = [n * k // parts for k in range(parts + 1)]
    rows = batch.annotations["image_row"].to_numpy()
    shards = []
    for k, (low, high) in enumerate(itertools.pairwise(bounds)):
        inside = (rows >= low) & (rows < high)
        if k == parts - 1:
            inside |= rows < 0
        annotations = batch.annotations[inside].reset_index(drop=True)
        row = annotations["image_row"].to_numpy()
        annotations = annotations.assign(image_row=np.where(row < 0, -1, row - low))
        shard = Batch(batch.dataset, batch.images.iloc[low:high].reset_index(drop=True), annotations,
                      batch.problems if k == 0 else problems_frame())
        shards.append(_judged(shard, batch.judged.trainer if batch.judged is not None else None))
    return shards

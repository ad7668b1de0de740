"""Map predictions on transformed images back to the originals, with the manifest of the run.

Predictions are COCO results: a JSON list of records with `image_id` (or `image` or `file_name`, the output's path), `bbox` as
x, y, width, height, and possibly `segmentation` and `keypoints`. Everything else in a record stays as it is. Overlapping
tiles give the same object twice; they are not merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.errors import UserError, os_reason
from dsinspect.geometry import affine as geometry
from dsinspect.geometry import rle as masks
from dsinspect.output.manifest import Entry, Manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Inverted:
    """Records in the frames of the originals, and how many could not be mapped back, by reason."""

    records: list[dict[str, Any]]
    skipped: Mapping[str, int]


def invert_predictions(path: Path, manifest: Manifest) -> Inverted:
    """Read predictions and map them back.

    Raises:
        UserError: the file cannot be read or is no list of records.
    """
    try:
        records = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e)}") from None
    except msgspec.MsgspecError as e:
        raise UserError(f"{path}: no COCO results, which are a list of records with image_id, bbox and score: {e}") from None
    by_id: dict[int, Entry] = {e.image_id: e for e in manifest.outputs}
    by_path: dict[str, Entry] = {e.path: e for e in manifest.outputs}
    found, entries = [], []
    skipped = {"of an image that the manifest does not have": 0, "of a transform without a matrix": 0}
    for record in records:
        number, name = record.get("image_id"), record.get("image") or record.get("file_name")
        entry = by_id.get(number) if isinstance(number, int) else by_path.get(str(name))
        if entry is None:
            skipped["of an image that the manifest does not have"] += 1
        elif entry.matrix is None:
            skipped["of a transform without a matrix"] += 1
        else:
            found.append(record)
            entries.append(entry)
    matrices = geometry.invert(np.array([e.matrix for e in entries], np.float64).reshape(-1, 2, 3))
    boxes = _boxes(path, found)
    moved = geometry.move_boxes(matrices, boxes)
    xywh = np.column_stack([moved[:, :2], moved[:, 2:] - moved[:, :2]]).tolist()
    out = [_record(r, e, m, b) for r, e, m, b in zip(found, entries, matrices, xywh, strict=True)]
    return Inverted(out, {k: v for k, v in skipped.items() if v})


def _boxes(path: Path, records: list[dict[str, Any]]) -> NDArray[np.float64]:
    try:
        xywh = np.array([r.get("bbox") or [np.nan] * 4 for r in records], np.float64).reshape(-1, 4)
    except (ValueError, TypeError):
        bad = next(k for k, r in enumerate(records) if not _is_box(r.get("bbox")))
        raise UserError(f"{path}: record {bad}: bbox is no list of 4 numbers: {records[bad].get('bbox')!r}") from None
    return np.column_stack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]])


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(isinstance(v, (int, float)) for v in value)


def _record(record: Mapping[str, Any], entry: Entry, matrix: NDArray[np.float64], bbox: list[float]) -> dict[str, Any]:
    new = dict(record)
    if "image_id" in new:
        new["image_id"] = entry.source.image_id
    for name in ("image", "file_name"):
        if name in new:
            new[name] = entry.source.path
    if record.get("bbox"):
        new["bbox"] = bbox
    outline = record.get("segmentation")
    if isinstance(outline, list):
        new["segmentation"] = [geometry.move_points(matrix, np.reshape(p, (-1, 2))).reshape(-1).tolist() for p in outline]
    elif isinstance(outline, dict):
        mask = masks.move_mask(masks.decode_mask(outline["counts"], outline["size"]), matrix,
                               (entry.source.width, entry.source.height))
        runs = masks.encode_mask(mask)
        new["segmentation"] = {"size": [entry.source.height, entry.source.width],
                               "counts": masks.text_from_counts(runs) if isinstance(outline["counts"], str) else runs}
    if record.get("keypoints"):
        points = np.reshape(np.asarray(record["keypoints"], np.float64), (1, -1, 3))
        new["keypoints"] = geometry.move_keypoints(matrix, points).reshape(-1).tolist()
    return new

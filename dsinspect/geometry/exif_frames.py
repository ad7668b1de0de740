"""Turn boxes and outlines from the stored into the upright frame of images with an EXIF orientation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dsinspect.geometry.annotations import Output, carry
from dsinspect.geometry.exif import orientation_matrix
from dsinspect.tables.dataset import Shard
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import BOX_COLUMNS, FRAME_COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESIDUE = 1e-10
"""What is left of px divided by a size and multiplied by it again is below this, px: 30,000 px have 4e-12 in their last bit."""


def turned_upright(shard: Shard) -> Shard:
    """Return a shard with boxes and `frame_width`, `frame_height` in the upright frames.

    Args:
        shard: boxes in px; `boxes_upright` says in which frame they are. Without the columns that are measured nothing is
            turned.
    """
    images = shard.images
    turn = turns(images)
    if not turn.any():
        return shard
    turned = _turned(shard, turn)
    swaps = turn & (images["orientation"].to_numpy() >= 5)
    stored_w, stored_h = images["file_width"].to_numpy(), images["file_height"].to_numpy()
    width = np.where(turn, np.where(swaps, stored_h, stored_w), images["frame_width"].to_numpy())
    height = np.where(turn, np.where(swaps, stored_w, stored_h), images["frame_height"].to_numpy())
    return turned.replace(images=_with_columns(images, {"frame_width": width, "frame_height": height}))


def with_sizes(shard: Shard, box_units: str) -> Shard:
    """Return a shard whose images have a size where one was measured: that of the frame their boxes are in."""
    if box_units == "fraction":
        shard = shard.replace(annotations=_with_columns(
            shard.annotations, {c: _without_residue(shard.annotations[c].to_numpy()) for c in BOX_COLUMNS}))
    images = shard.images
    declared = images[["width", "height"]].to_numpy()
    frame = images[["frame_width", "frame_height"]].to_numpy()
    sizes = np.where(np.isnan(declared) | (box_units == "fraction"), np.where(np.isnan(frame), declared, frame), declared)
    return shard.replace(images=_with_columns(images, {"width": sizes[:, 0], "height": sizes[:, 1]}))


@of_any_size()
def _without_residue(px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1.0 for 0.9999999999999964: px that came from fractions, off by less than 1e-10 from one of six decimals."""
    rounded = np.round(px, 6)
    return np.where(np.abs(rounded - px) < RESIDUE, rounded, px)


def turns(images: Any) -> NDArray[np.bool_]:
    """Say which images have boxes in a stored frame that is not the upright one."""
    if "orientation" not in images or "boxes_upright" not in images:
        return np.zeros(len(images), bool)
    turn: NDArray[np.bool_] = (images["orientation"].to_numpy() > 1) & ~images["boxes_upright"].to_numpy().astype(bool)
    return turn


def _turned(shard: Shard, which: NDArray[np.bool_]) -> Shard:
    """Turn the annotations of some images; every annotation keeps its row."""
    rows = shard.annotations["image_row"].to_numpy()
    affected = np.flatnonzero(np.append(which, False)[rows])
    affected = affected[np.argsort(rows[affected], kind="stable")]
    chosen = np.flatnonzero(which)
    records = shard.images.iloc[chosen][["path", *FRAME_COLUMNS]].to_dict("records")
    outputs = [_output(k, r) for k, r in zip(chosen.tolist(), records, strict=True)]
    part = shard.replace(annotations=shard.annotations.iloc[affected].reset_index(drop=True))
    moved = carry(part, outputs, 0.0, {}).annotations
    columns = {}
    for name in shard.annotations.columns:
        if name == "image_row":
            continue
        values = shard.annotations[name].to_numpy().copy()
        values[affected] = moved[name].to_numpy()
        columns[str(name)] = values
    return shard.replace(annotations=_with_columns(shard.annotations, columns))


def _output(row: int, image: Mapping[Any, Any]) -> Output:
    orientation, width, height = int(image["orientation"]), int(image["file_width"]), int(image["file_height"])
    upright = (height, width) if orientation >= 5 else (width, height)
    return Output(row, orientation_matrix(orientation, width, height), (0.0, 0.0, float(upright[0]), float(upright[1])),
                  is_cut=False, size_wh=upright)


def _with_columns(frame: pd.DataFrame, columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    # An explicit dtype keeps pandas 3 from turning object columns of text into its `str` type.
    return frame.assign(**{name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})

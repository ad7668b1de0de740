"""Keypoints as columns, parsed once per batch."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.protocols.batch import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_decode = msgspec.json.Decoder(list[float]).decode
_decode_all = msgspec.json.Decoder(list[list[float] | None]).decode


class Points(msgspec.Struct, frozen=True):
    """Keypoints of N annotations.

    Attributes:
        length: numbers of each annotation's keypoints; 0 without any, -1 when they are no list of numbers.
        xyv: (P, 3) x, y and visibility of all points of annotations whose length is a multiple of 3, px.
        owner: (P,) row of the annotation of each.
    """

    length: NDArray[np.int64]
    xyv: NDArray[np.float64]
    owner: NDArray[np.int64]


def points_of(batch: Batch) -> Points:
    """Parse the column `keypoints` of a batch."""
    decoded: list[Any]
    raws = batch.annotation_columns["keypoints"].tolist()
    try:
        decoded = _decode_all(b"[%b]" % b",".join(b"null" if raw is None else raw for raw in raws))
    except msgspec.MsgspecError:  # a fault somewhere among them
        decoded = [None if raw is None else _decoded(raw) for raw in raws]
    length = np.array([0 if d is None else -1 if d is ... else len(d) for d in decoded], np.int64).reshape(-1)
    lists = [d for d, n in zip(decoded, length.tolist(), strict=True) if n > 0 and n % 3 == 0]
    whole = np.where((length > 0) & (length % 3 == 0), length // 3, 0)
    flat = np.fromiter(chain.from_iterable(lists), np.float64, 3 * int(whole.sum()))
    return Points(length, flat.reshape(-1, 3), np.repeat(np.arange(len(length)), whole))


def _decoded(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except msgspec.MsgspecError:
        return ...

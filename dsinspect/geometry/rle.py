"""Run-length masks as COCO stores them, and how they follow a (2, 3) affine matrix.

Runs go down the columns, from the left; the first run counts pixels that are off. `counts` is a list of numbers, or the
same as text: each number (from the fourth on its difference to the one two before) in groups of five bits, lowest first,
with a bit for `more follows`, as characters from `0` on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dsinspect.geometry.affine import MATRIX_TOLERANCE, invert, move_points
from dsinspect.io.limits import limits, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]


class MaskTooLargeError(ValueError):
    """A mask of more pixels than are decoded."""


def decode_mask(counts: Sequence[int] | str, size_hw: Sequence[int]) -> Mask:
    """Return the (H, W) mask of runs.

    Args:
        counts: numbers, or the text form.
        size_hw: height and width, px, as COCO orders them.

    Raises:
        MaskTooLargeError: it has more pixels than the limit `mask_pixels`.
        ValueError: the runs do not add up to the size, or the text is no list of numbers.
    """
    height, width = (int(v) for v in size_hw)
    most = limits().mask_pixels  # a hundred bytes of runs can stand for any number of pixels
    if not (height >= 0 and width >= 0 and height * width <= most):
        raise MaskTooLargeError(f"a mask of {width:,} x {height:,} px is more than {most:,} px ({option('mask_pixels')})")
    runs = counts_from_text(counts) if isinstance(counts, str) else np.asarray(counts, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or (runs > height * width).any() or runs.sum() != height * width:
        raise ValueError(f"the runs add up to {int(runs.sum())} pixels, not to {height} x {width}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(width, height).T


def encode_mask(mask: Mask) -> list[int]:
    """Return the runs of an (H, W) mask."""
    flat = np.asarray(mask, bool).T.reshape(-1)
    if not flat.size:
        return []
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(edges).tolist()
    return [0, *runs] if flat[0] else runs


def counts_from_text(text: str) -> NDArray[np.int64]:
    """Return the runs of the text form.

    Raises:
        ValueError: a character outside `0` to `o`, or a number that does not end.
    """
    codes = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int64) - 48
    if not len(codes):
        return np.empty(0, np.int64)
    more = (codes & 0x20) != 0
    if (codes < 0).any() or (codes > 63).any() or more[-1]:
        raise ValueError("the text of a mask is damaged")
    last = np.flatnonzero(~more)
    number = np.cumsum(~more) - ~more  # which number a character belongs to
    first = np.concatenate([[0], last[:-1] + 1])
    if (last - first).max() > 11:
        raise ValueError("the text of a mask is damaged")
    place = np.arange(len(codes)) - first[number]
    values = np.zeros(len(last), np.int64)
    np.add.at(values, number, (codes & 0x1F) << (5 * place))
    negative = (codes[last] & 0x10) != 0
    values -= negative.astype(np.int64) << (5 * (last - first + 1))
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def text_from_counts(counts: Sequence[int]) -> str:
    """Return the text form of runs."""
    out = bytearray()
    for k, count in enumerate(counts):
        value = count - counts[k - 2] if k > 2 else count
        while True:
            code = value & 0x1F
            value >>= 5
            done = value == (-1 if code & 0x10 else 0)
            out.append(48 + (code if done else code | 0x20))
            if done:
                break
    return out.decode()


def move_mask(mask: Mask, matrix: ArrayLike, size_wh: tuple[int, int]) -> Mask:
    """Move a mask: each new pixel is what lies under its centre; exact for flips, quarter turns and whole-px shifts.

    Args:
        mask: (H, W).
        matrix: (2, 3), from old to new px with half-open edges.
        size_wh: width and height of the new mask, px.
    """
    width, height = size_wh
    back = invert(matrix)
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    if (np.abs([back[0, 1], back[1, 0]]) <= MATRIX_TOLERANCE).all():
        rows = _inside(back[1, 1] * y + back[1, 2], mask.shape[0])[:, None]
        columns = _inside(back[0, 0] * x + back[0, 2], mask.shape[1])[None, :]
    else:
        grid = move_points(back, np.stack(np.meshgrid(x, y), axis=-1))
        rows, columns = _inside(grid[..., 1], mask.shape[0]), _inside(grid[..., 0], mask.shape[1])
    moved: Mask = np.pad(mask, ((0, 1), (0, 1)))[rows, columns]  # a row and a column that are off stand for outside
    return moved


def _inside(places: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """Return the index of the pixel each place lies in, or `size` for one outside."""
    index = np.floor(places).astype(np.intp)
    return np.where((index < 0) | (index >= size), size, index)

"""Contact sheets: images in a near-square grid with gaps, their boxes and class names drawn on them.

Arrays are drawn too: each channel of an (H, W, C), (C, H, W) or (N, C, H, W) stack is a tile, stretched to the stack's own
range, so that feature maps and filters can be looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.render.drawing import draw_shape, placed
from dsinspect.render.palette import MARK
from dsinspect.render.shapes import Shape
from dsinspect.render.tags import Tag, place_tags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

GROUND = 245
"""Grey of the sheet."""
GAP = 6
"""Gap between tiles and around them, px."""
CAPTION = 18
"""Height of the line under a tile, px."""
FONT_SCALE = 0.4
CHARACTER = 7
"""Width of a character, px."""
MAX_LINES = 12
"""Lines of messages below a tile, at most."""


@dataclass(frozen=True)
class Marked:
    """An annotation to draw.

    Attributes:
        box: xyxy, px of the image.
        label: class name, or empty.
        is_marked: drawn on top, with a dark edge: what the sheet is about.
        colour: RGB.
        line: width of the line, px; of marks on one place the wider one lies below.
        shape: outline, corners and keypoints of what is more than a box.
    """

    box: tuple[float, float, float, float]
    label: str = ""
    is_marked: bool = False
    colour: tuple[int, int, int] = MARK
    line: int = 1
    shape: Shape | None = None

    @property
    def drawn(self) -> Shape:
        """What is drawn of it."""
        return Shape(self.box) if self.shape is None else self.shape


def grid_shape(n: int) -> tuple[int, int]:
    """Return columns and rows of a near-square grid: as many columns as rows, or one more.

    >>> [grid_shape(n) for n in (1, 2, 5, 9, 10)]
    [(1, 1), (2, 1), (3, 2), (3, 3), (4, 3)]
    """
    columns = max(1, math.ceil(math.sqrt(n)))
    return columns, max(1, math.ceil(n / columns))


def sheet(tiles: Sequence[Pixels], columns: int = 0, groups: Sequence[int] = ()) -> Pixels:
    """Lay (H, W, 3) tiles of any sizes out on one sheet, each row as high as its highest, tiles at its upper edge.

    Args:
        tiles: BGR.
        columns: of the grid; near-square when 0.
        groups: number of each tile's group; a group that fits into a row is not parted by the end of one.
    """
    if not tiles:
        return np.full((2 * GAP, 2 * GAP, 3), GROUND, np.uint8)
    columns = columns or grid_shape(len(tiles))[0]
    places = grid_places(groups or range(len(tiles)), columns)
    width = max(t.shape[1] for t in tiles)
    heights = [0] * (places[-1][0] + 1)
    for (row, _), tile in zip(places, tiles, strict=True):
        heights[row] = max(heights[row], tile.shape[0])
    tops = [GAP + sum(heights[:row]) + row * GAP for row in range(len(heights) + 1)]
    out = np.full((tops[-1], columns * (width + GAP) + GAP, 3), GROUND, np.uint8)
    for (row, column), tile in zip(places, tiles, strict=True):
        x = GAP + column * (width + GAP) + (width - tile.shape[1]) // 2
        out[tops[row]:tops[row] + tile.shape[0], x:x + tile.shape[1]] = tile
    return out


def grid_places(groups: Sequence[int], columns: int) -> list[tuple[int, int]]:
    """Return row and column of each tile; a group goes to the next row where it fits there, and not here.

    >>> grid_places([1, 2, 2, 3, 3, 3, 3, 3], 2)
    [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0)]
    """
    places: list[tuple[int, int]] = []
    row = column = 0
    for _, members in groupby(groups):
        size = len(list(members))
        if column and column + size > columns >= size:
            row, column = row + 1, 0
        for _ in range(size):
            if column == columns:
                row, column = row + 1, 0
            places.append((row, column))
            column += 1
    return places


def tile(pixels: NDArray[Any], side: int, boxes: Sequence[Marked] = (), caption: str = "",
         frame_wh: tuple[float, float] | None = None, notes: Sequence[str] = ()) -> Pixels:
    """Return an image shrunk to a tile, with its boxes and a caption.

    Args:
        pixels: (H, W), (H, W, 3) BGR or (H, W, 4), uint8 or uint16.
        side: longer side of the tile, px; smaller images are enlarged up to four times.
        boxes: to draw; those that are not finite are left out, and counted below with those wholly outside.
        caption: text below, cut at its start to fit.
        frame_wh: size of the frame that the boxes are in, when it is not that of the pixels, px.
        notes: texts below the caption, over as many lines as they need, twelve at most.
    """
    import cv2

    bgr = as_bgr(pixels)
    height, width = bgr.shape[:2]
    factor = min(side / max(height, width), 4.0)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST)
    frame = frame_wh or (width, height)
    window = (0.0, 0.0, float(frame[0]), float(frame[1]))
    shown = sorted((m for m in boxes if all(map(math.isfinite, m.drawn.extent))), key=lambda m: (m.is_marked, -m.line))
    for marked in shown:
        draw_shape(bgr, marked.drawn, window, marked.colour, marked.line)
    _draw_tags(bgr, shown, window)
    if caption:
        notes = [*_unseen(boxes, window), *notes]
        width = max(bgr.shape[1], side)
        pad = width - bgr.shape[1]
        bgr = np.pad(bgr, ((0, 0), (pad // 2, pad - pad // 2), (0, 0)), constant_values=GROUND)
        bgr = np.concatenate([bgr, *(_line(text, width, ink) for text, ink in _lines(caption, notes, width))])
    return np.asarray(bgr, np.uint8)


def _unseen(boxes: Sequence[Marked], window: tuple[float, float, float, float]) -> list[str]:
    """Say how many boxes leave no trace on an image; those that are marked have a message that says it."""
    left, top, right, bottom = window
    outside = infinite = 0
    for marked in boxes:
        x_min, y_min, x_max, y_max = marked.drawn.extent
        if marked.is_marked:
            continue
        if not all(map(math.isfinite, marked.drawn.extent)):
            infinite += 1
        elif max(x_min, x_max) < left or max(y_min, y_max) < top or min(x_min, x_max) > right or min(y_min, y_max) > bottom:
            outside += 1
    counts = ((outside, "outside of the image"), (infinite, "not finite"))
    return [f"{n} {'box' if n == 1 else 'boxes'} {what}" for n, what in counts if n]


def _lines(caption: str, notes: Sequence[str], width: int) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the lines below an image with their colours, BGR."""
    wrapped = [line for note in notes for line in wrapped_lines(note, width - 4)]
    if len(wrapped) > MAX_LINES:
        wrapped = [*wrapped[:MAX_LINES - 1], shortened(f"and {len(wrapped) - MAX_LINES + 1} more lines", width)]
    return [(caption, (60, 60, 60)), *((line, (120, 20, 100)) for line in wrapped)]


def wrapped_lines(text: str, width: int) -> list[str]:
    """Return a text in lines as wide as `width` px allows, as they are drawn; a word that is wider is broken.

    >>> wrapped_lines("Box has no area", 70)
    ['Box has no', 'area']
    >>> wrapped_lines("an area of 9 px²", 200)
    ['an area of 9 sq px']
    """
    lines: list[str] = []
    line = ""
    for word in drawable(text).split():
        if line and text_width(f"{line} {word}") <= width:
            line = f"{line} {word}"
            continue
        lines += [line] if line else []
        while text_width(word) > width and len(word) > 1:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or text_width(word[:n]) <= width)
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    return [*lines, line] if line else lines


def text_width(text: str) -> int:
    """Return how wide a text is drawn, px; OpenCV crashes on a text that cannot be encoded."""
    import cv2

    return int(cv2.getTextSize(drawable(text), cv2.FONT_HERSHEY_SIMPLEX, FONT_SCALE, 1)[0][0])


def _line(text: str, width: int, ink: tuple[int, int, int]) -> Pixels:
    line = np.full((CAPTION, width, 3), GROUND, np.uint8)
    _write(line, text if text_width(text) < width else shortened(text, width), 1, CAPTION - 5, ink)
    return line


def _draw_tags(bgr: Pixels, shown: Sequence[Marked], window: tuple[float, float, float, float]) -> None:
    """Write the class names beside their boxes."""
    import cv2

    rows, columns = bgr.shape[:2]
    corners = np.array([placed(bgr, m.drawn.extent, window) for m in shown], np.float64).reshape(-1, 2, 2)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    # The line reaches over the edge of the box: a name that begins on it would hide it.
    boxes += np.array([(-k, -k, k, k) for m in shown for k in [1 + m.line // 2]], np.float64).reshape(-1, 4)
    tags, texts = [], {}
    for k in range(len(shown) - 1, -1, -1):  # what is marked first
        left, top, right, bottom = boxes[k].tolist()
        if not shown[k].label or right <= 0 or bottom <= 0 or left >= columns or top >= rows:
            continue  # a name of a box that is not seen would be read as another object's
        texts[k] = shortened(shown[k].label, columns)
        (width, height), _ = cv2.getTextSize(texts[k], cv2.FONT_HERSHEY_SIMPLEX, FONT_SCALE, 1)
        tags.append(Tag(k, width + 2, height + 5, shown[k].is_marked))
    size = {t.box: (t.width, t.height) for t in tags}
    for k, (x, y) in place_tags(tags, boxes, (columns, rows)).items():
        colour = shown[k].colour[::-1]
        width, height = size[k]
        cv2.rectangle(bgr, (x, y), (x + width - 1, y + height - 1), colour, -1)
        bright = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]
        _write(bgr, texts[k], x + 1, y + height - 4, (0, 0, 0) if bright > 110 else (255, 255, 255))


def blank(side: int, reason: str, caption: str, notes: Sequence[str] = ()) -> Pixels:
    """Return a tile in place of an image that cannot be read, with the reason on it."""
    import textwrap

    pixels = np.full((side * 3 // 4, side, 3), 215, np.uint8)
    for k, line in enumerate(textwrap.wrap(shortened(reason, 7 * 200), max(8, side // 8))[:5]):
        _write(pixels, line, 6, 20 + 16 * k, (0, 0, 160))
    return tile(pixels, side, (), caption, None, notes)


def _write(bgr: Pixels, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    import cv2

    cv2.putText(bgr, drawable(text), (x, y), cv2.FONT_HERSHEY_SIMPLEX, FONT_SCALE, colour, 1, cv2.LINE_AA)


def shortened(text: str, width: int) -> str:
    """Return a text that fits into `width` px, cut in the middle; what the font does not have becomes `?`."""
    room = max(3, width // CHARACTER)
    text = drawable(text)
    return text if len(text) <= room else text[:(room - 2) // 2] + ".." + text[len(text) - (room - 2 - (room - 2) // 2):]


def drawable(text: str) -> str:
    """Return a text in the characters that the font has.

    >>> drawable("9 px² of Ä")
    '9 sq px of ?'
    """
    return text.replace("px²", "sq px").replace("²", "^2").encode("ascii", "replace").decode()


def as_bgr(pixels: NDArray[Any]) -> Pixels:
    """Return (H, W, 3) uint8 BGR of grey, BGR or BGRA pixels of 8 or 16 bits; alpha shows the sheet's ground."""
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * alpha + GROUND * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(pixels[..., :3])


def channel_tiles(array: NDArray[Any], limit: int) -> list[NDArray[np.uint8]]:
    """Return the channels of an array as grey images, stretched from the least to the largest value of all of them.

    Args:
        array: (H, W), (H, W, C) or (C, H, W) (the shorter one of first and last axis is C), or (N, C, H, W).
        limit: how many at most.

    Raises:
        ValueError: another number of axes, or no values.
    """
    if array.ndim not in (2, 3, 4) or not array.size or array.dtype.kind not in "uifb":
        raise ValueError(f"an array of shape {array.shape} and type {array.dtype} is no stack of channels")
    if array.ndim == 2:
        stack = array[None]
    elif array.ndim == 3:
        stack = array if array.shape[0] <= array.shape[2] else np.moveaxis(array, 2, 0)
    else:
        stack = array.reshape(-1, *array.shape[2:])
    planes = stack[:limit].astype(np.float64)
    finite = np.isfinite(planes)
    low, high = (planes[finite].min(), planes[finite].max()) if finite.any() else (0.0, 0.0)
    span = high - low if high > low else 1.0
    grey = np.where(finite, (planes - low) / span * 255, 0)
    return list(np.rint(grey).astype(np.uint8))

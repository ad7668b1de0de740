"""Read Pascal VOC masks: what stands in the files becomes tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.geometry.rle import encode_mask
from dsinspect.io.reading import read_regular
from dsinspect.tables.schema import NO_POSITION
from dsinspect_formats._label_files import Entry
from dsinspect_formats._reading import as_json, reason_of
from dsinspect_formats._rows import Rows
from dsinspect_formats._text import decode
from dsinspect_formats.vocmask._looks import LABELS, OBJECTS
from dsinspect_formats.vocmask._pixels import Pixels, pixels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


CLASSES = ("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
           "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")


COLUMNS = frozenset(("segmentation", "area"))


VOID, BACKGROUND = 0xE0E0C0, 0
"""Colours of the border between objects, and of what is no object."""


def _lines(path: Path) -> list[str]:
    try:
        return [line.split()[0] for line in decode(read_regular(path))[0].splitlines() if line.strip()]
    except OSError:
        return []


def voc_colours(count: int) -> NDArray[np.int64]:
    """Return the colours of VOC's palette as 0xRRGGBB: bits of the number, three at a time, from the highest bit down."""
    codes = np.zeros(count, np.int64)
    numbers = np.arange(count)
    for bit in range(8):
        for channel, shift in enumerate((16, 8, 0)):
            codes |= ((numbers >> (3 * bit + channel)) & 1) << (shift + 7 - bit)
    return codes


_RANK = {c: k for k, c in enumerate(voc_colours(256).tolist())}
"""Numbers of the colours of VOC's palette: objects are numbered in this order."""


def _colours(root: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the colours of the classes and their names: of `labelmap.txt` (name:r,g,b:...), else VOC's own."""
    try:
        lines = decode(read_regular(root / "labelmap.txt", "yaml_mb"))[0].splitlines()
    except OSError:
        return tuple(voc_colours(len(CLASSES)).tolist()), CLASSES
    colours, names = [], []
    for line in lines:
        name, _, rest = line.partition(":")
        rgb = rest.partition(":")[0].split(",")
        if line.startswith("#") or len(rgb) != 3 or not all(v.strip().isdigit() for v in rgb):
            continue
        red, green, blue = (min(int(v), 255) for v in rgb)
        colours.append(red << 16 | green << 8 | blue)
        names.append(name.strip())
    return tuple(colours), tuple(names)


def read_masks(content: bytes, image: int, entry: Entry, rows: Rows, root: str, colours: tuple[int, ...],
               names: tuple[str, ...]) -> tuple[float, float] | None:
    """Read the masks of an image: each colour of the mask of instances is an object."""
    assert entry.label is not None
    beside = Path(root) / entry.label.replace(OBJECTS, LABELS)
    try:
        instances = pixels_of(content)
        classes = pixels_of(read_regular(beside))
        if classes.numbers.shape != instances.numbers.shape:
            raise ValueError("has another size than the mask of classes")
    except OSError as e:
        rows.fault(f"the mask of classes {entry.label.replace(OBJECTS, LABELS)} {reason_of(e)}")
        return None
    except ValueError as e:
        rows.fault(str(e))
        return None
    height, width = instances.numbers.shape
    runs = _Runs(instances, classes)
    number_of = {c: k for k, c in enumerate(colours)}
    found = [(_RANK.get(c, c + 256), k, c) for k, c in enumerate(runs.colours.tolist()) if c not in (VOID, BACKGROUND)]
    boxes, areas, votes = (runs.boxes().tolist(), runs.areas().tolist(), runs.commonest_classes().tolist()) if found else ([],) * 3
    for index, (_, k, colour) in enumerate(sorted(found)):
        number = number_of.get(votes[k], NO_POSITION)
        if number == 0 or (number < 0 and votes[k] == VOID):
            rows.fault("an instance lies where the mask of classes has no class", f"colour {colour:06x}", index=index)
            continue
        extra: dict[str, Any] | None = None
        if rows.fields:
            extra = {"area": float(areas[k]),
                     "segmentation": as_json({"size": [height, width], "counts": encode_mask(runs.mask(k))})}
        rows.add(image, names[number] if number >= 0 else None, tuple(boxes[k]), index, category_id=number, extra=extra)
    return float(width), float(height)


class _Runs:
    """Pixels of a line, one after the other, of one instance and one class: a few hundred stand for a million pixels.

    Attributes:
        colours: of the instances, 0xRRGGBB, ascending.
    """

    def __init__(self, instances: Pixels, classes: Pixels) -> None:
        self._height, self._width = instances.numbers.shape
        starts = np.ones((self._height, self._width), bool)
        np.not_equal(instances.numbers[:, 1:], instances.numbers[:, :-1], out=starts[:, 1:])
        starts[:, 1:] |= classes.numbers[:, 1:] != classes.numbers[:, :-1]
        self._at = np.flatnonzero(starts)
        self._lengths = np.diff(self._at, append=starts.size)
        self.colours, self._owner = np.unique(instances.colours_at(self._at), return_inverse=True)
        self._classes = classes.colours_at(self._at)
        self._order = np.argsort(self._owner, kind="stable")
        self._first = np.searchsorted(self._owner[self._order], np.arange(len(self.colours)))

    def boxes(self) -> NDArray[np.float64]:
        """Return the box of each instance, half-open px, (N, 4)."""
        lines, columns = np.divmod(self._at[self._order], self._width)
        ends = columns + self._lengths[self._order]
        return np.stack([np.minimum.reduceat(columns, self._first), np.minimum.reduceat(lines, self._first),
                         np.maximum.reduceat(ends, self._first), np.maximum.reduceat(lines, self._first) + 1], 1).astype(np.float64)

    def areas(self) -> NDArray[np.int64]:
        """Return the pixels of each instance."""
        areas: NDArray[np.int64] = np.add.reduceat(self._lengths[self._order], self._first)
        return areas

    def commonest_classes(self) -> NDArray[np.int64]:
        """Return the colour of the class that most pixels of each instance have; of equals the lowest."""
        kinds, kind = np.unique(self._classes, return_inverse=True)
        pairs, pair = np.unique(self._owner * len(kinds) + kind, return_inverse=True)
        counts = np.bincount(pair, self._lengths)
        owners = pairs // len(kinds)
        best = pairs[np.lexsort((pairs, -counts, owners))]
        found: NDArray[np.int64] = kinds[best[np.searchsorted(owners, np.arange(len(self.colours)))] % len(kinds)]
        return found

    def mask(self, instance: int) -> NDArray[np.bool_]:
        """Return where an instance is, (H, W)."""
        return np.repeat(self._owner == instance, self._lengths).reshape(self._height, self._width)

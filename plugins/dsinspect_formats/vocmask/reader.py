"""Read Pascal VOC masks: what stands in the files becomes tables."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.errors import PluginError
from dsinspect.geometry.rle import encode_mask
from dsinspect.io.limits import limits, option
from dsinspect_formats._images import walk
from dsinspect_formats._reading import Entry, Rows, as_json, content_of, reason_of
from dsinspect_formats._text import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray


CLASSES = ("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
           "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")


COLUMNS = frozenset(("segmentation", "area"))


_PNG = b"\x89PNG\r\n\x1a\n"


OBJECTS, LABELS = "SegmentationObject/", "SegmentationClass/"


def _masks(root: Path) -> list[str]:
    return [p for p in walk(root) if OBJECTS in f"{p}" and p.lower().endswith(".png")
            and p.split("/")[-2] == "SegmentationObject"]


def _lines(path: Path) -> list[str]:
    try:
        return [line.split()[0] for line in decode(content_of(path))[0].splitlines() if line.strip()]
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


def _colours(root: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the colours of the classes and their names: of `labelmap.txt` (name:r,g,b:...), else VOC's own."""
    try:
        lines = decode(content_of(root / "labelmap.txt", "yaml_mb"))[0].splitlines()
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


def _decoded(content: bytes) -> NDArray[np.int32]:
    """Return the colours of a PNG as 0xRRGGBB, (H, W); raises ValueError, in words."""
    if not content.startswith(_PNG) or len(content) < 24:
        raise ValueError("is no PNG image")
    width, height = struct.unpack_from(">II", content, 16)
    if width * height > (most := limits().mask_pixels):
        raise ValueError(f"has {width:,} x {height:,} px, more than {most:,} px ({option('mask_pixels')})")
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as e:
        raise PluginError(str(e)) from None
    if pixels is None:
        raise ValueError("cannot be decoded")
    wide = np.empty((height, width, 4), np.uint8)  # three bytes and a zero are one number
    wide[..., :3], wide[..., 3] = pixels, 0
    codes: NDArray[np.int32] = wide.view("<i4")[..., 0].astype(np.int32, copy=False)
    return codes


def _ranked(codes: NDArray[np.int32]) -> tuple[NDArray[np.integer[Any]], dict[int, int]]:
    """Return the number of each pixel's colour, (H, W), and the number by colour; runs of one colour are looked at once."""
    flat = codes.ravel()
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    heads = flat[starts]
    colours = np.unique(heads)
    ranks = np.searchsorted(colours, heads).astype(np.uint8 if len(colours) < 256 else np.int64)
    places: NDArray[np.integer[Any]] = np.repeat(ranks, np.diff(np.append(starts, flat.size))).reshape(codes.shape)
    return places, {c: k for k, c in enumerate(colours.tolist())}


def read_masks(content: bytes, image: int, entry: Entry, rows: Rows, root: str, colours: tuple[int, ...],
               names: tuple[str, ...]) -> tuple[float, float] | None:
    """Read the masks of an image: each colour of the mask of instances is an object."""
    assert entry.label is not None
    beside = Path(root) / entry.label.replace(OBJECTS, LABELS)
    try:
        instances = _decoded(content)
        classes = _decoded(content_of(beside))
        if classes.shape != instances.shape:
            raise ValueError("has another size than the mask of classes")
    except OSError as e:
        rows.fault(f"the mask of classes {reason_of(e)}")
        return None
    except ValueError as e:
        rows.fault(str(e))
        return None
    height, width = instances.shape
    places, rank = _ranked(instances)
    number_of = {c: k for k, c in enumerate(colours)}
    void, background = 0xE0E0C0, 0
    palette = {c: k for k, c in enumerate(voc_colours(256).tolist())}
    found = [c for c in rank if c not in (void, background)]
    for index, colour in enumerate(sorted(found, key=lambda c: palette.get(c, c + 256))):
        mask = places == rank[colour]
        columns, lines = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        box = (float(columns[0]), float(lines[0]), float(columns[-1] + 1), float(lines[-1] + 1))
        inside = np.s_[lines[0]:lines[-1] + 1, columns[0]:columns[-1] + 1]
        codes, counts = np.unique(classes[inside][mask[inside]], return_counts=True)
        number = number_of.get(int(codes[counts.argmax()]), -1)
        if number == 0 or (number < 0 and int(codes[counts.argmax()]) == void):
            rows.fault("an instance lies where the mask of classes has no class", f"colour {colour:06x}", index=index)
            continue
        extra: dict[str, Any] | None = None
        if rows.fields:
            extra = {"area": float(mask.sum()), "segmentation": as_json({"size": [height, width], "counts": encode_mask(mask)})}
        rows.add(image, names[number] if number >= 0 else None, box, index, category_id=number, extra=extra)
    return float(width), float(height)

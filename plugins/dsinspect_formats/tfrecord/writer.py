"""Write TFRecord files with the keys of the object detection API: one per split, and the label map."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from dsinspect.geometry.exif_frames import turned_upright
from dsinspect.io.containment import inside, name_of
from dsinspect.io.reading import read_regular
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._embedded import suffix_of
from dsinspect_formats._growing import growing
from dsinspect_formats._reading import split_of
from dsinspect_formats._writing import Losses, field_of, sized, sizes_wh, slices_of, write_file
from dsinspect_formats.tfrecord._records import BYTES, FLOATS, INTS, framed
from dsinspect_formats.tfrecord.reader import BOX, FLAGS, LABEL, TEXT


def place(path: str, split: str | None) -> str:
    """Return `images/SPLIT/...`."""
    *folders, name = inside(path).split("/")
    plain = [f for f in folders if f.lower() not in ("images", "jpegimages") and (split is None or split_of(f"{f}/x") is None)]
    return "/".join(("images", *((name_of(split),) if split is not None else ()), *plain, name))


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path, *, embed: bool) -> Mapping[str, int]:
    """Write `SPLIT.tfrecord` and `label_map.pbtxt`; see `Format.write`. Coordinates are float32, as the format has it.

    Args:
        info: of the dataset the records come from.
        shards: see `Format.write`.
        out: the output folder.
        embed: whether the records hold the bytes of the images.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("crowd", "ignored", "area", "unused", "category_ids"), stripped=False)
    classes = _Classes(info)
    with growing(out) as files:
        for split in info.splits or [None]:
            files.add(_file(split), b"")
        for shard in shards:
            shard = turned_upright(shard)
            annotations = sized(shard.images, losses.take(shard), losses)
            sizes = sizes_wh(shard.images)
            boxes = boxes_xyxy(annotations).reshape(-1, 4)
            own = sizes[annotations["image_row"].to_numpy()][:, [0, 1, 0, 1]]
            with np.errstate(over="ignore"):  # beyond float32 is infinite, and counted
                fractions = (boxes / own).astype(np.float32)
                losses.add("boxes that float32 moves by more than 0.001 px", (np.abs(fractions * own - boxes) > 1e-3).any(axis=1))
            names = annotations["category"].tolist()
            numbers = [classes.number(n) for n in names]
            flags = {key: annotations[key].to_numpy() for key in ("is_ignored", "is_crowd")}
            areas = field_of(annotations, "area")
            images = shard.images
            for row, (path, split, (start, end)) in enumerate(zip(
                    images["path"].tolist(), images["split"].tolist(), slices_of(annotations, len(images)), strict=True)):
                content = _content(out / path) if embed else b""
                values = _image(path, sizes[row].tolist(), content)
                values.update({key: fractions[start:end, k].tolist() for k, key in enumerate(BOX)})
                values[TEXT] = [n.encode(errors="replace") for n in names[start:end]]
                values[LABEL] = numbers[start:end]
                values.update({FLAGS[key]: flag[start:end].astype(int).tolist() for key, flag in flags.items()
                               if flag[start:end].any()})
                known = () if areas is None else np.isfinite(areas[start:end].astype(np.float64))
                if areas is not None and end > start and np.all(known):
                    values["image/object/area"] = areas[start:end].astype(np.float64).tolist()
                else:
                    losses.add("areas of images of which not each object has one", int(np.sum(known)))
                files.add(_file(split), framed(example(values)))
                losses.add("images in splits that readers of folders do not know", split is not None and (
                    split_of(_file(split), words=True) != split))
    write_file(out / "label_map.pbtxt", classes.text())
    if classes.changed:
        losses.add("category ids, and the order of categories", len(info.categories))
    return losses.result()


def _file(split: str | None) -> str:
    return f"{'annotations' if split is None else name_of(split)}.tfrecord"


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError:
        return b""  # the image is missing, and counted so where images are placed


def _image(path: str, size: Sequence[float], content: bytes) -> dict[str, list[Any]]:
    name = path.removeprefix("images/")
    values: dict[str, list[Any]] = {"image/filename": [name.encode(errors="replace")],
                                    "image/source_id": [name.encode(errors="replace")]}
    values.update({f"image/{side}": [int(v)] for side, v in zip(("width", "height"), size, strict=True) if v == v})
    if content:
        suffix = suffix_of(content, PurePosixPath(path).name).lower().lstrip(".")
        values["image/encoded"] = [content]
        values["image/format"] = [b"jpeg" if suffix in ("jpg", "jpe") else suffix.encode()]
        values["image/key/sha256"] = [sha256(content).hexdigest().encode()]
    return values


class _Classes:
    """Numbers of classes from 1: the declared ids where these are positive and differ, else the order of declaration."""

    def __init__(self, info: DatasetInfo) -> None:
        names = {c.name: c.category_id for c in info.categories}
        ids = list(names.values())
        self.changed = not (all(k > 0 for k in ids) and len(set(ids)) == len(ids))
        self._numbers = dict(names) if not self.changed else {n: k for k, n in enumerate(names, 1)}

    def number(self, name: str) -> int:
        """Return the number of a class; a new one gets the next."""
        return self._numbers.setdefault(name, max(self._numbers.values(), default=0) + 1)

    def text(self) -> bytes:
        """Return the label map."""
        items = (f"item {{\n  id: {k}\n  name: {quoted(n)}\n}}\n" for n, k in self._numbers.items())
        return "".join(items).encode(errors="replace")


def quoted(name: str) -> str:
    """Return a name as text of a label map."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'")
    return f"'{escaped}'"


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(number: int, content: bytes) -> bytes:
    """Return a field that holds a message, text or packed numbers."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def feature(name: str, kind: int, values: Sequence[Any]) -> bytes:
    """Return an entry of the map of features."""
    if kind == BYTES:
        listed = b"".join(message(1, v) for v in values)
    elif kind == FLOATS:
        listed = message(1, struct.pack(f"<{len(values)}f", *values)) if values else b""
    else:
        listed = message(1, b"".join(map(_varint, values))) if values else b""
    return message(1, message(1, name.encode()) + message(2, message(kind, listed)))


def example(values: Mapping[str, Sequence[Any]]) -> bytes:
    """Return a tf.train.Example; the kind of each list is that of its key or of its first value."""
    return message(1, b"".join(feature(name, kind_of(name, listed), listed) for name, listed in sorted(values.items())))


def kind_of(name: str, values: Sequence[Any]) -> int:
    """Return the kind of a list: of bytes, floats or whole numbers."""
    if name == TEXT or (values and isinstance(values[0], bytes)):
        return BYTES
    return FLOATS if name in (*BOX, "image/object/area") else INTS

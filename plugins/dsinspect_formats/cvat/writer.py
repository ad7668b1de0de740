"""Write CVAT XML 1.1 for images: one file, the split of an image as its subset."""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import msgspec
import numpy as np

from dsinspect.geometry.rle import decode_mask
from dsinspect.io.atomic import atomic
from dsinspect.io.containment import inside, plain
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, boxes_xyxy
from dsinspect_formats._outlines import Outlines, near
from dsinspect_formats._values import envelope
from dsinspect_formats._writing import Losses, cannot_write, field_of, number, outline_kind, slices_of
from dsinspect_formats.cvat._names import NAME_MOST, NOT_XML, SOURCE_MOST, UNNAMED, VALUE_MOST, short, text
from dsinspect_formats.cvat._shapes import rle_of

KEPT = ("segmentation", "keypoints", "attributes", "occluded", "z_order", "group", "source", "unused", *CORNER_COLUMNS)
TRACKS_LOST = "track ids (--set cvat.video=true keeps the tracks, but names images by frames)"
_LINE_END = {"\r": "&#13;"}
"""An XML reader takes a carriage return that stands as it is for a newline."""


def place(path: str) -> str:
    """Return `images/...`, where CVAT's own exports have them."""
    return f"images/{plain(inside(path).removeprefix('images/'))}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `annotations.xml`; see `Format.write`.

    An outline is written where its box is the annotation's own, to half a pixel: CVAT has no box beside it.

    Raises:
        UserError: the file cannot be written.
    """
    in_order = [c.category_id for c in info.categories] == list(range(len(info.categories)))
    losses = Losses(info, (*KEPT, *(("category_ids",) if in_order else ())))
    labels = labels_of(info)
    stems: set[str] = set()
    path = out / "annotations.xml"
    try:
        with tempfile.TemporaryFile(dir=out) as body:
            n = 0
            for shard in shards:
                n = _write_images(shard, losses, labels, body, n, stems)
            body.seek(0)
            with atomic(path, durable=False) as partial, partial.open("wb") as file:
                file.write(head_of_file(labels, n).encode())
                while block := body.read(1 << 20):
                    file.write(block)
                file.write(b"</annotations>\n")
    except OSError as e:
        raise cannot_write(path, e) from None
    return {TRACKS_LOST if what == "track ids" else what: n for what, n in losses.result().items()}


def labels_of(info: DatasetInfo) -> dict[str, dict[str, None]]:
    """Return the labels of a set, without attributes as yet."""
    return {short(text(c.name)) or UNNAMED: {} for c in info.categories}


def head_of_file(labels: Mapping[str, Mapping[str, None]], n: int, mode: Sequence[str] = ("<mode>annotation</mode>",),
                 after: Sequence[str] = (), *, mutable: bool = False) -> str:
    """Return what stands before the images or tracks.

    Args:
        labels: the classes, and the names of the attributes of each.
        n: number of images.
        mode: what else the task says, line by line.
        after: the same, after the labels.
        mutable: whether attributes change along a track; CVAT gives one value to all of a track else.
    """
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>", "  <meta>", "    <task>",
             f"      <size>{n}</size>", *(f"      {line}" for line in mode), "      <labels>"]
    for label, attributes in labels.items():
        lines += ["        <label>", f"          <name>{escape(label, _LINE_END)}</name>", "          <attributes>"]
        for name in attributes:
            lines += ["            <attribute>", f"              <name>{escape(name)}</name>",
                      f"              <mutable>{mutable}</mutable>", "              <input_type>text</input_type>",
                      "              <default_value></default_value>", "              <values></values>",
                      "            </attribute>"]
        lines += ["          </attributes>", "        </label>"]
    return "\n".join([*lines, "      </labels>", *(f"      {line}" for line in after), "    </task>", "  </meta>", ""])


def _write_images(shard: Shard, losses: Losses, labels: dict[str, dict[str, None]], body: IO[bytes], n: int,
                  stems: set[str]) -> int:
    annotations = losses.take(shard)
    shapes = Shapes(annotations, shard, losses, labels).elements()
    columns = [shard.images[c].tolist() for c in ("path", "split", "width", "height")]
    for path, split, width, height, (start, end) in zip(*columns, slices_of(annotations, len(shard.images)), strict=True):
        stem = posixpath.splitext(path)[0]
        losses.add("names of images that differ only in their suffix (CVAT takes them for one)", stem in stems)
        stems.add(stem)
        head = f"  <image id=\"{n}\" name={quoteattr(NOT_XML.sub('?', path.removeprefix('images/')))}"
        if split is not None:
            head += f" subset={quoteattr(short(text(split)))}"
            losses.add(f"names of splits longer than {NAME_MOST} characters (cut: CVAT takes none)", len(text(split)) > NAME_MOST)
        head += "".join(f' {k}="{number(float(v))}"' for k, v in (("width", width), ("height", height)) if np.isfinite(v))
        body.write(f"{head}>\n{''.join(shapes[start:end])}  </image>\n".encode("utf-8", "replace"))
        n += 1
    return n


class Shapes:
    """The elements of a table of annotations."""

    def __init__(self, annotations: Any, shard: Shard, losses: Losses, labels: dict[str, dict[str, None]], *,
                 masks: bool = True) -> None:
        self.losses, self.labels = losses, labels
        self.names = annotations["category"].tolist()
        self.boxes = boxes_xyxy(annotations).reshape(-1, 4)
        self.rows = annotations["image_row"].tolist()
        self.sizes = shard.images[["width", "height"]].to_numpy(np.float64)
        self.masks, self.outlines = masks, Outlines(annotations, losses, masks=masks)
        names = {"source": "cvat:source"}  # without the prefix it is the file of a record
        self.fields = {f: None if (v := field_of(annotations, names.get(f, f))) is None else v.tolist() for f in (
            "keypoints", "attributes", "occluded", "z_order", "group", "source")}

    def elements(self) -> list[str]:
        """Return the element of each annotation."""
        found = []
        for k in range(len(self.names)):
            label = self.label(k)
            found.append(self.element(k, label, f"label={quoteattr(label)} source={self.source(k)}", self.group(k)))
        return found

    def _value(self, field: str, k: int) -> Any:
        values = self.fields[field]
        return None if values is None else values[k]

    def label(self, k: int) -> str:
        """Return the class of an annotation as XML can hold it, and count what that takes from it."""
        label = text(self.names[k])
        self.losses.add("characters of class names that XML cannot hold or readers strip", label != self.names[k])
        if not label:  # CVAT refuses a label without a name
            self.losses.add(f"class names that are empty (written as {UNNAMED})", 1)
            return UNNAMED
        self.losses.add(f"class names longer than {NAME_MOST} characters (cut: CVAT takes none)", len(label) > NAME_MOST)
        return short(label)

    def group(self, k: int) -> int | None:
        """Return the group of an annotation; one that is no number is lost."""
        group = _whole(self._value("group", k))
        if group is not None and group < 0:
            group = None
        self.losses.add("group names that are no number from 0 on", group is None and bool(self._value("group", k)))
        return group

    def source(self, k: int) -> str:
        """Return who made an annotation, quoted."""
        source = text(str(self._value("source", k) or "manual"))
        self.losses.add(f"sources longer than {SOURCE_MOST} characters (CVAT takes none)", len(source) > SOURCE_MOST)
        return quoteattr(source if len(source) <= SOURCE_MOST else "file")

    def element(self, k: int, label: str, head: str, group: int | None = None) -> str:
        """Return the element of an annotation.

        Args:
            k: its row.
            label: its class.
            head: the first attributes of the element.
            group: of the annotation.
        """
        tag, drawn = self._drawn(k)
        known = self.labels.setdefault(label, {})
        occluded = str(self._value("occluded", k) or "").strip().lower() in ("1", "true", "yes")
        head = f'    <{tag} {head} occluded="{int(occluded)}" {drawn} z_order="{_whole(self._value("z_order", k)) or 0}"'
        if group:
            head += f' group_id="{group}"'
        self._count_cut(k)
        lines = []
        for name, value in self.attributes(k):
            known.setdefault(name)
            lines.append(f"      <attribute name={quoteattr(name)}>{escape(value)}</attribute>\n")
        return f"{head}>\n{''.join(lines)}    </{tag}>\n"

    def attributes(self, k: int) -> list[tuple[str, str]]:
        """Return the attributes of an annotation as texts that XML can hold and CVAT takes."""
        return [(short(name) or UNNAMED, value[:VALUE_MOST]) for name, value in self._texts(k)]

    def _texts(self, k: int) -> list[tuple[str, str]]:
        raw = self._value("attributes", k)
        values = msgspec.json.decode(raw) if raw is not None else {}
        return [(text(name), text(v if isinstance(v, str) else msgspec.json.encode(v).decode())) for name, v in values.items()]

    def _count_cut(self, k: int) -> None:
        for name, value in self._texts(k):
            self.losses.add(f"attribute names that are empty (written as {UNNAMED})", not name)
            self.losses.add(f"attribute names longer than {NAME_MOST} characters (cut: CVAT takes none)", len(name) > NAME_MOST)
            self.losses.add(f"attribute values longer than {VALUE_MOST:,} characters (cut: CVAT takes none)",
                            len(value) > VALUE_MOST)

    def _drawn(self, k: int) -> tuple[str, str]:
        """Return the tag of an annotation's shape and the attributes that draw it."""
        corners = self.outlines.corners(k)
        if corners is not None:
            turned = self.outlines.rotated(k)
            if turned is not None:
                x, y, w, h, angle = turned
                return "box", f'{_edges((x - w / 2, y - h / 2, x + w / 2, y + h / 2))} rotation="{number(angle)}"'
            self.outlines.lose_rectangle()
            return "polygon", _points(corners)
        box = self.boxes[k].tolist()
        polygon = self.outlines.polygon(k, box)
        if polygon is not None:
            return "polygon", _points(polygon)
        return self._mask(k, box) or self._keypoints(k, box) or ("box", _edges(box))

    def _mask(self, k: int, box: Sequence[float]) -> tuple[str, str] | None:
        raw = self.outlines.raw(k)
        if not self.masks or outline_kind(raw) != "mask":
            return None
        try:
            value = msgspec.json.decode(raw)
            found = rle_of(decode_mask(value["counts"], value["size"]))
            if found and near((found[1], found[2], found[1] + found[3], found[2] + found[4]), box):
                sides = " ".join(f'{s}="{v}"' for s, v in zip(("left", "top", "width", "height"), found[1:], strict=True))
                return "mask", f'rle="{found[0]}" {sides}'
        except (msgspec.MsgspecError, ValueError, TypeError, KeyError):
            pass
        self.losses.add("masks that are not as wide as their box (the boxes stay)", 1)
        return None

    def _keypoints(self, k: int, box: Sequence[float]) -> tuple[str, str] | None:
        raw = self._value("keypoints", k)
        if outline_kind(raw) is None:
            return None
        flat = msgspec.json.decode(raw)
        points = [v for x, y, seen in zip(flat[::3], flat[1::3], flat[2::3], strict=False) if seen for v in (x, y)]
        if len(points) * 3 == len(flat) * 2 and len(points) >= 4 and near(envelope(points), box):
            seen = 1 if str(self._value("occluded", k)).strip() == "1" else 2  # what a reader takes each point for
            self.losses.add("keypoints whose visibility differs (the points stay)", any(v != seen for v in flat[2::3]))
            return "points", _points(points)
        self.losses.add("keypoints beside a box of their own (the boxes stay)", 1)
        return None


def _whole(value: Any) -> int | None:
    """Return a whole number, which is all that CVAT's import takes for groups and orders; None of anything else."""
    text_of = str(value).strip()
    return int(text_of) if re.fullmatch(r"-?[0-9]{1,9}", text_of) else None


def _edges(box: Sequence[float]) -> str:
    return " ".join(f'{edge}="{number(float(v))}"' for edge, v in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True))


def _points(flat: Sequence[float]) -> str:
    pairs = ";".join(f"{number(float(x))},{number(float(y))}" for x, y in zip(flat[::2], flat[1::2], strict=True))
    return f'points="{pairs}"'

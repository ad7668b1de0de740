"""Read TFRecord files with the keys of TensorFlow's object detection API: what stands in the files becomes tables."""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular, require_regular
from dsinspect.protocols.formats import OpenRequest, ShardRef
from dsinspect.tables.columns import Columns, objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import Problem, problem_columns
from dsinspect_formats._embedded import exposed
from dsinspect_formats._images import ImageTree, walk
from dsinspect_formats._named_images import Images
from dsinspect_formats._reading import MemorySource, as_json, reason_of, split_of
from dsinspect_formats._rows import Rows
from dsinspect_formats._text import decode
from dsinspect_formats.tfrecord._looks import Options, record_files
from dsinspect_formats.tfrecord._records import features, is_intact, values_of, walk_records

if TYPE_CHECKING:
    from dsinspect_formats.tfrecord._records import Feature


BOX = tuple(f"image/object/bbox/{edge}" for edge in ("xmin", "ymin", "xmax", "ymax"))


TEXT, LABEL = "image/object/class/text", "image/object/class/label"


FLAGS = {"is_ignored": "image/object/difficult", "is_crowd": "image/object/is_crowd", "group_of": "image/object/group_of"}


COLUMNS = frozenset(("area", "attributes"))


_SMALL = 1 << 16


_COUNTED, _COUNTED_BYTES = 50, 1 << 26
"""Records, and bytes, that are looked at to estimate how many boxes a file holds."""


_TEXT_TOKEN = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\""""


_QUOTED = re.compile(_TEXT_TOKEN)


_ITEM = re.compile(rf"""item\s*\{{((?:[^{{}}'"]|{_TEXT_TOKEN})*)\}}""")


_ID = re.compile(r"\bid\s*:\s*(-?\d{1,18})")


_ITEM_NAME = re.compile(r"""\bname\s*:\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")""")


_ESCAPE = re.compile(r"\\(.)")


def boxes_in(root: Path, name: str) -> int:
    """Return about how many boxes a file holds: as many as its first records for their bytes."""
    boxes = stop = 0
    try:
        with mapped(root if root.is_file() else root / name) as content:
            for number, (start, stop) in enumerate(walk_records(content)):
                if number == _COUNTED or stop > _COUNTED_BYTES:
                    break
                boxes += objects_in(content, start, stop)[1]
            return max(round(boxes * len(content) / stop), boxes) if stop else 0
    except (OSError, ValueError):
        return max(boxes, 1)  # opening says what is wrong with it


@contextmanager
def mapped(path: Path) -> Iterator[Any]:
    """Give the bytes of a file without reading them all.

    Raises:
        OSError: it cannot be read.
    """
    require_regular(path.stat(), path)
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content


@dataclass(frozen=True)
class Embedded:
    """Where a record stands, and the image in it: number of the record, span of its data, span of the image's bytes."""

    source: str
    record: int
    start: int
    stop: int
    image: tuple[int, int] | None


class TFRecordSource(MemorySource):
    """Opened record files."""

    def __init__(self, request: OpenRequest) -> None:
        self.root = request.root if request.root.is_dir() else request.root.parent
        options = request.options if isinstance(request.options, Options) else Options()
        self._extract = options.extract
        paths = record_files(request.root)
        if not paths:
            raise UserError(f"{request.root}: no TFRecord file found")
        self.names = label_map(self.root, paths)
        self.embedded: list[Embedded] = []
        rows = Rows(sorted(COLUMNS & request.columns))
        images = Images()
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            try:
                with mapped(self.root / path) as content:
                    self._read(content, path, split, images, rows)
            except OSError as e:
                rows.fault(reason_of(e))
        tree = ImageTree.below(request.images or self.root)
        table, problems = images.table(tree, self.root, lambda split: ("", f"images/{split}/", "images/", f"{split}/"))
        has_bytes = [e.image is not None and e.image[0] < e.image[1] for e in self.embedded]
        notes = ["boxes are fractions of the image as displayed", "class numbers begin at 1"]
        if any(has_bytes):
            notes.append("images inside the records are measured from copies in the cache folder" if self._extract
                         else "images inside the records are not measured (option extract)")
        info = DatasetInfo(format="tfrecord", root=self.root, box_units="fraction", columns=COLUMNS, notes=tuple(notes),
                           categories=tuple(Category(k, n) for k, n in sorted(self.names.items())))
        super().__init__(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])
        if any(has_bytes) and self._extract:
            self.info = replace(self.info, has_files=True)

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables; each part knows where its images stand."""
        parts = super().shards(size)
        return [RecordShard(part, tuple(self.embedded[k * size:(k + 1) * size]), str(self.root), self._extract)
                for k, part in enumerate(parts)]

    def _read(self, content: Any, source: str, split: str | None, images: Images, rows: Rows) -> None:
        index = 0
        record = -1
        try:
            for record, (start, stop) in enumerate(walk_records(content)):
                try:
                    index = self._record(content, Embedded(source, record, start, stop, None), split, index, images, rows)
                except ValueError as e:
                    rows.fault(f"record {record} {e}", line=-1, index=index)
                    index += 1
        except ValueError as e:
            rows.fault(str(e), index=index)

    def _record(self, content: Any, at: Embedded, split: str | None, index: int, images: Images, rows: Rows) -> int:
        """Read one example; return the index of the next object."""
        size = at.stop - at.start
        if size <= _SMALL:  # bytes are indexed in a third of the time of a mapped file
            data, base = content[at.start:at.stop], at.start
            found, columns, labels, texts = lists_in(data, 0, size)
        else:
            data, base = content, 0
            found, columns, labels, texts = lists_in(data, at.start, at.stop)
        count = len(columns[0])

        def values(key: str) -> list[Any]:
            return values_of(data, found[key]) if key in found else []

        def text(key: str) -> str:
            spans = values(key)
            return decode(bytes(data[spans[0][0]:spans[0][1]]))[0] if spans and isinstance(spans[0], tuple) else ""

        name = text("image/filename") or text("image/source_id") or f"{at.source}/{at.record}"
        flags = {key: values(full) for key, full in FLAGS.items()}
        areas = values("image/object/area") if "area" in rows.fields else []
        wh = [float(v[0]) if v and isinstance(v[0], (int, float)) else float("nan") for v in (
            values("image/width"), values("image/height"))]
        encoded = values("image/encoded")
        image = images.add(name, split, at.source, size=(wh[0], wh[1]))  # a second record of one name is one of its own
        span = (encoded[0][0] + base, encoded[0][1] + base) if encoded and isinstance(encoded[0], tuple) else None
        self.embedded.append(Embedded(at.source, at.record, at.start, at.stop, span))
        wants = "attributes" in rows.fields
        for k in range(count):
            number = labels[k] if labels and isinstance(labels[k], int) else -1
            named = texts[k] if texts else ""
            name_of = named or self.names.get(number, str(number) if number > 0 and not self.names else None)
            extra: dict[str, Any] | None = None
            if rows.fields:
                extra = {"area": float(areas[k]) if k < len(areas) and not isinstance(areas[k], tuple) else None}
            if wants and extra is not None:
                extra["attributes"] = as_json({key: bool(v[k]) for key, v in flags.items() if k < len(v)})
            rows.add(image, name_of, (columns[0][k], columns[1][k], columns[2][k], columns[3][k]), index + k,
                     category_id=number, ignored=_flag(flags["is_ignored"], k),
                     crowd=_flag(flags["is_crowd"], k) or _flag(flags["group_of"], k), extra=extra)
        return index + count


def lists_in(content: Any, start: int, stop: int) -> tuple[dict[str, Feature], list[list[Any]], list[Any], list[str]]:
    """Return the features of an example, the edges of its boxes in the order of `BOX`, and its class labels and texts.

    Raises:
        ValueError: it is no example, or its lists are of different lengths, in words.
    """
    found = features(content, start, stop)
    columns = [values_of(content, found.get(key)) for key in BOX]
    count = len(columns[0])
    if any(len(c) != count for c in columns) or any(isinstance(c[0], tuple) for c in columns if c):
        raise ValueError(f"has edges of boxes in lists of {', '.join(str(len(c)) for c in columns)} values")
    labels, texts = values_of(content, found.get(LABEL)), _texts(content, found.get(TEXT))
    for what, values in (("class labels", labels), ("class texts", texts)):
        if values and len(values) != count:
            raise ValueError(f"has {count} boxes and {len(values)} {what}")
    return found, columns, labels, texts


def objects_in(content: Any, start: int, stop: int) -> tuple[dict[str, Feature], int]:
    """Return the features of an example and how many objects it has; raises ValueError as `lists_in` does."""
    found, columns, _, _ = lists_in(content, start, stop)
    return found, len(columns[0])


def _flag(values: Sequence[Any], k: int) -> bool:
    return k < len(values) and not isinstance(values[k], tuple) and bool(values[k])


def _texts(content: Any, feature: Feature | None) -> list[str]:
    return [_plain(bytes(content[v[0]:v[1]])) for v in values_of(content, feature) if isinstance(v, tuple)]


def _plain(content: bytes) -> str:
    return content.decode() if content.isascii() else decode(content)[0]


def label_map_files(root: Path, paths: Sequence[str]) -> list[str]:
    """Return the label maps (`.pbtxt`) beside the records."""
    folders = {p.rpartition("/")[0] for p in paths}
    return [p for p in walk(root) if p.lower().endswith(".pbtxt") and (p.rpartition("/")[0] in folders or not p.count("/"))]


def label_map(root: Path, paths: Sequence[str]) -> dict[int, str]:
    """Return the class names by number of the label maps."""
    names: dict[int, str] = {}
    for path in label_map_files(root, paths):
        try:
            text = decode(read_regular(root / path, "yaml_mb"))[0]
        except OSError:
            continue  # names are then those in the records
        for number, name in items_of(text):
            names.setdefault(number, name)
    return names


def items_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and name of the items of a label map; a brace within a name does not end an item."""
    for item in _ITEM.findall(text):
        number, name = _ID.search(_QUOTED.sub("''", item)), _ITEM_NAME.search(item)
        if number and name:
            yield int(number[1]), _ESCAPE.sub(lambda m: {"n": "\n"}.get(m[1], m[1]), name[1] if name[1] is not None else name[2])


@dataclass(frozen=True)
class RecordShard:
    """A cut of the tables, and the records its images stand in."""

    part: ShardRef
    embedded: tuple[Embedded, ...]
    root: str
    extract: bool

    def load(self) -> Shard:
        """Check the records' CRC and give the images inside a file."""
        shard = self.part.load()
        files = shard.image_columns["file"].tolist()
        problems: list[Problem] = []
        for source in dict.fromkeys(e.source for e in self.embedded):
            try:
                with mapped(Path(self.root) / source) as content:
                    problems += self._of(content, source, shard, files)
            except (OSError, ValueError, struct.error) as e:
                problems.append(Problem("malformed-record", source, f"cannot be read any more: {e}"))
        told = problem_columns(problems)
        both = Columns.concat([shard.problem_columns, told])
        return shard.replace(images=shard.image_columns.with_columns({"file": objects(files)}), problems=both)

    def _of(self, content: Any, source: str, shard: Shard, files: list[str | None]) -> Iterator[Problem]:
        """Give the images of one file theirs; yield the records whose CRC is wrong."""
        for k, at in enumerate(self.embedded):
            if at.source != source:
                continue
            path = str(shard.image_columns["path"][k])
            if not is_intact(content, at.start, at.stop):
                yield Problem("malformed-record", source, f"record {at.record}: its data has a wrong CRC32C", path,
                              image=path, split=shard.image_columns["split"][k])
            if self.extract and at.image is not None and at.image[0] < at.image[1]:
                files[k] = exposed(content[at.image[0]:at.image[1]], path) or files[k]

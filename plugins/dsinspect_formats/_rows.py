"""Annotations on their way into columns: no object per box is kept."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.reading import read_regular
from dsinspect.tables.columns import Columns, objects
from dsinspect.tables.schema import NO_POSITION, Problem, annotation_columns
from dsinspect_formats._json_files import read_json
from dsinspect_formats._text import decode, odd_encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray
from dsinspect_formats._reading import reason_of


class Growing:
    """Numbers on their way into an array: a list of Python's takes them four times as fast, and is packed now and then.

    Args:
        kind: `d` of floats, `q` of whole numbers.

    Attributes:
        new: where numbers are put.
    """

    def __init__(self, kind: str) -> None:
        self.new: list[Any] = []
        self._packed = array(kind)

    def pack(self) -> None:
        """Pack what is new when that is much."""
        if len(self.new) > _MANY:
            self._packed.extend(array(self._packed.typecode, self.new))
            self.new.clear()

    def packed(self) -> NDArray[Any]:
        """Return all numbers, a copy."""
        self._packed.extend(array(self._packed.typecode, self.new))
        self.new.clear()
        return np.array(self._packed)


_MANY = 1 << 16
_NUMBERS = ("annotation_id", "image", "category_id", "source", "line", "index", "is_crowd", "is_ignored")


class Rows:
    """Annotations on their way into columns: no object per box is kept.

    Args:
        fields: columns beyond the fixed ones that are wanted.

    Attributes:
        of_images: values of columns of images that only the format has, by column and image; a reader fills them.
    """

    def __init__(self, fields: Sequence[str] = ()) -> None:
        self.fields = tuple(fields)
        self.problems: list[Problem] = []
        self.of_images: dict[str, dict[int, Any]] = {}
        self.count = 0
        self._edges = Growing("d")
        self._numbers = Growing("q")  # those of `_NUMBERS`, row after row
        self._categories: list[str | None] = []
        self._extra: dict[str, list[Any]] = {name: [] for name in self.fields}
        self._same: dict[str | None, str | None] = {}
        self._sources: list[str] = []
        self._source = NO_POSITION
        self._image: str | None = None
        self._split: str | None = None

    def file(self, source: str, image: str | None = None, split: str | None = None) -> None:
        """Say which file the next rows stand in, and, for its problems, which image and split they are of."""
        self._edges.pack()
        self._numbers.pack()
        self._source = len(self._sources)
        self._sources.append(source)
        self._image, self._split = image, split

    def add(self, image: int, category: str | None, box: tuple[float, float, float, float], index: int, line: int = NO_POSITION,
            *, ignored: bool = False, crowd: bool = False, category_id: int = NO_POSITION, annotation_id: int | None = None,
            extra: Mapping[str, Any] | None = None) -> None:
        """Add an annotation; `extra` has values of `fields`."""
        self._edges.new.extend(box)
        self._numbers.new.extend((index if annotation_id is None else annotation_id, image, category_id, self._source, line, index,
                              crowd, ignored))
        self._categories.append(self._same.setdefault(category, category))
        if self.fields:
            for name, values in self._extra.items():
                values.append((extra or {}).get(name))
        self.count += 1

    def fault(self, reason: str, text: str = "", line: int = NO_POSITION, index: int = NO_POSITION, *,
              image: str | None = None) -> None:
        """Add a record that cannot be read."""
        self.problems.append(Problem("malformed-record", self._sources[self._source], reason, text, line, index,
                                     self._image if image is None else image, self._split))

    def text_of(self, path: Path) -> str | None:
        """Return the text of the file; None of one that cannot be read, which is a fault."""
        try:
            return self.decoded(read_regular(path))
        except OSError as e:
            self.fault(reason_of(e))
            return None

    def json(self, content: bytes) -> Any:
        """Return the value of the file as JSON, strict or not; None where it has none. What is wrong with it is a problem."""
        value, problems = read_json(content, self._sources[self._source])
        self.problems += [replace(p, image=self._image, split=self._split) if p.kind == "malformed-record" else p
                          for p in problems]
        return value

    def decoded(self, content: bytes) -> str:
        """Return the text of the file; an odd encoding is a problem."""
        text, encoding = decode(content)
        if encoding:
            self.problems.append(odd_encoding(self._sources[self._source], encoding, content))
        return text

    def table(self, image_ids: NDArray[np.int64]) -> Columns:
        """Return the annotations sorted by image."""
        columns = self._numbers.packed().reshape(-1, len(_NUMBERS)).T
        of = dict(zip(_NUMBERS, columns, strict=True))
        rows = of["image"]
        order = np.argsort(rows, kind="stable") if (np.diff(rows) < 0).any() else slice(None)
        boxes = self._edges.packed().reshape(-1, 4)[order]
        ids = np.append(image_ids, NO_POSITION)
        numbers = {name: np.ascontiguousarray(of[name][order]) for name in ("annotation_id", "category_id", "line", "index")}
        rows = np.ascontiguousarray(rows[order])
        sources = objects([*self._sources, None])[of["source"][order]]
        table = annotation_columns(
            self.count, image_id=ids[rows], image_row=rows, category=objects(self._categories)[order], source=sources,
            x_min=boxes[:, 0], y_min=boxes[:, 1], x_max=boxes[:, 2], y_max=boxes[:, 3],
            **{name: of[name][order].astype(np.bool_) for name in ("is_crowd", "is_ignored")}, **numbers)
        return table.with_columns({name: _field(name, values)[order] for name, values in self._extra.items()})


def _field(name: str, values: Sequence[Any]) -> NDArray[Any]:
    if name == "area" or name.startswith("corner_"):
        return np.array([np.nan if v is None else v for v in values], np.float64)
    return objects(values)

"""The probe protocol: measure one file; the engine opens it once for all probes and caches what they return."""

from __future__ import annotations

import enum
import hashlib
import os
import stat as stat_module
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from dsinspect.io.limits import limits, too_large
from dsinspect.io.packed import member_at, written_out
from dsinspect.io.packed_bytes import Member
from dsinspect.io.reading import READ_FLAGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD_BYTES = 4096
"""What `ImageFile.head` reads at first: enough for the frame header of most files."""

T = TypeVar("T")
Value = float | str | None


class Level(enum.IntEnum):
    """How much of a file a probe needs, cheapest first."""

    STAT = 0
    HEADER = 1
    BYTES = 2
    PREVIEW = 3
    PIXELS = 4


@dataclass(frozen=True)
class Column:
    """A column that a probe measures.

    Attributes:
        name: unique among all probes.
        dtype: `float64` (NaN when it cannot be had) or `object` (a text, or None when it cannot be had).
        unit: `px`, `byte`, `bit`, `1` or empty.
        meaning: one line for the docs and the workbook.
    """

    name: str
    dtype: str
    unit: str
    meaning: str


def status_of(path: str) -> os.stat_result:
    """Return the stat of a file.

    Raises:
        OSError: it is not there, or something other than a regular file, which is never opened.
    """
    status = os.stat(path)  # noqa: PTH116 - 20,000 Path objects cost more than the calls
    if not stat_module.S_ISREG(status.st_mode):
        if stat_module.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "is a directory", path)
        raise OSError(22, "is not a regular file", path)
    return status


class ImageFile:
    """One file as probes see it; every part is read at most once and only when asked for.

    Reading raises OSError as the system does; the engine turns that into the column `read_error`.
    """

    def __init__(self, path: str, status: os.stat_result | None = None) -> None:
        self._path = path
        self._memo: dict[Any, Any] = {}
        if status is not None:
            self.__dict__["stat"] = status  # known already: not asked for again

    @property
    def path(self) -> str:
        """The path of the file, for libraries that open it themselves; an image in an archive is written out for them."""
        return written_out(self._path)

    def once(self, function: Callable[[ImageFile], T]) -> T:
        """Return `function(self)`, computed once per file however many probes ask (a parsed header, a preview)."""
        if function not in self._memo:
            self._memo[function] = function(self)
        result: T = self._memo[function]
        return result

    @cached_property
    def stat(self) -> os.stat_result:
        """The file's stat; raises OSError as `status_of` does."""
        return status_of(self._path)

    @cached_property
    def _member(self) -> Member | None:
        """The image in an archive that the file stands for."""
        return member_at(self._path, self.stat)

    @cached_property
    def head(self) -> bytes:
        """The first `HEAD_BYTES` bytes."""
        if "content" in self.__dict__:
            return self.content[:HEAD_BYTES]
        return self.read_at(0, HEAD_BYTES)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        if "content" in self.__dict__:
            return self.content[offset:offset + size]
        if self._member is not None:
            return self._member.read_at(offset, size)
        descriptor = os.open(self._path, READ_FLAGS)  # a third of the time of open()
        try:
            if hasattr(os, "pread"):
                return os.pread(descriptor, size, offset)
            os.lseek(descriptor, offset, os.SEEK_SET)
            return os.read(descriptor, size)
        finally:
            os.close(descriptor)

    @cached_property
    def content(self) -> bytes:
        """All bytes of the file; OSError for more than the limit `image_mb`."""
        if (size := self.stat.st_size) > limits().image_mb << 20:
            raise too_large(self._path, size, "image_mb")
        if self._member is not None:
            return self._member.content()
        parts: list[bytes] = []
        left = max(size, 1)
        while left > 0 and (part := self.read_at(sum(map(len, parts)), left)):
            parts.append(part)  # one part, but for files of gigabytes
            left -= len(part)
        return b"".join(parts)


    @property
    def digest(self) -> str:
        """The first 128 bits of SHA-256 of all bytes, hex."""
        return hashlib.sha256(self.content).hexdigest()[:32]  # in hardware: half the time of BLAKE2


class Probe(ABC):
    """Measures files. Stateless: one instance serves all threads.

    Attributes:
        name: unique; part of the cache's key.
        version: raise it when the same file would give other values.
        level: how much of the file it needs.
        columns: what it returns, in order.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    level: ClassVar[Level]
    columns: ClassVar[tuple[Column, ...]]

    @abstractmethod
    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return one value per column. Damaged content gives missing values, never an exception."""


def column_owners(probes: Mapping[str, type[Probe]]) -> dict[str, type[Probe]]:
    """Map each column name to the probe that measures it."""
    return {column.name: probe for probe in probes.values() for column in probe.columns}


def to_column(values: list[Value], dtype: str) -> NDArray[Any]:
    """Turn measured values into a column: None becomes NaN in a float64 column."""
    import numpy as np

    if dtype == "float64":
        return np.array(values, np.float64)  # None becomes NaN
    from dsinspect.tables.columns import objects

    return objects(values)

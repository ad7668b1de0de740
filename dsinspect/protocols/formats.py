"""The format protocol: find out whether a path holds the format, and read it shard by shard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from dsinspect.errors import UserError
from dsinspect.protocols.edits import LATER_ACTIONS
from dsinspect.protocols.options import BaseOptions
from dsinspect.tables.dataset import DatasetInfo, Shard

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


T = TypeVar("T")


@dataclass(frozen=True)
class Detection:
    """How sure a format is that a path holds it.

    Attributes:
        confidence: 0 to 1; 0.9 and more when the content itself says so. It decides between formats that do not count.
        reason: what was seen; shown to the user, who may have to choose between formats.
        records: about how many records (boxes) are there, estimated from a few files; None when that is not known. The
            format that finds most is taken; 0 says that only a configuration, or an empty file, is there.
        found: the file it would read, relative to the root, when other formats may read the same file: the surest one does.
    """

    confidence: float
    reason: str
    records: int | None = None
    found: str | None = None


@dataclass(frozen=True)
class OpenRequest:
    """What to open, and how.

    Attributes:
        root: the folder or annotation file the user named.
        images: folder of the images when it is not where the format keeps them.
        options: the format's own options.
        columns: optional and format-specific columns that somebody asked for (`segmentation`, `voc:pose`).
    """

    root: Path
    images: Path | None = None
    options: BaseOptions | None = None
    columns: frozenset[str] = frozenset()


class ShardRef(Protocol):
    """A part of a dataset, not read yet. Picklable; `load` runs in the worker."""

    def load(self) -> Shard:
        """Read the part. What cannot be read becomes a row of `problems`; never raises for bad data."""
        ...


class Source(Protocol):
    """An opened dataset."""

    @property
    def info(self) -> DatasetInfo:
        """What is known before the records are read."""
        ...

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the set into parts of about `size` images, each with all its annotations, in a fixed order.

        Annotations whose image does not exist belong to one of the parts, with `image_row` -1.
        """
        ...


@dataclass(frozen=True)
class Patch:
    """One annotation file that edits change.

    Attributes:
        path: POSIX path of the file, relative to the dataset's root (its name, when the root is a file).
        before: its bytes.
        after: its bytes with the edits; None when the file goes.
    """

    path: str
    before: bytes
    after: bytes | None


@dataclass(frozen=True)
class Facts:
    """What the documentation says of a format, one phrase each; `dsinspect plugins` and docs/formats.md are made of it.

    Attributes:
        recognised: what a path must hold to be taken for the format.
        read: what becomes boxes, classes and columns.
        kept: what an edit leaves as it was, beyond the records it names.
        written: what `write` makes.
        assumed: the convention of boxes (base, frame, units), and the option that changes it.
    """

    recognised: str = ""
    read: str = ""
    kept: str = ""
    written: str = ""
    assumed: str = ""


class Format(ABC):
    """A dataset format. `options_type` holds the choices its reader leaves to the user, `writer_options_type` its writer's.

    A format that can be written overrides `write` and `place` and sets `writable`; one whose files can be edited
    without loss overrides `patch` and sets `patchable`. `by_stem` says that two images of a folder whose names differ
    in the suffix only would share their annotations, `by_file` that two records of one image would be read as one.
    `load_us` is about how long a shard's `load` works in Python per image, in microseconds, 0 when the records are in
    memory already: long work goes to processes. One that is recognised only, so that the user learns what a dataset is,
    sets `readable` to False; its `reason` names it. `also_called` are names that people know it by: where one is given, `name`
    is suggested. `no_place` names the actions of edits that `patch` refuses. `facts`
    is what the documentation says of it. `options` of an instance are the choices of its writer.
    """

    name: ClassVar[str]
    also_called: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[Facts] = Facts()
    readable: ClassVar[bool] = True
    options_type: ClassVar[type[BaseOptions]] = BaseOptions
    writer_options_type: ClassVar[type[BaseOptions]] = BaseOptions
    writable: ClassVar[bool] = False
    patchable: ClassVar[bool] = False
    by_stem: ClassVar[bool] = False
    by_file: ClassVar[bool] = False
    load_us: ClassVar[int] = 0
    no_place: ClassVar[frozenset[str]] = LATER_ACTIONS
    options: BaseOptions | None = None

    @classmethod
    def holds_records(cls) -> bool:
        """Say whether what `open` returns has all records in memory already, so that shards may be of any size."""
        return cls.load_us == 0

    @abstractmethod
    def detect(self, root: Path) -> Detection | None:
        """Say whether `root` holds this format, by content and quickly (a few files at most); None if not."""

    @abstractmethod
    def open(self, request: OpenRequest) -> Source:
        """Open the dataset.

        Raises:
            UserError: when nothing at all is readable.
        """

    def positions(self, file: Path, records: str) -> Sequence[tuple[int, int]]:
        """Return line and column, from 1, of each record of a list of a file, by index; none where tables have the line.

        Args:
            file: an annotation file of the dataset.
            records: `images` or `annotations`; `faults` for what makes the file none of its kind.

        Raises:
            OSError: it cannot be read.
        """
        return ()

    def place(self, path: str, split: str | None) -> str:
        """Return where an image belongs in this format, POSIX and relative to the output folder.

        Args:
            path: of the image in its own dataset.
            split: it belongs to, or None.
        """
        raise UserError(f"{self.name}: this format cannot be written")

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations of a dataset below `out`; the images are there already, at `images["path"]`.

        Args:
            info: of the dataset the records come from: its `format` says where the format columns come from.
            shards: boxes in px; images with their declared sizes; the columns of
                `OPTIONAL_ANNOTATION_COLUMNS` and other fields of the source format where it has them.
            out: the output folder. Files are written under a temporary name and renamed; shards are not kept.

        Returns:
            what this format could not keep: what, in words, and how many.

        Raises:
            UserError: a file cannot be written.
        """
        raise UserError(f"{self.name}: this format cannot be written")

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss: yield the annotation files that change, one at a time; write nothing.

        What no edit names keeps its bytes: key order, unknown keys, number text, comments, white space, line ends.

        Raises:
            UserError: an edit names a record that is not there, or an action this format has no place for.
        """
        raise UserError(f"{self.name}: this format cannot be edited")

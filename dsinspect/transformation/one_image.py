"""One image: read when and if it is needed, and the places where its outputs go."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dsinspect.errors import os_reason
from dsinspect.geometry.exif import turned_upright
from dsinspect.io import image_codec
from dsinspect.io.image_codec import UnreadableError
from dsinspect.known_names import MISSING, TRUNCATED, TRUNCATED_COLUMN
from dsinspect.protocols.probes import ImageFile, Probe
from dsinspect.protocols.transforms import ImageRow

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reader:
    """Reads one image, when and if it is needed."""

    def __init__(self, record: Mapping[str, Any], row: ImageRow, probe: Probe | None) -> None:
        """Take the record of an image, what the transforms know of it, and the probe of truncated files, if these are refused."""
        self._record, self._row, self._probe = record, row, probe

    @functools.cached_property
    def content(self) -> bytes:
        """The bytes of the file.

        Raises:
            UnreadableError: it cannot be read, or ends early.
        """
        source = ImageFile(str(self._record["file"]))
        try:
            content = source.content
        except OSError as e:
            raise UnreadableError(os_reason(e, "cannot be read"), MISSING) from None
        if self._probe is not None:
            names = [c.name for c in self._probe.columns]
            if self._probe.measure(source)[names.index(TRUNCATED_COLUMN)]:
                raise UnreadableError("the file ends early; what is missing would be grey (--keep-truncated keeps it)",
                                      TRUNCATED)
        return content

    @functools.cached_property
    def pixels(self) -> NDArray[Any]:
        """The pixels in the frame of the boxes.

        Raises:
            UnreadableError: the decoder gives nothing, or another size than the header says.
        """
        pixels = image_codec.decode(self.content)
        expected = (int(self._record["file_width"]), int(self._record["file_height"]))
        if pixels.shape[1::-1] != expected:
            raise UnreadableError(f"the decoder gives {pixels.shape[1]} x {pixels.shape[0]} px, the header says "
                                  f"{expected[0]} x {expected[1]}")
        return turned_upright(pixels, int(self._record["orientation"])) if self._row.was_turned else pixels


def target_path(path: str, file: str, suffix: str, tag: str) -> str:
    """Return where an output goes, relative to the output folder: where its source is in the set.

    An image that shares its stem with another one in its folder keeps its whole name when the suffix changes.
    """
    parts = [p for p in PurePosixPath(path).parts if p not in ("..", "/")]
    own = PurePosixPath(*parts) if parts else PurePosixPath("image")
    stem = own.stem
    if suffix != own.suffix and own.stem in shared_stems(os.path.dirname(file)):  # noqa: PTH120
        stem = own.name
    return str(own.with_name(f"{stem}{'__' if tag else ''}{tag}{suffix}"))


@functools.lru_cache(maxsize=64)
def shared_stems(folder: str) -> frozenset[str]:
    """Return the stems that two files of a folder share."""
    try:
        stems = Counter(os.path.splitext(e.name)[0] for e in os.scandir(folder) if e.is_file())  # noqa: PTH122
    except OSError:
        return frozenset()
    return frozenset(s for s, n in stems.items() if n > 1)


def is_newer(target: Path, source: str) -> bool:
    """Say whether an output is there and no older than its source; outputs appear whole or not at all."""
    try:
        return target.stat().st_mtime_ns >= os.stat(source).st_mtime_ns  # noqa: PTH116
    except OSError:
        return False

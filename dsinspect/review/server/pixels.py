"""Images for the page: whole ones, tiles of large ones, and crops; each is made once and kept in a cache folder.

Files of the cache are named by a hash of what they show: no name of a dataset becomes a path.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.atomic import atomic
from dsinspect.io.image_codec import Encoding, UnreadableError
from dsinspect.io.packed import member_at
from dsinspect.io.packed_bytes import ArchiveChangedError
from dsinspect.render.contact_sheet import blank
from dsinspect.render.crops import Framed, crop, cut, open_framed
from dsinspect.render.drawing import LEAST, draw_shape
from dsinspect.render.palette import MARK

if TYPE_CHECKING:
    from dsinspect.review.server.catalog import Catalog

WHOLE = 1600
"""Longer side of a whole image, px; where more is seen, tiles follow."""
TILE = 512
CROP_ROOM = (256, 192)
OPENED = 3
"""Decoded images that are kept."""
MAX_CACHE = 1 << 30
"""Bytes of the cache, above which the oldest half goes at the start of a server."""


class Pixels:
    """Makes images; safe with threads.

    Args:
        catalog: whose images are shown.
        folder: of the cache.
    """

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self.catalog = catalog
        self.folder = folder
        self._opened: OrderedDict[int, Framed] = OrderedDict()
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        _trim(folder)

    def whole(self, row: int) -> bytes:
        """Return an image as JPEG, its longer side at most `WHOLE` px.

        One that cannot be read is a grey image that says why.

        Raises:
            IndexError: no image has that number.
        """
        return self._kept(row, "whole", lambda image: crop(image, (), (WHOLE, WHOLE), 85).content)

    def crop(self, annotation: int) -> bytes:
        """Return the place of an annotation with its surroundings as JPEG, the annotation drawn; raises as `whole` does."""
        shape = self.catalog.shape(annotation)

        def made(image: Framed) -> bytes:
            pixels, window = cut(image, [shape.extent], CROP_ROOM)
            draw_shape(pixels, shape, window, MARK, least=LEAST)
            return Encoding(jpeg_quality=80).encode(pixels, ".jpg")

        return self._kept(int(self.catalog.image_rows[annotation]), f"marked crop {shape}", made)

    def tile(self, row: int, x: int, y: int) -> bytes:
        """Return the tile `x` across and `y` down of an image in its full size; raises as `whole` does.

        Raises:
            IndexError: also for a tile outside of the image.
        """
        def made(image: Framed) -> bytes:
            part = image.bgr[y * TILE:(y + 1) * TILE, x * TILE:(x + 1) * TILE]
            if x < 0 or y < 0 or not part.size:
                raise IndexError((x, y))
            return Encoding(jpeg_quality=88).encode(np.ascontiguousarray(part), ".jpg")

        return self._kept(row, f"tile {x} {y}", made)

    def _kept(self, row: int, what: str, make: Callable[[Framed], bytes]) -> bytes:
        record = self.catalog.image_record(row)
        path = self.folder / f"{_key(record, what)}.jpg"
        with suppress(OSError):
            return path.read_bytes()
        try:
            content = make(self._open(row, record))
        except (UnreadableError, ArchiveChangedError) as e:
            return Encoding(jpeg_quality=85).encode(blank(480, str(e), ""), ".jpg")
        with suppress(OSError), atomic(path, durable=False) as partial:  # a cache that cannot be written costs time only
            partial.write_bytes(content)
        return content

    def _open(self, row: int, record: dict[str, Any]) -> Framed:
        with self._lock:
            if row in self._opened:
                self._opened.move_to_end(row)
                return self._opened[row]
            image = open_framed(record)
            self._opened[row] = image
            while len(self._opened) > OPENED:
                self._opened.popitem(last=False)
            return image


def _key(record: dict[str, Any], what: str) -> str:
    """Return a name for what is shown of a file as it is now."""
    name = str(record["file"])
    try:
        status = Path(name).stat()
        state = f"{status.st_size} {status.st_mtime_ns}"
        if (member := member_at(name, status)) is not None:  # the folder has another name in each run
            name, time_ns = member.identity()
            state = f"{status.st_size} {time_ns}"
    except OSError:
        state = "gone"
    frame = f"{record['frame_width']} {record['frame_height']} {record.get('orientation')}"
    text = "\0".join((name, state, frame, what))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _trim(folder: Path) -> None:
    """Remove the oldest half of a cache that has grown too large."""
    files = [(p.stat().st_mtime_ns, p.stat().st_size, p) for p in folder.glob("*.jpg")]
    if sum(size for _, size, _ in files) > MAX_CACHE:
        for _, _, path in sorted(files)[:len(files) // 2]:
            path.unlink(missing_ok=True)

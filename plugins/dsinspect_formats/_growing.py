"""Files that writers add to shard by shard: under a temporary name until all of them are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsinspect.io.containment import inside
from dsinspect.io.folders import make_folder
from dsinspect_formats._writing import cannot_write, unlink_quietly


class GrowingFiles:
    """Adds to files below a folder; each is opened only while it is added to, for there may be thousands."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._partial: dict[str, Path] = {}

    def add(self, path: str, content: bytes) -> None:
        """Add to a file, which is made when it is new.

        Raises:
            UserError: it cannot be written.
        """
        path = inside(path)
        try:
            if path not in self._partial:
                target = self._out / path
                make_folder(target.parent)
                self._partial[path] = target.with_name(f".{target.name}.part")
                self._partial[path].write_bytes(b"")
            if content:
                with self._partial[path].open("ab") as file:
                    file.write(content)
        except OSError as e:
            raise cannot_write(self._out / path, e) from None

    def has(self, path: str) -> bool:
        """Say whether a file was begun."""
        return inside(path) in self._partial

    def finish(self) -> None:
        """Give all files their names."""
        for path, partial in self._partial.items():
            try:
                partial.replace(self._out / path)
            except OSError as e:
                raise cannot_write(self._out / path, e) from None

    def discard(self) -> None:
        """Remove what has no name yet."""
        for partial in self._partial.values():
            unlink_quietly(partial)


@contextmanager
def growing(out: Path) -> Iterator[GrowingFiles]:
    """Give files to add to; they get their names when all went well."""
    files = GrowingFiles(out)
    try:
        yield files
        files.finish()
    finally:
        files.discard()

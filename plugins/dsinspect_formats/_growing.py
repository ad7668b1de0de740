"""Files that writers add to shard by shard: under a temporary name until all of them are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dsinspect.io.atomic import atomic
from dsinspect.io.containment import inside
from dsinspect.io.folders import make_folder
from dsinspect_formats._writing import cannot_write


class GrowingFiles:
    """Adds to files below a folder; each is opened only while it is added to, for there may be thousands."""

    def __init__(self, out: Path, stack: ExitStack) -> None:
        self._out = out
        self._stack = stack
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
                self._partial[path] = self._stack.enter_context(atomic(target, durable=False))
                self._partial[path].write_bytes(b"")
            if content:
                with self._partial[path].open("ab") as file:
                    file.write(content)
        except OSError as e:
            raise cannot_write(self._out / path, e) from None

    def has(self, path: str) -> bool:
        """Say whether a file was begun."""
        return inside(path) in self._partial


@contextmanager
def growing(out: Path) -> Iterator[GrowingFiles]:
    """Give files to add to; they get their names when all went well.

    Raises:
        UserError: one cannot have its name.
    """
    with ExitStack() as stack:
        yield GrowingFiles(out, stack)
        try:
            stack.close()
        except OSError as e:
            raise cannot_write(out, e) from None

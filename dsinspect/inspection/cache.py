"""The cache of measurements: an SQLite file keyed by what identifies a file on disk.

One row per file holds the values of all probes, as MessagePack: `{probe: [version, value, ...]}`, after a checksum of the
whole row. A row counts only while its checksum is right and the file's size and modification time are those it was measured
at. Losing the cache loses time, nothing else, so a file that cannot be read as a database is moved out of the way and made
anew.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import sys
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple

import msgspec

from dsinspect.io.reading import leaves
from dsinspect.protocols.probes import Value

MAX_BYTES = 512 * 1024 * 1024
"""Above this size the oldest half of the rows goes (about 500 bytes a file: a million files)."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, day INTEGER NOT NULL, vals BLOB NOT NULL
) WITHOUT ROWID
"""
_NOT_DAMAGED = ("locked", "full", "disk", "unable to open", "readonly")
_CHUNK = 500  # SQLite before 3.32 takes at most 999 parameters
_SUM = struct.Struct("<I")
_decoder = msgspec.msgpack.Decoder(dict[str, list[float | str | None]])
_encode = msgspec.msgpack.Encoder().encode

CacheBy = Literal["stat", "content", "member"]
"""What files are known by: path, size and time; their bytes, which are read then; or their place in an archive, and of files that
lie in none that stays, their bytes."""
Measured = dict[str, list[Value]]
"""Probe name to `[version, value, ...]`."""


class FileIdentity(NamedTuple):
    """What a file is known by: absolute path, size in bytes and modification time in ns."""

    path: str
    size: int
    mtime_ns: int


def default_path() -> Path:
    """Return where the cache is kept: the user's cache folder, or `$DSINSPECT_CACHE_DIR`."""
    folder = os.environ.get("DSINSPECT_CACHE_DIR")
    if folder:
        return cache_file(Path(folder))
    import platformdirs

    return cache_file(Path(platformdirs.user_cache_dir("dsinspect", appauthor=False)))


def cache_file(folder: Path) -> Path:
    """Return the file of the cache kept in a folder."""
    return folder / "measurements-2.sqlite"


class Cache:
    """An open cache; safe with other runs writing at once. Use as a context manager, one per thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Cache:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open()
        except sqlite3.DatabaseError as e:
            if isinstance(e, sqlite3.OperationalError) and any(w in str(e) for w in _NOT_DAMAGED):
                raise
            self._rebuild(e)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._db.close()

    def get(self, files: Sequence[FileIdentity]) -> dict[str, Measured]:
        """Return what is known of files, by path; a file that changed since is not known."""
        known: dict[str, Measured] = {}
        by_path = {_key(f.path): f for f in files}
        paths = list(by_path)
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start:start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            for path, size, mtime_ns, vals in self._db.execute(
                    f"SELECT path, size, mtime_ns, vals FROM files WHERE path IN ({marks})", chunk):
                file = by_path.get(path)
                if file is None or (size, mtime_ns) != (file.size, file.mtime_ns):
                    continue
                if vals[:_SUM.size] == _checksum(path, size, mtime_ns, vals[_SUM.size:]):  # else it is damaged and measured anew
                    known[file.path] = _decoder.decode(memoryview(vals)[_SUM.size:])
        return known

    def put(self, measured: Iterable[tuple[FileIdentity, Mapping[str, list[Value]]]]) -> None:
        """Store all that is known of files, in one transaction."""
        day = int(time.time() // 86400)
        rows = []
        for file, values in measured:
            key, content = _key(file.path), _encode(values)
            rows.append((key, file.size, file.mtime_ns, day, _checksum(key, file.size, file.mtime_ns, content) + content))
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def trim(self, max_bytes: int | None = None) -> None:
        """Forget the rows that were stored longest ago when the file is larger than `max_bytes` (`MAX_BYTES`)."""
        if self.path.stat().st_size <= (MAX_BYTES if max_bytes is None else max_bytes):
            return
        with self._db:
            self._db.execute("DELETE FROM files WHERE path IN (SELECT path FROM files ORDER BY day, path "
                             "LIMIT (SELECT (COUNT(*) + 1) / 2 FROM files))")
        self._db.execute("VACUUM")

    def count(self) -> int:
        """Return how many files are known."""
        return int(self._db.execute("SELECT COUNT(*) FROM files").fetchone()[0])

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, timeout=30)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_SCHEMA)
            self._db.execute("SELECT path, size, mtime_ns, day, vals FROM files LIMIT 1").fetchone()
        except BaseException:
            self._db.close()
            raise

    def _rebuild(self, error: sqlite3.DatabaseError) -> None:
        print(f"dsinspect: the cache {self.path} cannot be read ({error}); made anew", file=sys.stderr)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self._open()


def _checksum(key: str | bytes, size: int, mtime_ns: int, content: bytes) -> bytes:
    """Return the checksum of a row, so that a bit that flipped on the disk is no measurement."""
    start = zlib.crc32(os.fsencode(key) if isinstance(key, str) else key, zlib.crc32(f"{size} {mtime_ns} ".encode()))
    return _SUM.pack(zlib.crc32(content, start))


def _key(path: str) -> str | bytes:
    """Return how a path stands in the database: as bytes where it is no text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def source_around(path: Path, roots: Iterable[Path]) -> Path | None:
    """Return the folder of a dataset that the cache would lie in, which is never written to; None when it lies elsewhere."""
    return next((r for r in roots if r.is_dir() and not leaves(path, r)), None)


def made_ready(path: Path, roots: Iterable[Path] = ()) -> str | None:
    """Make the folder of a cache; return in words why there can be none, None when there can.

    Args:
        path: of the cache.
        roots: of the datasets, which are never written to.
    """
    folder = path.parent
    if (source := source_around(path, roots)) is not None:
        return f"{folder} lies in the dataset's folder {source}, which is only read"
    if os.path.lexists(path) and not path.is_file():
        return f"{path} is no regular file"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        return f"{folder}: {e.strerror}"
    return None if os.access(folder, os.W_OK) else f"{folder} cannot be written"


def trim(path: Path) -> None:
    """Keep a cache within its size; what another run holds at this moment stays as it is."""
    try:
        if path.stat().st_size > MAX_BYTES:
            with Cache(path) as cache:
                cache.trim()
    except (OSError, sqlite3.Error):  # never made, or locked: the next run trims it
        return


def clear(path: Path) -> bool:
    """Remove the cache; say whether there was any.

    Raises:
        OSError: it cannot be removed.
    """
    parts = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]
    there = [p for p in parts if os.path.lexists(p)]
    for part in there:
        part.unlink()
    return bool(there)

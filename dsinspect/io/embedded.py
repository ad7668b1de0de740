"""Where images that stand inside annotation files get files of their own, and how they are cleared."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMED = "DSINSPECT_NAMED_CACHE_DIR"
"""Environment variable that holds the cache folder that a command names: workers inherit it."""


def embedded_folder(cache: Path | None = None) -> Path:
    """Return where the files are kept: `embedded` in the cache folder.

    Args:
        cache: the cache folder; else the one that the command names, `$DSINSPECT_CACHE_DIR`, or the user's.
    """
    own = cache or os.environ.get(NAMED) or os.environ.get("DSINSPECT_CACHE_DIR")
    if own:
        return Path(own) / "embedded"
    import platformdirs

    return Path(platformdirs.user_cache_dir("dsinspect", appauthor=False)) / "embedded"


def allow_files(*, allowed: bool) -> None:
    """Say whether images may get files: not where the cache folder lies in a dataset's, which is only read."""
    if not allowed:
        os.environ[NAMED] = os.devnull  # no folder, so that none can be made in it
    elif os.environ.get(NAMED) == os.devnull:
        del os.environ[NAMED]


def embedded_files(cache: Path | None = None) -> tuple[int, int]:
    """Return how many files there are, and their bytes; `cache` as for `embedded_folder`."""
    sizes = [e.stat(follow_symlinks=False).st_size for e in _entries(embedded_folder(cache))]
    return len(sizes), sum(sizes)


def clear_embedded(cache: Path | None = None) -> bool:
    """Remove the files; say whether there were any; `cache` as for `embedded_folder`.

    Raises:
        OSError: they cannot be removed.
    """
    folder = embedded_folder(cache)
    if not folder.is_dir() or folder.is_symlink():
        return False
    shutil.rmtree(folder)
    return True


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    found: list[os.DirEntry[str]] = []
    if folder.is_dir():
        for sub in os.scandir(folder):
            if sub.is_dir(follow_symlinks=False):
                found += [e for e in os.scandir(sub.path) if e.is_file(follow_symlinks=False)]
    return found

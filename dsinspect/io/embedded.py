"""Where images that stand inside annotation files get files of their own, and how they are cleared."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def embedded_folder() -> Path:
    """Return where the files are kept: `embedded` in the user's cache folder, or in `$DSINSPECT_CACHE_DIR`."""
    own = os.environ.get("DSINSPECT_CACHE_DIR")
    if own:
        return Path(own) / "embedded"
    import platformdirs

    return Path(platformdirs.user_cache_dir("dsinspect", appauthor=False)) / "embedded"


def embedded_files() -> tuple[int, int]:
    """Return how many files there are, and their bytes."""
    sizes = [e.stat(follow_symlinks=False).st_size for e in _entries(embedded_folder())]
    return len(sizes), sum(sizes)


def clear_embedded() -> bool:
    """Remove the files; say whether there were any.

    Raises:
        OSError: they cannot be removed.
    """
    folder = embedded_folder()
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

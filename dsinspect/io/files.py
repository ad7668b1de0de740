"""Link and copy files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:

    pass


IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".heic", ".jp2", ".pgm",
                            ".ppm", ".npy", ".exr", ".hdr", ".dng"))


def link_or_copy(source: Path, target: Path, *, copy: bool) -> bool:
    """Give an image its place; True when it is a hard link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy and not source.is_symlink():
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without hard links
            pass
        else:
            return True
    copy_file(source, target)
    return False


def copy_file(source: Path, target: Path) -> None:
    """Copy a file with its times; a link that leads nowhere stays one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink() and not source.exists():
        target.symlink_to(source.readlink())
    elif source.is_file():
        shutil.copy2(source, target)

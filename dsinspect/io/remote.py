"""Datasets behind a URL: copied with fsspec into a temporary folder that goes when the program ends."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from dsinspect.errors import UserError
from dsinspect.io.brought import remember
from dsinspect.io.temporary import temporary_folder


def fetch(url: str, into: Path | None = None) -> Path:
    """Copy a file or folder from a URL that fsspec opens, and return where it lies on disk.

    Args:
        url: of the file or folder.
        into: a folder to make for it; a temporary one when None.

    Raises:
        UserError: fsspec is not installed, the protocol is unknown, or the place cannot be read.
    """
    try:
        import fsspec
    except ImportError:
        raise UserError(f"{url}: URLs need fsspec; install it with `pip install dsinspect[url]`") from None
    folder = temporary_folder() if into is None else into
    folder.mkdir(exist_ok=True)
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
        target = folder / (PurePosixPath(path.rstrip("/")).name or "dataset")
        filesystem.get(path, str(target), recursive=filesystem.isdir(path))
    except Exception as e:  # every filesystem raises errors of its own kind
        raise UserError(f"{url}: cannot be read: {type(e).__name__}: {e}") from None
    if not target.exists():
        raise UserError(f"{url}: nothing there")
    remember(target, url)
    return target

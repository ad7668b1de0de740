"""`dsinspect cache`: look at the cache of measurements, or clear it."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from dsinspect.commands.options import CacheDir
from dsinspect.errors import UserError, os_reason

app = typer.Typer(no_args_is_help=True, help="Look at the cache of measurements, or clear it.")


@app.command()
def info(cache_dir: CacheDir = None) -> None:
    """Print where the cache is, its size, and how many files it knows."""
    import sqlite3

    from dsinspect.findings.wording import counted
    from dsinspect.inspection.cache import Cache

    path = _path(cache_dir)
    if not path.exists():
        print(f"{path}\nempty")
        _tell_embedded(cache_dir)
        return
    try:
        with Cache(path) as cache:
            print(f"{path}\n{counted(cache.count(), 'file')}, {path.stat().st_size / 1e6:.1f} MB")
    except (sqlite3.Error, OSError) as e:
        raise UserError(f"{path}: cannot be read: {e}; dsinspect cache clear removes it") from None
    _tell_embedded(cache_dir)


@app.command()
def clear(cache_dir: CacheDir = None) -> None:
    """Forget all measurements, and remove the images taken out of annotation files; the next run makes both again."""
    from dsinspect.inspection.cache import clear as clear_cache
    from dsinspect.io.embedded import clear_embedded, embedded_folder

    path = _path(cache_dir)
    try:
        was_there = clear_cache(path)
    except OSError as e:
        raise UserError(f"{path}: cannot be removed: {os_reason(e)}") from None
    print(f"cleared {path}" if was_there else f"{path}\nempty: nothing to clear")
    try:
        if clear_embedded(cache_dir):
            print(f"cleared {embedded_folder(cache_dir)}")
    except OSError as e:
        raise UserError(f"{embedded_folder(cache_dir)}: cannot be removed: {os_reason(e)}") from None


def _tell_embedded(cache_dir: Path | None) -> None:
    """Print how many images of annotation files have a file in the cache, where there are any."""
    from dsinspect.findings.wording import counted
    from dsinspect.io.embedded import embedded_files, embedded_folder

    n, size = embedded_files(cache_dir)
    if n:
        print(f"{embedded_folder(cache_dir)}\n{counted(n, 'image')} of annotation files, {size / 1e6:.1f} MB")


def _path(cache_dir: Path | None) -> Path:
    from dsinspect.inspection.cache import cache_file, default_path

    path = cache_file(cache_dir) if cache_dir else default_path()
    if path.parent.exists() and not path.parent.is_dir():
        raise UserError(f"--cache-dir {path.parent}: is a file; name the folder of the cache")
    if os.path.lexists(path) and not path.is_file():
        raise UserError(f"{path}: is no regular file; move it away")
    return path

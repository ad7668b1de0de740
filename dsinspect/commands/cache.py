"""`dsinspect cache`: look at the cache of measurements, or clear it."""

from __future__ import annotations

from pathlib import Path

import typer

from dsinspect.commands.options import CacheDir

app = typer.Typer(no_args_is_help=True, help="Look at the cache of measurements, or clear it.")


@app.command()
def info(cache_dir: CacheDir = None) -> None:
    """Print where the cache is, its size, and how many files it knows."""
    from dsinspect.inspection.cache import Cache

    path = _path(cache_dir)
    if not path.exists():
        print(f"{path}\nempty")
        return
    with Cache(path) as cache:
        print(f"{path}\n{cache.count():,} files, {path.stat().st_size / 1e6:.1f} MB")


@app.command()
def clear(cache_dir: CacheDir = None) -> None:
    """Forget all measurements; the next run measures again."""
    from dsinspect.inspection.cache import clear as clear_cache

    path = _path(cache_dir)
    clear_cache(path)
    print(f"cleared {path}")


def _path(cache_dir: Path | None) -> Path:
    from dsinspect.inspection.cache import cache_file, default_path

    return cache_file(cache_dir) if cache_dir else default_path()

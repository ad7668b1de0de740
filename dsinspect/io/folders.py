"""Folders however deep: walk, make and remove them, where Python's own functions recurse and give up at a thousand levels."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator


def walk(root: str | os.PathLike[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield folders from the top, as `os.walk` does: a path, names of folders and of files; links are not followed.

    Names may be taken out of the list of folders, or sorted, before the next step. What cannot be read holds nothing. A limit on
    recursion does not matter: up to Python 3.11 `os.walk` calls itself once a level.
    """
    waiting = [os.fspath(root)]
    while waiting:
        where = waiting.pop()
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(where) as listing:
                for entry in listing:
                    (folders if _is_folder(entry) else files).append(entry.name)
        except OSError:
            continue
        yield where, folders, files
        paths = (os.path.join(where, name) for name in reversed(folders))  # noqa: PTH118 - a Path a folder costs more
        waiting += [path for path in paths if not os.path.islink(path)]  # noqa: PTH114


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and all above it; one that is there is fine.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    missing = [os.fspath(path)]
    while missing:
        try:
            os.mkdir(missing[-1])  # noqa: PTH102 - pathlib calls itself once a level
        except FileNotFoundError:
            above = os.path.dirname(missing[-1])  # noqa: PTH120
            if above in ("", missing[-1]):
                raise
            missing.append(above)
        except FileExistsError:
            if not os.path.isdir(missing[-1]):  # noqa: PTH112
                raise
            missing.pop()
        else:
            missing.pop()


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays. Links are removed, never followed."""
    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:
        _remove_deep(os.fspath(path))


def _remove_deep(path: str) -> None:
    for where, folders, files in reversed([*walk(path)]):
        for name in (*files, *folders):
            place = os.path.join(where, name)  # noqa: PTH118
            with contextlib.suppress(OSError):
                if name in folders and not os.path.islink(place):  # noqa: PTH114
                    os.rmdir(place)  # noqa: PTH106
                else:
                    os.unlink(place)  # noqa: PTH108
    with contextlib.suppress(OSError):
        os.rmdir(path)  # noqa: PTH106

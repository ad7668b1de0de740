"""Where output goes: refused, staged under a temporary name, put in place when it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError

if TYPE_CHECKING:

    pass


def require_new(root: Path, out: Path, *, force: bool) -> None:
    """Raise a UserError unless `out` can become a corrected copy of the dataset at `root`."""
    source, target = root.resolve(), out.resolve()
    folder = source if source.is_dir() else source.parent
    if target == folder or folder in target.parents or target in folder.parents:
        raise UserError(f"-o {out}: lies in the dataset's folder or holds it; name a folder elsewhere")
    if out.exists() and not out.is_dir():
        raise UserError(f"-o {out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise UserError(f"-o {out}: the folder is not empty; name another one, or use --force")
    if not out.parent.is_dir():
        raise UserError(f"-o {out}: no folder {out.parent}")
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"-o {out}: the folder {out.parent} cannot be written")


def files_below(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, POSIX and relative to it, in order."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        base = Path(where).relative_to(folder).as_posix()
        for name in sorted(names):
            yield name if base == "." else f"{base}/{name}"


def put_in_place(partial: Path, out: Path) -> None:
    """Rename a finished folder to its name, or move its files into the folder that is there."""
    if not out.exists():
        partial.rename(out)
        return
    for path in files_below(partial):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (partial / path).replace(out / path)

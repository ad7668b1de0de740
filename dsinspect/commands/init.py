"""`dsinspect init`: write a configuration file to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dsinspect.errors import UserError

STARTER = '''\
# Settings of dsinspect for the datasets in and below this folder.
# `dsinspect explain CODE` says what a check does and which limits it has.

# select = ["BOX", "IMG"]         # run these only (codes or prefixes); default: all
# ignore = ["IMG010"]             # leave these out
# fail-on = "error"               # when `dsinspect check` exits 1: error, warning, info or never
# plugins = ["checks/mine.py"]    # one-file plugins, relative to this file
# disable-plugins = []
# trainer = "ultralytics@8.4"     # judge for this trainer too (TRN checks, its limits); see `dsinspect plugins`
# baseline = "baseline.json"      # known findings that are not reported again

# [severity]
# SIZ = "info"

# [per-split-ignores]
# test = ["CLS002"]

# [checks.BOX005]
# min_side = 2.0
'''


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write dsinspect.toml.")] = Path(),
) -> None:
    """Write a commented dsinspect.toml; an existing one is never touched."""
    from dsinspect.config import FILE_NAME
    from dsinspect.io.atomic import write_atomic

    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    path = folder / FILE_NAME
    if os.path.lexists(path):
        raise UserError(f"{path} exists already; edit it or move it away")
    try:
        write_atomic(path, STARTER.encode())
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}") from None
    print(f"wrote {path}")

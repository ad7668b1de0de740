"""The image files that findings name though no record does: there to be looked at, and no images of the dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.containment import leads_outside

if TYPE_CHECKING:
    from dsinspect.protocols.run import Run


def strays(run: Run) -> list[dict[str, Any]]:
    """Return a record, as of a measured image without a size, for each image file that a finding names and no record does.

    A file counts when it is a regular one below the root of the dataset, links followed: a name leads nowhere else.
    """
    if run.image_columns is None or not run.info.has_files:
        return []
    known = set(run.image_columns["path"].tolist())
    named = dict.fromkeys(p for o in run.outcomes for p in o.findings.columns["image"].tolist()
                          if isinstance(p, str) and p not in known)
    root = os.path.realpath(run.info.root)
    made = []
    for path in named:
        file = _file_below(root, path)
        if file is not None:
            made.append({"path": path, "file": file, "split": None, "boxes_upright": True, "orientation": np.nan, "width": np.nan,
                         "height": np.nan, "frame_width": np.nan, "frame_height": np.nan})
    return made


def _file_below(root: str, path: str) -> str | None:
    """Return the regular file that a path leads to below a folder; None where it leads to none."""
    if leads_outside(path):
        return None
    try:
        file = os.path.realpath(f"{root}/{path}")
        return file if os.path.commonpath((root, file)) == root and Path(file).is_file() else None
    except (OSError, ValueError):  # no file system has such a name: too long, NUL, half a character
        return None

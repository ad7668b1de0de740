"""Which folders are MOT's sequences, and the options of reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from dsinspect.protocols.options import BaseOptions, option
from dsinspect_formats._images import walk


class Options(BaseOptions, frozen=True):
    """How boxes are read."""

    base: Annotated[Literal[0, 1], option("1: the first pixel is 1, as the challenge has it; 0: boxes as they stand")] = 1


def sequence_folders(root: Path) -> list[str]:
    """Return the folders that hold `gt/gt.txt`, relative to the root, each empty or ending with a slash."""
    if not root.is_dir():
        return []
    return [p.removesuffix("gt/gt.txt") for p in walk(root) if p == "gt/gt.txt" or p.endswith("/gt/gt.txt")]

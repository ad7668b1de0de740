"""One drawn set in every format, as the benchmark draws it: small."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

from by_path import module_at

from dsinspect.loader import load_plugins

FORMATS = {n: f for n, f in load_plugins().formats.items() if f.readable}


@cache
def _drawing() -> ModuleType:
    return module_at("benchmarks/format_sets.py", "format_sets")


def drawn(name: str, out: Path, images: int, each: int) -> None:
    """Draw a set of boxes of 640 x 480 px images in a format."""
    _drawing().draw(name, out, images, each)

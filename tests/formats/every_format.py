"""One drawn set in every format, as the benchmark draws it: small."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from dsinspect.loader import load_plugins

FORMATS = {n: f for n, f in load_plugins().formats.items() if f.readable}


@cache
def _drawing() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "format_sets.py"
    spec = importlib.util.spec_from_file_location("format_sets", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def drawn(name: str, out: Path, images: int, each: int) -> None:
    """Draw a set of boxes of 640 x 480 px images in a format."""
    _drawing().draw(name, out, images, each)

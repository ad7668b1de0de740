"""The examples in docstrings run, and give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                 for root, below in ((ROOT, "dsinspect"), (ROOT / "plugins", "")) for path in (root / below).rglob("*.py")
                 if "\n    >>> " in path.read_text("utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert done.attempted
    assert not done.failed


def test_there_are_examples() -> None:
    assert len(MODULES) > 40

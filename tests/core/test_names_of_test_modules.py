"""Modules of tests in different folders have different names: pytest takes two of one name for one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_no_two_modules_of_tests_have_one_name() -> None:
    names = Counter(p.name for p in Path(__file__).parents[1].rglob("test_*.py") if "dsinspect_" not in p.name)
    assert [n for n, count in names.items() if count > 1] == []

"""The law of formats on a tiny set of each: detected, every column of the model, and the same records whatever the shards."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.reading import FORMATS, detected, put
from formats.test_mutated_files import SETS

from dsinspect.testing import assert_format


@pytest.mark.parametrize("case", SETS)
def test_law(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    name, make = SETS[case]
    root = put(tmp_path / "set", make())
    assert detected(root) == name
    assert_format(FORMATS[name], root)

"""Each format says about how many records it finds: what decides where several know a folder, and what 0 means."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.every_format import FORMATS, drawn


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("count", [3, 60])
def test_the_estimate_is_near(name: str, count: int, tmp_path: Path) -> None:
    drawn(name, tmp_path, count, 4)
    found = FORMATS[name]().detect(tmp_path)
    assert found is not None
    assert found.records is not None, "no count"
    low = count if name in ("vocmask", "huggingface") else count * 4 / 1.6
    assert low <= found.records <= count * 4 * 1.6, found

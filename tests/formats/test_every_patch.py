"""Edits that set every value to what it is change not one byte, in every format that can be edited."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.every_format import FORMATS, drawn
from formats.format_laws import assert_edits_that_change_nothing

from dsinspect.testing.rich_set import write_rich_set

PATCHABLE = [n for n, f in FORMATS.items() if f.patchable]


@pytest.mark.parametrize("name", PATCHABLE)
def test_a_set_with_everything(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    write_rich_set(FORMATS[name], tmp_path / "set")
    assert_edits_that_change_nothing(name, tmp_path / "set")


@pytest.mark.parametrize("name", PATCHABLE)
def test_a_drawn_set(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    drawn(name, tmp_path / "set", 4, 5)
    assert_edits_that_change_nothing(name, tmp_path / "set")

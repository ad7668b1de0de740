"""Faults planted in the formats that are written by rows, cells and lists, are found there as in COCO."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutate import WRITTEN, every_mutation, outcome_of, run_planted

from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
CODES = ("BOX001", "BOX003", "BOX004", "BOX006", "BOX007", "BOX012", "DST001", "IMG002", "SPL001")


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("code", CODES)
def test_planted_fault_is_found_and_nothing_else(code: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    assert code in every_mutation()
    run, planted = run_planted(code, name, 0, tmp_path / "set", PLUGINS)
    due, hit, alarms = outcome_of(code, run, planted)
    assert due > 0
    assert hit == due
    assert alarms == []

"""Faults planted in every format that can express them: each is found there as in COCO, and nothing else is.

The suite plants each fault in some of the formats, in turn, those of boxes in all that are written, and those of tracks, rotated
boxes and keypoints in all that have these; `python tests/mutate.py` plants all in all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mutate import (
    WRITTEN,
    Planted,
    Planting,
    clean_set,
    every_mutation,
    excuse,
    outcome_of,
    plantings,
    run_converted,
    write,
)
from mutations_of_shapes import TRACKED, rows_of, run_shaped
from read_only_sets import WRITERS

from dsinspect.conversion.pipeline import ConvertRequest, convert
from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
EVERY = 6
"""Of so many formats, one is tried for a fault that is not in all."""
IN_ALL = ("BOX001", "BOX003", "BOX007")
CASES = [(plant, code, name) for k, code in enumerate(every_mutation()) for i, (plant, name) in enumerate(plantings(code))
         if name not in every_mutation()[code][1] and ((code in IN_ALL and plant is run_converted) or plant is run_shaped
                                                       or (i + k) % EVERY == 0)]


@pytest.mark.parametrize(("plant", "code", "name"), CASES)
def test_planted_fault_is_found_and_nothing_else(plant: Planting, code: str, name: str, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    run, planted = plant(code, name, 0, tmp_path / "set", PLUGINS)
    assert run.info.format == name
    due, hit, alarms = outcome_of(code, run, planted)
    assert due > 0
    assert hit == due
    assert alarms == []


def test_every_format_that_is_only_read_is_planted_into() -> None:
    assert {n for n, f in PLUGINS.formats.items() if f.readable and not f.writable} == set(WRITERS)


@pytest.mark.parametrize("name", WRITTEN)
def test_clean_set_is_clean(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    write("coco", tmp_path / "coco", clean_set(1))
    convert(ConvertRequest("coco", tmp_path / "coco", out=tmp_path / "set", to=name), PLUGINS)
    (tmp_path / "set/conversion.json").unlink()
    run = inspect(Request("set", tmp_path / "set"), PLUGINS)
    assert [f"{f.code} {f.message}" for o in run.outcomes for f in o.iterate() if f.severity.rank >= Severity.WARNING.rank] == []
    assert not run.crashed


@pytest.mark.parametrize("name", WRITERS)
def test_clean_set_of_a_format_that_is_only_read_is_clean(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    write(name, tmp_path / "set", clean_set(1))
    assert alarms_of(tmp_path / "set", name) == []


@pytest.mark.parametrize("name", TRACKED)
def test_clean_track_is_clean(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    frames = [p.content for p in clean_set(1) if p.boxes]
    TRACKED[name](tmp_path / "set", frames, rows_of(len(frames)))
    assert alarms_of(tmp_path / "set", name) == []


def alarms_of(folder: Path, name: str) -> list[str]:
    """Inspect a set of a format and return the findings at warning or above, but for those that are true of any such set."""
    planted = Planted([], np.random.default_rng(0), format=name)
    excuse(planted)
    run = inspect(Request("set", folder), PLUGINS)
    assert run.info.format == name
    assert not run.crashed
    return [f"{f.code} {f.message}" for o in run.outcomes for f in o.iterate()
            if f.severity.rank >= Severity.WARNING.rank and f.code not in planted.consequences]

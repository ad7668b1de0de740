"""Faults of boxes, planted in the formats of labelling tools: each is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mutate import Planted, clean_set, every_mutation, outcome_of
from mutate import write as write_drawn

from dsinspect.config import Config
from dsinspect.conversion.pipeline import ConvertRequest, convert
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
CODES = ("BOX001", "BOX003", "BOX004", "BOX005", "BOX006", "BOX007", "BOX008", "BOX009", "BOX011")


@pytest.mark.parametrize("name", ["cvat", "labelme", "labelstudio", "createml", "via"])
@pytest.mark.parametrize("code", CODES)
def test_a_planted_fault_is_found(tmp_path: Path, name: str, code: str) -> None:
    planted = Planted(clean_set(3), np.random.default_rng([3, 1]))
    every_mutation()[code][0](planted)
    assert not planted.after
    write_drawn("coco", tmp_path / "coco", planted.pictures)
    convert(ConvertRequest("coco", tmp_path / "coco", out=tmp_path / name, to=name), PLUGINS)
    (tmp_path / name / "conversion.json").unlink()
    run = inspect(Request("set", tmp_path / name, Config().overlay(settings=planted.options)), PLUGINS)
    due, hit, alarms = outcome_of(code, run, planted)
    assert run.census.images == 50
    assert (hit, alarms) == (due, [])
    assert due

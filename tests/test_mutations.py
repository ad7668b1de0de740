"""Each planted fault is found, exactly, in every format that can express it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutate import FORMATS, clean_set, every_mutation, outcome_of, run_planted, write

from dsinspect.conversion.for_trainer import format_for
from dsinspect.conversion.pipeline import ConvertRequest, convert
from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()


def test_every_check_has_a_mutation() -> None:
    assert set(every_mutation()) == set(PLUGINS.checks)


@pytest.mark.parametrize(("code", "name"), [(c, f) for c, (_, formats) in every_mutation().items() for f in formats])
def test_planted_fault_is_found_and_nothing_else(code: str, name: str, tmp_path: Path) -> None:
    run, planted = run_planted(code, name, 0, tmp_path / "set", PLUGINS)
    due, hit, alarms = outcome_of(code, run, planted)
    assert due > 0
    assert hit == due
    assert alarms == []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", [1, 2])
def test_clean_set_is_clean(name: str, seed: int, tmp_path: Path) -> None:
    write(name, tmp_path / "set", clean_set(seed))
    run = inspect(Request("set", tmp_path / "set"), PLUGINS)
    found = [f"{f.code} {f.message}" for o in run.outcomes for f in o.iterate()
             if f.severity.rank >= Severity.WARNING.rank]
    assert found == []
    assert not run.crashed


@pytest.mark.parametrize("trainer", sorted(t for t, kind in PLUGINS.trainers.items() if kind.target is not None))
def test_clean_set_written_for_a_trainer_is_clean_for_it(trainer: str, tmp_path: Path) -> None:
    write("coco", tmp_path / "set", clean_set(1))
    asked = PLUGINS.trainers[trainer]()
    convert(ConvertRequest("set", tmp_path / "set", out=tmp_path / "out", to=format_for(asked, None), trainer=asked), PLUGINS)
    run = inspect(Request("out", tmp_path / "out", trainer=asked), PLUGINS)
    assert [o.code for o in run.outcomes if o.code.startswith("TRN") and o.status != "clean"] == []
    found = [f"{f.code} {f.message}" for o in run.outcomes for f in o.iterate() if f.severity.rank >= Severity.WARNING.rank]
    assert found == []


@pytest.mark.parametrize("trainer", sorted(PLUGINS.trainers))
@pytest.mark.parametrize("name", ["coco", "yolo"])
def test_clean_set_loses_to_a_trainer_only_its_backgrounds(name: str, trainer: str, tmp_path: Path) -> None:
    pictures = clean_set(1)
    write(name, tmp_path / "set", pictures)
    run = inspect(Request("set", tmp_path / "set", trainer=PLUGINS.trainers[trainer]()), PLUGINS)
    found = {code: [f.image for f in o.iterate()] for code in ("TRN001", "TRN002", "TRN003") if (o := run.outcome(code))}
    leaves_out = trainer in ("detectron2", "mmdet", "torchvision")
    backgrounds = [p.name for p in pictures if leaves_out and not p.boxes]
    assert sorted(str(i).rpartition("/")[2] for i in found.pop("TRN001")) == sorted(backgrounds)
    assert found == {"TRN002": [], "TRN003": []}


PLANTABLE = [(code, name) for code, (_, formats) in every_mutation().items() for name in formats]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(PLANTABLE), seed=st.integers(3, 10_000))
def test_planted_fault_is_found_in_any_set(where: tuple[str, str], seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    code, name = where
    run, planted = run_planted(code, name, seed, tmp_path_factory.mktemp("planted") / "set", PLUGINS)
    due, hit, alarms = outcome_of(code, run, planted)
    assert due > 0
    assert hit == due
    assert alarms == []

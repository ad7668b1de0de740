"""Each planted fault is found, exactly, in every format that can express it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutate import FORMATS, clean_set, every_mutation, outcome_of, run_planted, write

from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()


def test_every_check_has_a_mutation() -> None:
    of_trainers = {code for code in PLUGINS.checks if code.startswith("TRN")}  # held to the recorded loaders in tests/trainers
    assert set(every_mutation()) == set(PLUGINS.checks) - of_trainers


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

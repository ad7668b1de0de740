"""What makes a gate fail, and what a configuration or another check takes out of the findings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsinspect.commands.fix import warns_of_new
from dsinspect.config import Config
from dsinspect.findings.findings import Findings
from dsinspect.findings.severity import Severity
from dsinspect.fixing.autofix import Comparison, compare
from dsinspect.inspection.finish import _outcome, fold
from dsinspect.loader import load_plugins
from dsinspect.protocols.checks import Result
from dsinspect.protocols.run import Census, Outcome, Run
from dsinspect.tables.dataset import DatasetInfo

CHECKS = load_plugins().checks


def found(*images: str, severity: Severity | None = None, split: Any = None) -> Findings:
    return Findings.of_subjects(list(images), "{n} things", {"n": 1}, image=list(images), severity=severity, split=split)


def run_of(*outcomes: Outcome, images: int = 1, boxes: int = 1, has_files: bool = True, **values: Any) -> Run:
    empty = pd.DataFrame({"name": []})
    return Run("set", DatasetInfo("coco", Path(), has_files=has_files), Census(images, boxes, empty, empty), outcomes, **values)


def outcome(findings: Findings, severity: Severity = Severity.WARNING, code: str = "TST001", **values: Any) -> Outcome:
    return Outcome(code, "a-check", severity, "found" if len(findings) else "clean", findings, **values)


@pytest.mark.parametrize(("fail_on", "failing"), [
    ("error", {"error"}), ("warning", {"error", "warning"}), ("info", {"error", "warning", "info"}), ("never", set()),
    ("skipped", {"error"})])
def test_a_gate_fails_from_a_severity_on(fail_on: str, failing: set[str]) -> None:
    for severity in Severity:
        run = run_of(outcome(found("a"), severity), fail_on=fail_on)
        assert run.fails(run.outcomes[0]) is (str(severity) in failing)
        own = run_of(outcome(found("a", severity=severity), Severity.INFO), fail_on=fail_on)  # of the finding itself
        assert own.fails(own.outcomes[0]) is (str(severity) in failing)
    clean = run_of(outcome(found()), fail_on=fail_on)
    assert not clean.fails(clean.outcomes[0])


@pytest.mark.parametrize("status", ["skipped", "found"])
def test_a_check_that_could_not_look_fails_where_that_is_asked(status: Any) -> None:
    for is_blind in (True, False):
        what = Outcome("TST001", "a-check", Severity.ERROR, status, found(), is_blind=is_blind)
        failing = [run_of(what, fail_on=f).fails(what) for f in ("error", "info", "skipped", "never")]
        assert failing == [False, False, is_blind, False]


@pytest.mark.parametrize("lacking", [{"images": 0}, {"boxes": 0}, {"has_files": False}])
def test_a_set_with_nothing_to_judge_fails_unless_that_is_allowed(lacking: dict[str, Any]) -> None:
    assert run_of(**lacking).fails_empty
    assert not run_of(**lacking, allow_empty=True).fails_empty
    assert not run_of(**lacking, fail_on="never").fails_empty
    assert not run_of().fails_empty


@pytest.mark.parametrize(("new", "fixed", "left", "notes", "warns"), [
    ({"A": 1}, {}, {"A": 9}, (), True), ({"A": 2}, {"A": 2}, {}, (), False), ({"A": 3}, {"A": 2}, {}, (), True),
    ({"A": 1}, {"B": 9}, {}, (), True), ({"A": 1}, {}, {}, ("A",), False), ({}, {"A": 1}, {"A": 1}, (), False)])
def test_a_result_with_more_of_a_check_than_before_is_worse(new: Any, fixed: Any, left: Any, notes: Any, warns: bool) -> None:
    assert warns_of_new(Comparison(fixed, left, new, frozenset(notes))) is warns


def test_a_note_is_a_check_of_which_no_new_finding_is_more() -> None:
    mixed = Findings.concat([found("a", severity=Severity.INFO), found("b", severity=Severity.WARNING)])
    made = compare(run_of(outcome(found())), run_of(outcome(mixed)))
    assert (dict(made.new), made.notes, made.errors) == ({"TST001": 2}, frozenset(), frozenset())
    made = compare(run_of(outcome(found())), run_of(outcome(found("a", severity=Severity.INFO), Severity.ERROR)))
    assert (made.notes, made.errors) == ({"TST001"}, frozenset())
    both = Findings.concat([found("a", severity=Severity.INFO), found("b", severity=Severity.ERROR)])
    assert compare(run_of(outcome(found())), run_of(outcome(both))).errors == {"TST001"}


def test_splits_ignore_the_checks_that_are_named_for_them() -> None:
    check = CHECKS["BOX005"]()
    config = Config(per_split_ignores={"val": ("BOX",), "test": ("BOX005", "IMG"), "train": ("IMG",)})
    result = Result(found("a", "b", "c", "d", split=["train", "val", "test", None]))
    left = _outcome(check, result, config)
    assert [f.image for f in left.iterate()] == ["a", "d"]
    gone = _outcome(check, Result(found("b", split=["val"])), config)
    assert (gone.status, len(gone.findings)) == ("clean", 0)


def test_what_is_explained_goes_and_all_of_it_is_counted() -> None:
    def rule(code: str, image: str) -> Any:
        return SimpleNamespace(codes=(code,), covers=lambda f: np.array([i == image for i in f.columns["image"].tolist()], bool))

    results: dict[str, Any] = {
        "CNV001": Result(found("x", "y"), folds=(rule("BOX", "a"), rule("CNV", "x"), rule("IMG001", "b"))),
        "BOX001": Result(found("a", "b")), "BOX002": Result(found("a")), "IMG001": Result(found("b", "b"))}
    fold(results)
    left = {c: [f.image for f in r.findings.iterate(c, Severity.INFO)] for c, r in results.items()}
    assert left == {"CNV001": ["x", "y"], "BOX001": ["b"], "BOX002": [], "IMG001": []}
    assert [f.values["folded"] for f in results["CNV001"].findings.iterate("CNV001", Severity.INFO)] == [4, 0]

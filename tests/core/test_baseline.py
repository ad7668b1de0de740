"""Baselines: known findings stay quiet, new ones count, mended ones are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dsinspect.errors import UserError
from dsinspect.findings.findings import Findings
from dsinspect.findings.severity import Severity
from dsinspect.inspection.baseline import apply_baseline, known_findings, read_baseline, write_baseline
from dsinspect.protocols.run import Census, Outcome, Run, Status
from dsinspect.tables.dataset import DatasetInfo


def run_with(*subjects: str) -> Run:
    found = Findings.of_subjects(subjects, "{n} things", {"n": 3})
    outcome = Outcome("CLS001", "class-imbalance", Severity.WARNING, "found" if subjects else "clean", found)
    empty = pd.DataFrame({"name": []})
    return Run("set", DatasetInfo("coco", Path()), Census(0, 0, empty, empty), (outcome,))


def test_round_trip_keeps_what_is_known_quiet(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    assert write_baseline(path, known_findings(run_with("a", "b").outcomes)) == 2
    quiet = apply_baseline(run_with("a", "b", "c"), read_baseline(path))
    assert [f.subject for f in quiet.outcomes[0].iterate()] == ["c"]
    assert quiet.outcomes[0].status == "found"
    assert quiet.baseline is not None
    assert (quiet.baseline.known, quiet.baseline.stale) == (2, ())


def test_everything_known_is_clean_and_mended_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, known_findings(run_with("a", "b").outcomes))
    quiet = apply_baseline(run_with("a"), read_baseline(path))
    assert quiet.outcomes[0].status == "clean"
    assert quiet.baseline is not None
    assert [k.message for k in quiet.baseline.stale] == ["3 things"]


@pytest.mark.parametrize("status", ["skipped", "crashed"])
def test_a_check_that_did_not_run_makes_nothing_stale(status: Status) -> None:
    gone = run_with()
    run = replace(gone, outcomes=(replace(gone.outcomes[0], status=status),))
    quiet = apply_baseline(run, known_findings(run_with("a").outcomes))
    assert quiet.baseline is not None
    assert quiet.baseline.stale == ()
    assert quiet.outcomes[0].status == status
    assert apply_baseline(replace(gone, outcomes=()), known_findings(run_with("a").outcomes)).baseline == quiet.baseline


def test_same_findings_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    write_baseline(one, known_findings(run_with("a", "b").outcomes))
    write_baseline(two, reversed(known_findings(run_with("a", "b").outcomes)))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 9, "findings": []}', '{"findings": 1}'])
def test_file_that_is_no_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(UserError, match="--write-baseline"):
        read_baseline(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_baseline(tmp_path / "none.json")

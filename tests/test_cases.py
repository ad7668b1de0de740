"""Run tests/cases/<CODE>.toml: what each check finds on tiny tables, and its laws on every one of them."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dsinspect.loader import load_plugins
from dsinspect.protocols.options import make
from dsinspect.protocols.trainers import chosen_trainer
from dsinspect.testing import check_laws, make_batch

CASES = Path(__file__).parent / "cases"
PLUGINS = load_plugins()
CHECKS = PLUGINS.checks
KEYS = {"images", "annotations", "problems", "categories", "format", "box_units", "split_categories", "measured"}


def all_cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        defaults = {k: v for k, v in document.items() if k != "case"}
        found += [pytest.param(path.stem, {**defaults, **case}, id=f"{path.stem}-{case['name']}")
                  for case in document["case"]]
    return found


def near(expected: Any, got: Any) -> bool:
    if isinstance(expected, float) and isinstance(got, (int, float)):
        return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(near(v, got.get(k)) for k, v in expected.items())
    return bool(expected == got)


@pytest.mark.parametrize(("code", "case"), all_cases())
def test_case(code: str, case: dict[str, Any]) -> None:
    known = KEYS | {"name", "options", "expect", "metrics", "trainer"}
    assert set(case) <= known, f"unknown keys {set(case) - known}"
    check_type = CHECKS[code]
    check = check_type(make(check_type.options_type, case.get("options", {}), code))
    trainer = chosen_trainer(case["trainer"], PLUGINS.trainers) if "trainer" in case else None
    batch = make_batch(**{k: v for k, v in case.items() if k in KEYS}, trainer=trainer)
    result = check_laws(check, batch)
    found = list(result.findings.iterate(code, check.severity))
    told = "\n".join(f"{f.image} {f.subject} {f.message} {f.values}" for f in found)
    expected = case.get("expect", [])
    assert len(found) == len(expected), f"{len(expected)} findings are due, found:\n{told}"
    for want, f in zip(expected, found, strict=True):
        assert set(want) <= {"image", "category", "split", "subject", "values", "contains", "fix", "safety", "severity",
                             "annotation_id", "line", "new_box", "new_text"}, want
        for key in ("image", "category", "split", "subject", "annotation_id", "line"):
            if key in want:
                assert getattr(f, key) == want[key], told
        if "severity" in want:
            assert str(f.severity) == want["severity"], told
        if "contains" in want:
            assert want["contains"] in f.message, told
        if "fix" in want:
            assert (f.fix.action if f.fix else "") == want["fix"], told
        if "safety" in want:
            assert (f.fix.safety if f.fix else "") == want["safety"], told
        assert near(want.get("values", {}), f.values), told
    for row, want in enumerate(expected):
        if "new_box" in want:
            got = [result.findings.columns[f"fix:{c}"][row] for c in ("x_min", "y_min", "x_max", "y_max")]
            assert got == want["new_box"]
        if "new_text" in want:
            assert str(result.findings.columns["fix:text"][row]) == want["new_text"]
    assert near(case.get("metrics", {}), dict(result.metrics)), result.metrics


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_has_cases(code: str) -> None:
    document = tomllib.loads((CASES / f"{code}.toml").read_text(encoding="utf-8"))
    assert any(c.get("expect") for c in document["case"]), "no case finds something"
    assert any(not c.get("expect") for c in document["case"]), "no case is clean"

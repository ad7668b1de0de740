"""Fingerprints: each field that tells two findings apart changes them, and nothing that an edit elsewhere changes does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsinspect.findings.findings import Findings
from dsinspect.tables.schema import BOX_COLUMNS

PLACE: dict[str, Any] = {"image": "a.jpg", "category": "cat", "subject": "s", "split": "train", "source": "a.txt", "line": 3,
                         "index": 2, "annotation_id": 9, "x_min": 1.0, "y_min": 2.0, "x_max": 3.0, "y_max": 4.0}


def found(*places: dict[str, Any], value: int = 1) -> Findings:
    """Return findings at places that differ from `PLACE` as said."""
    columns = {name: np.array([{**PLACE, **p}[name] for p in places], object if isinstance(PLACE[name], str) else None)
               for name in PLACE}
    subject = columns.pop("subject")
    return Findings.of_places(columns, "{n} things", {"n": value}, subject=subject)


def of(change: dict[str, Any], code: str = "TST001") -> int:
    return int(found(change).fingerprints(code)[0])


@pytest.mark.parametrize("change", [
    {"image": "b.jpg"}, {"image": None}, {"category": "dog"}, {"category": None}, {"subject": "t"}, {"subject": None},
    *({name: 5.5} for name in BOX_COLUMNS), *({name: np.nan} for name in BOX_COLUMNS)])
def test_what_a_finding_is_about_is_its_identity(change: dict[str, Any]) -> None:
    assert of(change) != of({})


@pytest.mark.parametrize("change", [{"split": "val"}, {"source": "b.txt"}, {"line": 7}, {"index": 7}, {"annotation_id": 7}])
def test_what_an_edit_elsewhere_changes_is_not(change: dict[str, Any]) -> None:
    assert of(change) == of({})
    assert int(found({}, value=2).fingerprints("TST001")[0]) == of({})


def test_the_check_and_the_order_of_the_edges_are() -> None:
    assert of({}, "TST002") != of({})
    assert of({"x_min": 2.0, "y_min": 1.0}) != of({})
    assert of({"image": "cat", "category": "a.jpg"}) != of({})


def test_minus_zero_is_zero_and_one_nan_another() -> None:
    assert of({"x_min": -0.0}) == of({"x_min": 0.0})
    other = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    assert of({"x_min": other}) == of({"x_min": np.nan})


def test_equal_findings_are_counted_and_the_first_is_as_if_alone() -> None:
    prints = found({}, {"image": "b.jpg"}, {}, {}).fingerprints("TST001").tolist()
    assert len(set(prints)) == 4
    assert prints[:2] == [of({}), of({"image": "b.jpg"})]
    assert found({}, {}).fingerprints("TST001").tolist() == [prints[0], prints[2]]


def test_a_place_is_the_image_and_the_box_whatever_is_found_there() -> None:
    place = found({}).places()[0]
    assert found({"category": "dog", "subject": "t"}).places()[0] == place
    assert found({"image": "b.jpg"}).places()[0] != place
    assert found({"y_max": 5.0}).places()[0] != place

"""Messages: numbers as people write them, nouns in the right number, and nothing that a value could break."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.findings.findings import Findings
from dsinspect.findings.rendering import guarded
from dsinspect.findings.severity import Severity
from dsinspect.findings.wording import number, write


@pytest.mark.parametrize(("value", "text"), [
    (27980.4, "27,980"), (3818.0, "3,818"), (12.0, "12"), (0.5, "0.5"), (0.92857, "0.9286"), (1000000, "1,000,000"),
    (-0.25, "-0.25"), (0.000012345, "0.00001234"), (0.00009999999, "0.0001"), (999.96, "1,000"), (99.995, "100"), (0.0, "0"),
    (float("nan"), "not a number"), (float("-inf"), "-infinity")])
def test_numbers_are_written_as_people_do(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(1e-9, 1e14))
def test_numbers_keep_their_value_and_have_no_exponent(value: float) -> None:
    text = number(value)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(("template", "values", "text"), [
    ("{n:~ file|files} changed", {"n": 1}, "1 file changed"), ("{n:~ file|files} changed", {"n": 1200}, "1,200 files changed"),
    ("{n:~} of {m:~} {n:~has|have}", {"n": 1, "m": 2}, "1 of 2 has"),
    ("{n:~} of {m:~} {n:~has|have}", {"n": 0, "m": 2}, "0 of 2 have"),
    ("{x:~} px, {y:.1%}", {"x": None, "y": None}, "unknown px, unknown"), ("{a!r} {{{b:~}}}", {"a": "x", "b": 2.5}, "'x' {2.5}"),
    ("{t}", {"t": "{n:~} {0}"}, "{n:~} {0}")])
def test_templates(template: str, values: dict[str, object], text: str) -> None:
    assert write(template, values) == text


def test_several_texts_are_one_value() -> None:
    import numpy as np

    members = np.empty(2, object)
    members[:] = [("a", "b"), ("c", "d")]  # of one length: no table
    found = Findings.of_subjects(["x", "y"], "{n:~ image|images}", {"n": [1, 2], "members": members})
    assert [(f.message, f.values["members"]) for f in found.iterate("TST001", Severity.INFO)] == [
        ("1 image", ["a", "b"]), ("2 images", ["c", "d"])]


@pytest.mark.parametrize(("value", "limit", "text"), [
    (3.14, 2.4, "3.1"), (2.4004, 2.4, "2.4004"), (2.4, 2.4, "2.4"), (2.3999, 2.4, "2.3999"), (1234.00001, 1234.0, "1,234.00001")])
def test_a_measure_never_reads_as_the_limit_that_it_is_not(value: float, limit: float, text: str) -> None:
    assert write("{x:~.1 from y}", {"x": value, "y": limit}) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded(f"a{text}") == f"a{text}"

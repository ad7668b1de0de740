"""Image sizes are measurements of the set: reports show them whether or not the checks that judge them are selected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import dsinspect

COCO = Path(__file__).resolve().parents[2] / "sample_data/coco"


def parts(path: Path) -> Any:
    """Return the sheet Sizes of a workbook as rows."""
    return list(openpyxl.load_workbook(path, read_only=True)["Sizes"].iter_rows(values_only=True))


@pytest.mark.parametrize("left_out", [("--ignore", "SIZ001"), ("--ignore", "SIZ"), ("--select", "BOX")])
def test_sizes_are_shown_whoever_judges(cli: Any, tmp_path: Path, left_out: tuple[str, ...]) -> None:
    whole = cli("report", COCO, "-o", tmp_path / "whole.xlsx")
    done = cli("report", COCO, "-o", tmp_path / "r.xlsx", "-o", tmp_path / "r.html", "-o", tmp_path / "r.json", *left_out)
    assert done.code == 0, done.err
    assert parts(tmp_path / "r.xlsx") == parts(tmp_path / "whole.xlsx")
    sizes = "5 sizes, most often 192 x 144 px"
    assert sizes in whole.out
    assert sizes in done.out
    assert "Image side" in done.out
    page = (tmp_path / "r.html").read_text()
    assert 'Sizes <span class="quiet">SIZ001</span>' in page
    record = json.loads((tmp_path / "r.json").read_text())
    assert "SIZ001" not in {c["code"] for c in record["checks"]}, "what was not selected judges nothing"
    assert "SIZ001" not in {f["code"] for f in record["findings"]}
    assert "image-size-spread" not in done.out


def test_a_notebook_shows_sizes_too() -> None:
    run = dsinspect.inspect(COCO, ignore=["SIZ001"], cache=False, jobs=1)
    assert 'Sizes <span class="quiet">SIZ001</span>' in run.to_html()
    assert all(o.code != "SIZ001" for o in run.run.outcomes)

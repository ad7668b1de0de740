"""A simulation has one set of numbers: on the terminal, in JSON, workbook and page, in `check` and in `report`."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from dsinspect.cli import main

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
TRAINERS = ("cocoeval", "detectron2", "mmdet", "rfdetr", "rtdetr", "torchvision", "ultralytics@8.3.0", "ultralytics@8.4", "yolox")
SETS = ("clean", "coco", "frames", "rotated", "table", "tracks", "voc", "yolo")
NO_CLASS = "(no known class or image)"


class _Rows(HTMLParser):
    """The tables of a page as rows of texts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag == "td" or (self._in_cell and tag != "tr")
        if tag == "td":
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell and self.rows:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module", params=[*SETS, "extra rows"])
def surfaces(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A set, and the folder in which its simulation stands as .json, .xlsx and .html."""
    out = tmp_path_factory.mktemp("simulated")
    root = SAMPLES / request.param
    if request.param == "extra rows":
        root = _with_rows_only_the_trainer_reads(out / "set")
    outputs = [a for suffix in ("json", "xlsx", "html") for a in ("-o", str(out / f"s.{suffix}"))]
    trainers = [a for t in TRAINERS for a in ("--trainer", t)]
    assert main(["simulate", str(root), *trainers, *outputs, "--no-cache", "--quiet"]) == 0
    return root, out


def _with_rows_only_the_trainer_reads(root: Path) -> Path:
    """A rotated box of eight numbers beside a box: detection reads the first as a polygon; and a class number of 0.5."""
    import cv2
    import numpy as np

    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    assert cv2.imwrite(str(root / "images/a.png"), np.zeros((40, 60, 3), np.uint8))
    (root / "labels/a.txt").write_text("0 0.5 0.5 0.2 0.2\n0.5 0.25 0.25 0.1 0.1\n")
    (root / "data.yaml").write_text("path: .\ntrain: images\nval: images\nnames: [cat, dog]\n")
    return root


def documents(out: Path) -> list[dict[str, Any]]:
    return json.loads((out / "s.json").read_text())["trainers"]


def arrivals(trainer: dict[str, Any]) -> tuple[int, ...]:
    n = trainer["annotations"]
    return (trainer["images"]["kept"], trainer["images"]["left_out"], n["kept"] + n["changed"], n["dropped"], n["changed"])


def test_terminal_workbook_and_page_have_the_numbers_of_the_json(surfaces: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch,
                                                                 capsys: pytest.CaptureFixture[str]) -> None:
    root, out = surfaces
    monkeypatch.setenv("COLUMNS", "120")
    book = openpyxl.load_workbook(out / "s.xlsx")
    page = _Rows()
    page.feed((out / "s.html").read_text())
    arrive = {r[0]: r for r in book["What arrives"].iter_rows(min_row=2, values_only=True)}
    assert main(["simulate", str(root), *(a for t in TRAINERS for a in ("--trainer", t)), "--no-cache"]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    for trainer in documents(out):
        label = f"{trainer['name']}@{trainer['release']}"
        counts = arrivals(trainer)
        assert tuple(arrive[label][1:6]) == counts
        shown = next(r for r in page.rows if r and r[0] == label and len(r) == 9)
        assert tuple(int(c.replace(",", "")) for c in shown[1:6]) == counts
        line = next(p for p in printed if p and p[0] == label and len(p) > 5)
        assert tuple(0 if c == "-" else int(c.replace(",", "")) for c in line[1:6]) == counts
        losses = [r for n in book.sheetnames if n.startswith(label) for r in book[n].iter_rows(min_row=2, values_only=True)]
        assert [tuple(r[1:4]) for r in losses] == [
            (x["images"], x["annotations_dropped"], x["annotations_changed"]) for x in trainer["losses"]]
        assert sum(r[1] for r in losses) == counts[1]
        assert sum(r[2] for r in losses) == counts[3]
        assert sum(r[3] for r in losses) == counts[4]


def test_classes_are_those_of_the_report(surfaces: tuple[Path, Path], tmp_path: Path) -> None:
    root, out = surfaces
    assert main(["report", str(root), "-o", str(tmp_path / "r.json"), "--no-cache", "--quiet"]) == 0
    dataset = json.loads((tmp_path / "r.json").read_text())["dataset"]
    known = {c["name"]: (c["images"], c["annotations"]) for c in dataset["categories"]}
    book = openpyxl.load_workbook(out / "s.xlsx")
    headers, *rows = [list(r) for r in book["Classes"].iter_rows(values_only=True)]
    sheet = {r[0]: r for r in rows if r[0]}
    for trainer in documents(out):
        label = f"{trainer['name']}@{trainer['release']}"
        before = {c["name"]: (c["images_before"], c["annotations_before"]) for c in trainer["classes"]}
        unknown = before.pop(None, (0, 0))[1]
        assert before == known
        assert unknown == dataset["annotations"] - sum(n for _, n in known.values())
        assert trainer["images"]["kept"] + trainer["images"]["left_out"] == dataset["images"]
        assert sum(trainer["annotations"].values()) == dataset["annotations"] + trainer["malformed_kept"]
        assert sum(c["annotations_after"] for c in trainer["classes"]) == arrivals(trainer)[2] - trainer["malformed_kept"]
        for c in trainer["classes"]:
            row = sheet[NO_CLASS if c["name"] is None else c["name"]]
            at = [headers.index(f"{what} for {label}") for what in ("Images", "Boxes")]
            assert [row[k] for k in at] == [c["images_after"], c["annotations_after"]]
            assert row[1] == c["annotations_before"]


def test_findings_of_check_are_as_many_as_the_losses(surfaces: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root, out = surfaces
    for wanted, trainer in zip(TRAINERS, documents(out), strict=True):
        assert main(["check", str(root), "--trainer", wanted, "--select", "TRN", "--fail-on", "never", "--output-format", "json",
                     "--no-cache"]) == 0
        checks = {c["code"]: c["findings"] for c in json.loads(capsys.readouterr().out)["checks"]}
        with_images = sum(len([a for a in i["annotations"] if a["reason"] == i["reason"]]) for i in trainer["fates"]
                          if i["fate"] == "left-out" and i["image"] is not None)
        assert checks == {
            "TRN001": trainer["images"]["left_out"], "TRN002": trainer["annotations"]["dropped"] - with_images,
            "TRN003": trainer["annotations"]["changed"],
            "TRN004": len(trainer["further_stops"]) + (trainer["stops"] is not None)}


def test_a_note_says_why_more_arrive_than_a_report_counts(surfaces: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root, out = surfaces
    more = {f"{t['name']}@{t['release']}": t["malformed_kept"] for t in documents(out)}
    for label, n in more.items():
        assert main(["simulate", str(root), "--trainer", label, "--no-cache"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert bool(re.search(r"in no class above", text)) == (n > 0)
    if root.name == "set":
        assert any(more.values())

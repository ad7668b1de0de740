"""`dsinspect expect`."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from dsinspect.cli import main

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


def test_losses_and_classes_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "expect.json"
    assert main(["expect", str(SAMPLES / "clean"), "--imgsz", "320", "-o", str(out)]) == 0
    text = capsys.readouterr().out
    assert "cross-entropy, uniform" in text
    document = json.loads(out.read_text())
    values = {v["name"]: v["value"] for v in document["losses"]}
    assert values["cross-entropy, uniform"] == pytest.approx(math.log(len(document["classes"])))
    assert sum(c["share"] for c in document["classes"]) == pytest.approx(1)
    assert document["imgsz"] == 320


def test_only_what_the_trainer_keeps_counts(tmp_path: Path) -> None:
    counts = []
    for arguments in ([], ["--trainer", "ultralytics@8.4"]):
        out = tmp_path / f"{len(arguments)}.json"
        assert main(["expect", str(SAMPLES / "yolo"), "--split", "all", "-o", str(out), "--quiet", *arguments]) == 0
        counts.append(json.loads(out.read_text())["boxes"])
    assert counts[1] < counts[0]


def test_a_set_without_boxes_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text('{"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}')
    assert main(["expect", str(tmp_path / "a.json")]) == 2
    assert "no box of a known class" in capsys.readouterr().err

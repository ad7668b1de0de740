"""The drawn sample sets: exactly the faults that were planted are found, and the drawing is repeatable."""

from __future__ import annotations

import filecmp
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from by_path import module_at

from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins

SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"
PLUGINS = load_plugins()
PLANTED: list[dict[str, Any]] = json.loads((SAMPLES / "faults.json").read_text(encoding="utf-8"))
SETS = ("coco", "voc", "yolo", "table", "clean", "frames", "rotated", "tracks")
ABOUT_BOXES = ("BOX", "REC005", "REC006")


def due(name: str) -> Counter[tuple[str, str | None]]:
    return Counter((f["code"], f["image"]) for f in PLANTED if name in f["formats"])


def found(name: str, **options: Any) -> list[Any]:
    run = inspect(Request(name, SAMPLES / name, **options), PLUGINS)
    assert not run.crashed
    return [f for o in run.outcomes for f in o.iterate()]


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table", "frames", "rotated", "tracks"])
def test_exactly_the_planted_faults_are_found(name: str) -> None:
    got = Counter((f.code, f.image.rpartition("/")[2] if f.image else None) for f in found(name))
    assert not got - due(name), "too many"
    assert not due(name) - got, "missing"


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table", "frames", "rotated", "tracks"])
def test_class_of_each_planted_fault(name: str) -> None:
    got = {(f.code, f.image.rpartition("/")[2] if f.image else None, f.category) for f in found(name)}
    for fault in PLANTED:
        if name in fault["formats"] and fault["category"] and fault["code"] != "CLS004":
            assert (fault["code"], fault["image"], fault["category"]) in got


def test_same_faults_give_the_same_findings_in_every_format() -> None:
    """Box faults agree in code, picture, class and box to a hundredth of a pixel (YOLO writes six digits)."""
    def boxes(name: str) -> list[tuple[Any, ...]]:
        return sorted((f.code, f.image.rpartition("/")[2], f.category, *(round(v, 1) + 0.0 for v in f.bbox_xyxy))
                      for f in found(name) if f.code.startswith("BOX"))

    coco = boxes("coco")
    assert len(coco) >= 7
    assert boxes("voc") == coco
    assert boxes("table") == coco
    assert [b[:3] for b in boxes("yolo")] == [b[:3] for b in coco]
    for ours, theirs in zip(boxes("yolo"), coco, strict=True):
        assert ours[3:] == pytest.approx(theirs[3:], abs=0.11)


def test_clean_set_has_nothing_at_warning_or_above() -> None:
    assert [f"{f.code} {f.message}" for f in found("clean") if f.severity.rank >= Severity.WARNING.rank] == []


def test_every_planted_code_exists_and_is_told_in_the_readme() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for fault in PLANTED:
        assert fault["code"] in PLUGINS.checks
        assert f"| {fault['code']} |" in text


def test_drawing_again_gives_the_same_files(tmp_path: Path) -> None:
    module = module_at("sample_data/draw.py", "sample_data_draw_again")
    assert module.draw(tmp_path) == PLANTED
    drawn = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    text = [p for p in drawn if p.suffix in (".json", ".txt", ".xml", ".yaml", ".md")]
    _, wrong, missing = filecmp.cmpfiles(tmp_path, SAMPLES, [str(p) for p in text], shallow=False)
    assert (wrong, missing) == ([], [])
    # Another version of the JPEG encoder may write other bytes for the same pixels: the names must be the same.
    kept = {p.relative_to(SAMPLES) for n in SETS for p in (SAMPLES / n).rglob("*") if p.is_file()}
    assert kept == {p for p in drawn if len(p.parts) > 1}


def test_samples_are_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) < 3_000_000

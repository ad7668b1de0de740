"""`--cache-dir` names the folder of all that is kept: measurements, and the images that stand inside annotation files."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import dsinspect

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    """A LabelMe set whose only image stands inside its file."""
    content = next((SAMPLES / "coco").rglob("*_05.jpg")).read_bytes()
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.json").write_text(json.dumps({
        "version": "5.0", "flags": {}, "imagePath": "a.jpg", "imageData": base64.b64encode(content).decode(), "imageWidth": 192,
        "imageHeight": 144, "shapes": [{"label": "car", "points": [[10, 10], [60, 60]], "shape_type": "rectangle", "flags": {}}]}))
    return tmp_path / "set"


@pytest.mark.parametrize("jobs", [("--jobs", 1), ("--jobs", 2, "--executor", "process")], ids=["here", "in workers"])
def test_images_of_annotation_files_are_put_there(cli: Any, embedded: Path, tmp_path: Path, jobs: tuple[object, ...]) -> None:
    named = tmp_path / "named"
    assert "IMG001" not in cli("check", embedded, "--cache-dir", named, *jobs).out
    assert len(list((named / "embedded").rglob("*.jpg"))) == 1
    assert not (tmp_path / "cache").exists()
    told = cli("cache", "info", "--cache-dir", named).out
    assert f"{named / 'embedded'}\n1 image of annotation files" in told


def test_clearing_a_named_cache_leaves_the_other_alone(cli: Any, embedded: Path, tmp_path: Path) -> None:
    named, usual = tmp_path / "named", tmp_path / "cache"
    cli("check", embedded, "--cache-dir", named)
    cli("check", embedded)
    assert "embedded" not in cli("cache", "clear", "--cache-dir", tmp_path / "empty").out
    told = cli("cache", "clear", "--cache-dir", named).out
    assert f"cleared {named / 'embedded'}" in told
    assert str(usual) not in told
    assert not (named / "embedded").exists()
    assert len(list((usual / "embedded").rglob("*.jpg"))) == 1


def test_no_image_is_put_into_a_dataset(cli: Any, embedded: Path) -> None:
    for arguments in ((), ("--no-cache",)):
        done = cli("check", embedded, "--cache-dir", embedded / "cache", *arguments)
        assert done.code == 2
        assert "lies in the dataset's folder" in done.err
    assert [p.name for p in embedded.iterdir()] == ["a.json"]


def test_no_image_is_put_into_a_dataset_whose_folder_holds_the_usual_cache(cli: Any, embedded: Path, tmp_path: Path,
                                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(embedded / "cache"))
    assert "no cache" in cli("check", embedded, "--jobs", 2, "--executor", "process").err
    assert cli("convert", embedded, "-o", tmp_path / "out", "--to", "coco").code == 0
    dsinspect.inspect(embedded, jobs=1)
    assert [p.name for p in embedded.iterdir()] == ["a.json"]
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    dsinspect.inspect(embedded, jobs=1)
    assert len(list((tmp_path / "cache/embedded").rglob("*.jpg"))) == 1

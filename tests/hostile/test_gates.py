"""A gate never passes what was not looked at, and every report says what the gate says."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hostile.conftest import Done
from hostile.sets import coco, yolo

Cli = Callable[..., Done]


@pytest.fixture
def no_opencv(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make `import cv2` fail as it does without libGL; the tests after it in this process have it again."""
    from dsinspect.io import image_codec
    from dsinspect_probes import _decode

    real = builtins.__import__

    def refusing(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real(name, *arguments, **options)

    remembering = (_decode.opencv, image_codec.why_no_opencv)
    for cached in remembering:
        cached.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(builtins, "__import__", refusing)
        yield
    for cached in remembering:
        cached.cache_clear()


def test_arrays_are_called_what_they_are_and_nothing_is_said_twice(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set")
    assert cli("transform", source, "-o", tmp_path / "arrays", "--op", "tensor:preset=imagenet").code == 0
    done = cli("check", tmp_path / "arrays", "--no-cache")
    assert done.code == 1
    assert "images are arrays (.npy), which are not opened" in done.err
    assert "--images" not in done.err
    assert "is here" not in done.out
    nothing = yolo(tmp_path / "nothing", row="")
    for image in nothing.rglob("*.png"):
        image.unlink()
    last = " ".join(cli("check", nothing, "--select", "IMG002", "--no-cache").out.split())
    assert last.count("4 images and 0 boxes") == 1, last
    assert "nothing to judge; no file of the 4 images is here" in last


def test_nothing_is_clean_that_nobody_could_decode(cli: Cli, tmp_path: Path, no_opencv: None) -> None:
    source = coco(tmp_path / "set")
    (source / "a1.png").write_bytes((source / "a1.png").read_bytes()[:60] + b"\0" * 40)
    arguments = ["check", source, "--select", "IMG002", "--no-cache", "--output-format", "json"]
    done = cli(*arguments)
    (outcome,) = json.loads(done.out)["checks"]
    assert outcome["status"] == "skipped"
    assert "libGL" in outcome["metrics"]["reason"]
    assert done.code == 0
    assert "apt-get install libgl1" in done.err
    done = cli(*arguments, "--fail-on", "skipped")
    assert done.code == 1
    assert "skipped: " in done.err


@pytest.mark.parametrize(("make", "told"), [
    (lambda f: coco(f, images=[], annotations=[{"image_id": 9}]), None),
    (lambda f: yolo(f, row=""), "4 images and 0 boxes: there is nothing to judge"),
    (lambda f: [p.unlink() for p in coco(f, count=1).glob("*.png")],
     "the file of the image is not here: nobody looked at it; name its folder with --images"),
    (lambda f: [p.unlink() for p in coco(f).glob("*.png")], "no file of the 2 images is here")])
def test_a_gate_fails_when_there_is_nothing_to_judge(cli: Cli, tmp_path: Path, make: Callable[[Path], object],
                                                     told: str | None) -> None:
    source = tmp_path / "set"
    make(source)
    done = cli("check", source, "--select", "CLS005")
    assert done.code == 1
    if told:
        assert told in done.err
        assert told in " ".join(done.out.split())
    assert "--allow-empty lets the gate pass" in done.err
    assert cli("check", source, "--select", "CLS005", "--allow-empty").code == 0
    assert cli("check", source, "--select", "CLS005", "--fail-on", "never").code == 0
    (tmp_path / "dsinspect.toml").write_text("allow-empty = true\n")
    assert cli("check", source, "--select", "CLS005").code == 0
    assert cli("check", source, "--select", "CLS005", "--no-allow-empty").code == 1
    suite = ElementTree.fromstring(cli("check", source, "--select", "CLS005", "--no-allow-empty", "--output-format", "junit").out)
    assert int(suite.get("failures", "")) == len(suite.findall(".//failure")) == 1
    assert "::error title=nothing to judge::" in cli("check", source, "--select", "CLS005", "--no-allow-empty", "--output-format",
                                                     "github").out
    assert "clean: no finding" not in cli("report", source, "--select", "CLS005").out


def test_images_that_are_gone_fail_a_gate_on_skipped(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set")
    assert cli("check", source, "--fail-on", "skipped").code == 0
    for path in source.glob("*.png"):
        path.unlink()
    assert cli("check", source, "--fail-on", "skipped").code == 1


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
def test_junit_fails_where_the_gate_does(cli: Cli, tmp_path: Path, fail_on: str, failures: int) -> None:
    source = coco(tmp_path / "set", annotations=[{"bbox": [1, 1, 1, 1], "area": 1}])
    done = cli("check", source, "--select", "BOX005", "--output-format", "junit", "--fail-on", fail_on)
    suite = ElementTree.fromstring(done.out)
    assert int(suite.get("failures", "")) == len(suite.findall(".//failure")) == failures
    assert done.code == failures


def test_sarif_says_what_its_paths_are_relative_to(cli: Cli, tmp_path: Path) -> None:
    coco(tmp_path / "set", annotations=[{}, {"bbox": [1, 1, 90, 1]}])
    done = cli("check", "set", "--select", "BOX003", "--output-format", "sarif")
    (run,) = json.loads(done.out)["runs"]
    assert run["originalUriBaseIds"]["DATASET"] == {"uri": "set/", "uriBaseId": "SRCROOT"}
    (result,) = run["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "i.json", "uriBaseId": "DATASET"}


@pytest.mark.parametrize("indent", [None, 1])
def test_sarif_has_line_and_column_of_coco_records(cli: Cli, tmp_path: Path, indent: int | None) -> None:
    source = coco(tmp_path / "set", annotations=[{}, {"bbox": [1, 1, 90, 1]}, {"bbox": [2, 2, 80, 2]}],
                  categories=[{"id": 1, "name": "é\U0001f98a"}])
    document = json.loads((source / "i.json").read_text())
    document = {"categories": document["categories"], **document}  # text before the records that is not ASCII
    (source / "i.json").write_text(text := json.dumps(document, indent=indent, ensure_ascii=False), encoding="utf-8")
    (run,) = json.loads(cli("check", source, "--select", "BOX003", "--output-format", "sarif").out)["runs"]
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in run["results"]]
    lines = text.split("\n")
    for region, x in zip(regions, (90, 80), strict=True):
        rest = "".join(lines[region["startLine"] - 1:])[region["startColumn"] - 1:]
        assert json.JSONDecoder().raw_decode(rest)[0]["bbox"][2] == x


def test_sarif_has_the_column_where_json_breaks(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set", annotations=[{}, {"bbox": [1, 1, 9, 1]}])
    text = json.dumps({"info": "\U0001f98a", **json.loads((source / "i.json").read_text())}, ensure_ascii=False)
    broken = "\n" + text.replace('}], "annotations"', '},, {}], "annotations"')
    (source / "i.json").write_text(broken, encoding="utf-8")
    with pytest.raises(json.JSONDecodeError) as refused:
        json.loads(broken)
    (run,) = json.loads(cli("check", source, "--select", "SRC001", "--output-format", "sarif").out)["runs"]
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in run["results"]]
    assert {"startLine": refused.value.lineno, "startColumn": refused.value.colno} in regions

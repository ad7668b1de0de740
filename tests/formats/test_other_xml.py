"""XML that is no VOC annotation, read as VOC: one line when all of it is, a finding where some is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from cli.conftest import cli  # noqa: F401 - a fixture of the tests here as well

SAMPLES = Path(__file__).parents[2] / "sample_data"
OTHER = "<project><name>x</name></project>\n"


def test_a_set_of_other_xml_is_refused(tmp_path: Path, cli: Any) -> None:  # noqa: F811
    (tmp_path / "set").mkdir()
    for name in "ab":
        (tmp_path / "set" / f"{name}.xml").write_text(OTHER)
    for command in ("check", "report"):
        done = cli(command, tmp_path / "set", "--format", "voc", "--no-cache")
        assert done.code == 2
        assert "none of its XML files is a VOC annotation" in done.err


def test_one_other_file_among_annotations_is_a_finding(tmp_path: Path, cli: Any) -> None:  # noqa: F811
    shutil.copytree(SAMPLES / "voc", tmp_path / "voc")
    before = cli("check", tmp_path / "voc", "--no-cache", "--select", "SRC001", "--output-format", "json")
    (tmp_path / "voc" / "Annotations" / "aaa.xml").write_text(OTHER)
    done = cli("check", tmp_path / "voc", "--no-cache", "--select", "SRC001", "--output-format", "json")
    counts = [len(json.loads(d.out)["findings"]) for d in (before, done)]
    assert counts[1] == counts[0] + 1
    assert "no VOC annotation" in done.out


def test_an_empty_annotation_is_a_background_image(tmp_path: Path, cli: Any) -> None:  # noqa: F811
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.xml").write_text("<annotation></annotation>\n")
    done = cli("check", tmp_path / "set", "--format", "voc", "--no-cache", "--select", "SRC001", "--allow-empty")
    assert done.code == 0, done.err

"""What the tool writes, where people write it: reports inside the dataset, outputs named with `..`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import SAMPLES

from dsinspect.loader import load_plugins

WRITABLE = sorted(name for name, kind in load_plugins().formats.items() if kind.writable)


@pytest.mark.parametrize("sample", ["coco", "voc", "yolo"])
def test_reports_inside_a_dataset_are_no_dataset(sample: str, tmp_path: Path, cli: Any) -> None:
    folder = tmp_path / sample
    shutil.copytree(SAMPLES / sample, folder)
    os.chdir(folder)
    before = cli("check", ".", "--no-cache", "--output-format", "json").out
    written = cli("report", ".", "--no-cache", *(a for s in ("xlsx", "csv", "json", "html", "md") for a in ("-o", f"report.{s}")))
    assert written.code == 0, written.err
    assert cli("check", ".", "--no-cache", "--output-format", "json").out == before


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_a_report_named_as_the_dataset_is_refused(suffix: str, tmp_path: Path, cli: Any) -> None:
    report = tmp_path / f"report.{suffix}"
    assert cli("report", SAMPLES / "coco", "--no-cache", "-o", report).code == 0
    for more in ((), ("--format", "table")):
        done = cli("check", report, "--no-cache", *more)
        assert done.code == 2, done.out
        assert "report of dsinspect" in done.err
        assert done.err.count("\n") == 1


@pytest.mark.parametrize("name", WRITABLE)
def test_an_output_is_named_with_two_dots(name: str, tmp_path: Path, cli: Any) -> None:
    done = cli("convert", SAMPLES / "clean", "-o", "../out", "--to", name)
    assert done.code == 0, done.err
    assert cli("convert", SAMPLES / "clean", "-o", tmp_path / "plain", "--to", name).code == 0
    assert _files(tmp_path / "out") == _files(tmp_path / "plain")


def test_a_transformed_set_is_written_to_two_dots(tmp_path: Path, cli: Any) -> None:
    done = cli("transform", SAMPLES / "clean", "-o", "../out", "--op", "flip", "--to", "yolo")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "data.yaml").is_file()


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

"""Files of a dataset are never replaced, and nothing beside its images and labels names code to run."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import SAMPLES, cli  # noqa: F401 - a fixture of the tests here as well


def _state(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The sample set, whose annotation file has the word dsinspect in it."""
    shutil.copytree(SAMPLES / "coco", tmp_path / "set")
    assert "dsinspect" in (tmp_path / "set" / "annotations" / "instances_train.json").read_text()
    return tmp_path / "set"


@pytest.mark.parametrize("arguments", [
    "check SET --write-baseline SET/annotations/instances_train.json",
    "check SET --output-format json --output-file SET/annotations/instances_train.json",
    "report SET -o SET/annotations/instances_train.json",
    "balance SET -o SET/annotations/instances_train.json",
    "simulate SET --trainer mmdet -o SET/annotations/instances_val.json",
    "expect SET -o SET/annotations/instances_val.json",
    "check SET/annotations/instances_train.json --write-baseline SET/annotations/instances_val.json",
    "review apply REVIEW SET -o OUT --audit SET/annotations/instances_train",
    "review apply REVIEW SET -o OUT --update-baseline SET/annotations/instances_train.json",
])
def test_an_annotation_file_is_no_output(kept: Path, tmp_path: Path, arguments: str, cli: Any) -> None:  # noqa: F811
    review = tmp_path / "report.xlsx"
    if "REVIEW" in arguments:
        from openpyxl import load_workbook

        assert cli("report", kept, "-o", review, "--no-cache").code == 0
        book = load_workbook(review)
        book["Findings"]["B2"] = "keep"
        book.save(review)
    before = _state(kept)
    done = cli(*(a.replace("SET", str(kept)).replace("REVIEW", str(review)).replace("OUT", str(tmp_path / "out"))
                 for a in arguments.split()))
    assert done.code == 2, done.out
    assert "name another file" in done.err
    assert _state(kept) == before
    assert not (tmp_path / "out").exists()


def test_a_report_in_the_dataset_s_folder_is_written_anew(kept: Path, cli: Any) -> None:  # noqa: F811
    names = ("r.json", "r.csv", "r.jsonl", "r.html", "r.sarif", "r.md", "r.xml", "r.xlsx")
    for _ in range(2):
        done = cli("report", kept, "--no-cache", *(a for n in names for a in ("-o", kept / n)))
        assert done.code == 0, done.err
    for _ in range(2):
        for arguments in (("balance", kept, "-o", kept / "w.json"), ("balance", kept, "-o", kept / "w.csv"),
                          ("simulate", kept, "--trainer", "mmdet", "-o", kept / "s.json"),
                          ("expect", kept, "-o", kept / "e.json"), ("check", kept, "--write-baseline", kept / "b.json")):
            done = cli(*arguments)
            assert done.code == 0, done.err


@pytest.mark.parametrize("named", ["annotations/instances_train.json", "annotations", "train"])
@pytest.mark.parametrize("where", ["elsewhere", "there"])
@pytest.mark.parametrize("project", ["dsinspect.toml", "pyproject.toml"])
def test_code_beside_what_is_named_is_not_run(kept: Path, tmp_path: Path, named: str, where: str, project: str,
                                              cli: Any) -> None:  # noqa: F811
    (kept / "evil.py").write_text(f"open({str(tmp_path / 'PWNED')!r}, 'w')\n")
    (kept / project).write_text(("[tool.dsinspect]\n" if "py" in project else "") + 'plugins = ["evil.py"]\n')
    if where == "there":
        os.chdir(kept)
    path = named if where == "there" else kept / named
    for command in (("check", path, "--no-cache"), ("report", path, "--no-cache"),
                    ("check", f"train={path}", f"val={path}", "--no-cache")):
        done = cli(*command)
        assert done.code == 2, done.out
        assert "--config" in done.err
    assert not (tmp_path / "PWNED").exists()


def test_code_of_the_user_s_own_project_is_run(kept: Path, tmp_path: Path, cli: Any) -> None:  # noqa: F811
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'RAN')!r}, 'w')\n")
    (tmp_path / "dsinspect.toml").write_text('plugins = ["mine.py"]\n')
    assert cli("report", kept, "--no-cache").code == 0
    assert (tmp_path / "RAN").exists()

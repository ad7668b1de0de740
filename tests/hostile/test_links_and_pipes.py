"""Images that are no files, and links to folders above the dataset: told, never waited for, never walked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dsinspect.cli import main


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two images whose boxes have no area: one is a pipe, one a link to /dev/zero."""
    root = tmp_path / "set"
    root.mkdir()
    os.mkfifo(root / "pipe.png")
    (root / "zero.png").symlink_to("/dev/zero")
    (root / "a.json").write_text(json.dumps({
        "images": [{"id": k, "file_name": n, "width": 10, "height": 10} for k, n in enumerate(("pipe.png", "zero.png"))],
        "annotations": [{"id": k + 1, "image_id": k, "category_id": 1, "bbox": [0, 0, 0, 5], "area": 0, "iscrowd": 0}
                        for k in (0, 1)],
        "categories": [{"id": 1, "name": "x"}]}))
    return root


@pytest.mark.parametrize("suffix", [".html", ".xlsx"])
def test_pictures_of_a_report_are_of_regular_files(dataset: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"run{suffix}"
    assert main(["report", str(dataset), "-o", str(out), "--quiet", "--no-cache", "--jobs", "1"]) == 0
    assert out.stat().st_size > 1000


def test_a_link_to_a_folder_above_the_dataset_is_not_walked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "home" / "set"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (root / "images" / "a.png").write_bytes(b"")
    (tmp_path / "home" / "secret.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (root / "up").symlink_to("/")
    assert main(["check", str(root), "--output-format", "json", "--no-cache", "--select", "SRC,IMG002"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["dataset"]["images"] == 1
    assert "secret" not in printed.out + printed.err

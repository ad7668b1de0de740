"""A file that is no dataset, named with each format: one line and exit 2, never a judgement of what lies beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import cli  # noqa: F401 - a fixture of the tests here as well

from dsinspect.loader import load_plugins

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.mark.parametrize("name", sorted(load_plugins().formats))
def test_a_file_that_is_no_dataset_is_refused(name: str, tmp_path: Path, cli: Any) -> None:  # noqa: F811
    for sample in ("voc", "yolo", "table"):
        shutil.copytree(SAMPLES / sample, tmp_path / sample)
        (tmp_path / sample / "notes.md").write_text("# what we did\n")
        done = cli("check", tmp_path / sample / "notes.md", "--format", name, "--no-cache")
        assert done.code == 2, done.out
        assert done.err.count("\n") == 1, done.err

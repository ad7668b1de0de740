"""In every format each annotation file that may not be read is an error that names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from formats.every_format import FORMATS, drawn
from hostile.conftest import Done
from hostile.test_forbidden import forbid  # noqa: F401 - a fixture
from hostile.test_no_regular_files import files_of

Cli = Callable[..., Done]


@pytest.mark.parametrize("name", FORMATS)
def test_each_file(cli: Cli, tmp_path: Path, forbid: Callable[[Path], None], name: str) -> None:  # noqa: F811
    drawn(name, tmp_path / "0", 2, 2)
    files = files_of(tmp_path / "0")
    silent = []
    for k, file in enumerate(files):
        if k:
            drawn(name, tmp_path / str(k), 2, 2)
        forbid(tmp_path / str(k) / file)
        done = cli("check", tmp_path / str(k), "--format", name, "--select", "SRC", "--output-format", "json", "--jobs", "1",
                   "--no-cache")
        told = file in done.err if done.code == 2 else done.code == 1 and any(
            file in f["message"] or file == (f["annotation"] or {}).get("source")
            for f in json.loads(done.out)["findings"] if f["severity"] == "error")
        if not told:
            silent.append((file, done.code, done.err))
    assert not silent

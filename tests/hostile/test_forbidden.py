"""What nobody may read is an error: a set of which a folder or a file of annotations is left out must not look whole."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile.conftest import Done

from dsinspect.io import unread

Cli = Callable[..., Done]
SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Forbid a path to this process, which may run as root and read what it wants."""
    forbidden: list[str] = []

    def is_forbidden(path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.path.abspath(path) in forbidden  # noqa: PTH100

    def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            if is_forbidden(path):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return function(path, *arguments, **options)
        return run

    access = os.access
    monkeypatch.setattr(os, "open", guarded(os.open))
    monkeypatch.setattr(io, "open", guarded(io.open))
    monkeypatch.setattr(os, "scandir", guarded(os.scandir))
    monkeypatch.setattr(os, "access", lambda path, mode, **o: not is_forbidden(path) and access(path, mode, **o))
    monkeypatch.setattr(unread, "_forbidden", {})
    return lambda path: forbidden.append(os.path.abspath(path))  # noqa: PTH100


@pytest.mark.parametrize(("name", "what"), [
    ("coco", "annotations/instances_train.json"), ("coco", "train"), ("yolo", "labels/train"), ("yolo", "images/train"),
    ("voc", "JPEGImages")])
def test_what_may_not_be_read_is_an_error(cli: Cli, tmp_path: Path, forbid: Callable[[Path], None], name: str, what: str) -> None:
    shutil.copytree(SAMPLES / name, tmp_path / "set")
    forbid(tmp_path / "set" / what)
    done = cli("check", tmp_path / "set", "--select", "SRC001", "--output-format", "json", "--jobs", "1", "--format", name)
    assert done.code == 1, done.err
    found = [f for f in json.loads(done.out)["findings"] if f["annotation"]["source"] == what]
    assert [f["message"] for f in found] == ["cannot be read: permission denied"]

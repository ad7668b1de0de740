"""Pipes, devices and files of holes in the place of any file of a set, or beside it: named in one line, never waited for."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from formats.every_format import FORMATS, drawn

from dsinspect.errors import UserError
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest

_IMAGES = (".bmp", ".jpg")
BESIDE = {"openimages": ("more.csv", "annotations/class-descriptions-more.csv"), "tfrecord": ("more.pbtxt",),
          "mot": ("sequence/gt/labels.txt", "sequence/seqinfo.ini"), "supervisely": ("meta.json",), "via": ("more.csv",)}
"""Files beside those of a set that a reader or a patcher looks into."""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise where something takes longer or much memory: opening a pipe waits for its other end, reading /dev/zero for its end."""
    def ring(*_: Any) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    memory = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, memory[1]))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_DATA, memory)
        signal.signal(signal.SIGALRM, before)


def put(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)


def opened(name: str, root: Path) -> None:
    """Open a set and take it in; a refusal is one line."""
    try:
        for ref in FORMATS[name]().open(OpenRequest(root)).shards(100):
            ref.load()
    except UserError as e:
        assert "\n" not in str(e)


@pytest.mark.parametrize("kind", ["pipe", "device", "holes"])
@pytest.mark.parametrize("name", FORMATS)
def test_in_the_place_of_each_file(name: str, kind: str, tmp_path: Path) -> None:
    drawn(name, tmp_path / "set", 2, 2)
    files = [p.relative_to(tmp_path / "set") for p in sorted((tmp_path / "set").rglob("*"))
             if p.is_file() and p.suffix not in _IMAGES]
    for k, file in enumerate(files):
        root = tmp_path / str(k)
        shutil.copytree(tmp_path / "set", root)
        put(root / file, kind)
        with at_most(60):
            FORMATS[name]().detect(root)
            opened(name, root)


@pytest.mark.parametrize("kind", ["pipe", "device", "holes"])
@pytest.mark.parametrize("name", BESIDE)
def test_beside_the_files_of_a_set_that_is_edited(name: str, kind: str, tmp_path: Path) -> None:
    root = tmp_path / "set"
    drawn(name, root, 2, 2)
    source = FORMATS[name]().open(OpenRequest(root))
    category = next(c for s in source.shards(100) for c in s.load().annotations["category"])
    for extra in BESIDE[name]:
        put(root / extra, kind)
    with at_most(60):
        opened(name, root)
        if FORMATS[name].patchable:
            try:
                list(FORMATS[name]().patch(OpenRequest(root), Edits.of([
                    {"action": "rename-category", "category": category, "text": "another"}])))
            except UserError as e:
                assert "\n" not in str(e)

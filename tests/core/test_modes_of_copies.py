"""Copies of images have the mode that the umask leaves of the original's: private work stays private."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsinspect.io.files import place_file


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
@pytest.mark.parametrize(("mask", "original", "copy"), [
    (0o077, 0o644, 0o600), (0o022, 0o644, 0o644), (0o022, 0o600, 0o600), (0o022, 0o444, 0o644), (0o027, 0o666, 0o640),
    (0o022, 0o4755, 0o644)])
def test_the_umask_is_kept(umask: None, tmp_path: Path, mask: int, original: int, copy: int) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"\xff\xd8 image")
    os.utime(source, (1_000, 2_000))
    source.chmod(original)
    os.umask(mask)
    place_file(source, tmp_path / "out" / "a.jpg", link=False)
    status = (tmp_path / "out" / "a.jpg").stat()
    assert status.st_mode & 0o7777 == copy
    assert status.st_mtime == 2_000

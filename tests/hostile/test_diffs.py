"""Diffs: exact in a file, whatever the names and lines hold; on a terminal nothing in them is obeyed."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.conftest import picture, snapshot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file names, and terminals")
NAMES = ("a\x1b[31mred", "b\nc", "d\u202ee", "f\x9bg", "h\tij", 'k"l\\m', os.fsdecode(b"n\xff"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a YOLO set whose label files have hostile names, hostile lines, and boxes of no area."""
    made = tmp_path / "set"
    for k, name in enumerate(NAMES):
        picture(tmp_path / "x.png", (32, 24), k).rename(_below(made / "images") / f"{name}.png")
        rows = b"0 .5 .5 .2 .2\n0 .5 .5 0 0\n# \x1b[2J\xe2\x80\xae\xe2\x80\xa8\xff\x0c\x85\n0 .2 .2 .1 .1\r\n"
        (_below(made / "labels") / f"{name}.txt").write_bytes(rows)
    (made / "data.yaml").write_text("train: images\nval: images\nnames: [x]\n")
    return made


def _below(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def run(folder: Path, *arguments: object, out: int) -> int:
    return subprocess.run([sys.executable, "-m", "dsinspect", *map(str, arguments), "--no-cache"], cwd=folder.parent, stdout=out,
                          stderr=subprocess.DEVNULL, timeout=120, check=False).returncode


@pytest.mark.skipif(shutil.which("git") is None, reason="git reads quoted names")
def test_a_diff_in_a_file_is_exact(folder: Path, tmp_path: Path) -> None:
    with (tmp_path / "x.patch").open("wb") as file:
        assert run(folder, "fix", folder, "--diff", out=file.fileno()) == 0
    with Path(os.devnull).open("wb") as nowhere:
        assert run(folder, "fix", folder, "-o", tmp_path / "out", out=nowhere.fileno()) == 0
    before = snapshot(folder)
    subprocess.run(["git", "apply", "--whitespace=nowarn", str(tmp_path / "x.patch")], cwd=folder, check=True,
                   env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert snapshot(folder) == snapshot(tmp_path / "out") != before


def test_a_diff_on_a_terminal_is_shown_escaped(folder: Path) -> None:
    master, slave = pty.openpty()
    try:
        command = [sys.executable, "-m", "dsinspect", "fix", str(folder), "--diff", "--no-cache", "--quiet"]
        with subprocess.Popen(command, stdout=slave, stderr=subprocess.DEVNULL, cwd=folder.parent) as program:
            os.close(slave)
            shown = b""
            try:
                while block := os.read(master, 1 << 16):
                    shown += block
            except OSError:  # the program has ended
                pass
        assert program.returncode == 0
    finally:
        os.close(master)
    text = shown.decode()
    assert "\\x1b[2J" in text
    assert '--- "a/labels/a\\033[31mred.txt"' in text
    assert not set("\x1b\x9b\u202e\u2028\x85\x0c") & set(text)

"""A full disk: a run goes on without its cache, and an output that does not fit is one line with nothing left behind."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.conftest import picture, snapshot
from hostile.sets import coco

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are limited by setrlimit")


PROGRAM = "import sys; sys.dont_write_bytecode = True; from dsinspect.cli import run; run()"
"""Bytecode that is cut off would stay, and break what runs next; a site may turn off the variable of the environment."""


def run(work: Path, *arguments: object, bytes_of_a_file: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command whose files may not grow beyond a size, as on a disk that is full."""
    def limit() -> None:
        if bytes_of_a_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_of_a_file, bytes_of_a_file))

    return subprocess.run([sys.executable, "-c", PROGRAM, *map(str, arguments)], cwd=work, capture_output=True, text=True,
                          env={**os.environ, "DSINSPECT_CACHE_DIR": str(work / "cache")}, preexec_fn=limit, timeout=120)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A set of some images, whose measurements are more than the cache has room for."""
    names = [f"b{k:03}.png" for k in range(60)]
    for k, name in enumerate(names):
        picture(tmp_path / "set" / name, (32, 24), k)
    return coco(tmp_path / "set", images=[{"file_name": n} for n in names])


@pytest.mark.parametrize("room", [0, 4096, 20_000])
def test_a_cache_without_room_costs_time_only(source: Path, tmp_path: Path, room: int) -> None:
    arguments = ["check", source, "--output-format", "json", "-j", 1]
    without = run(tmp_path, *arguments, "--no-cache")
    full = run(tmp_path, *arguments, bytes_of_a_file=room)
    assert full.returncode == without.returncode
    assert json.loads(full.stdout) == json.loads(without.stdout)
    assert full.stderr.count("going on without the cache") == 1
    assert full.stderr.count("\n") == 1
    again = run(tmp_path, *arguments)  # whatever is left of the cache
    assert (again.returncode, again.stdout) == (without.returncode, without.stdout)


@pytest.mark.parametrize("arguments", [
    ("report", "-o", "out.html"), ("report", "-o", "out.xlsx"), ("report", "-o", "out.json"), ("fix", "-o", "out"),
    ("convert", "-o", "out", "--to", "yolo"), ("convert", "-o", "out", "--to", "table"), ("transform", "-o", "out", "--op", "flip"),
    ("view", "-o", "out.png"), ("balance", "-o", "out.json")])
def test_an_output_without_room_is_one_line(source: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command, *rest = arguments
    before = snapshot(source)
    done = run(tmp_path, command, source, *rest, *(["--no-cache"] if command == "report" else []),
               bytes_of_a_file=64)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("dsinspect: error") == 1
    assert "Traceback" not in done.stderr
    assert snapshot(source) == before
    left = [p.name for p in tmp_path.iterdir() if p.name not in ("set", "cache")]
    assert not left or (command == "transform" and left == ["out"])  # its parts stay, for --resume


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write, not even root")
@pytest.mark.parametrize("arguments", [
    ("fix", "-o", "/proc/out"), ("convert", "-o", "/proc/out", "--to", "yolo"), ("report", "-o", "/proc/r.xlsx"),
    ("report", "-o", "/proc/r.html"), ("view", "-o", "/proc/s.png"), ("transform", "-o", "/proc/out", "--op", "flip"),
    ("balance", "-o", "/proc/w.csv")])
def test_a_place_that_cannot_be_written_is_one_line(source: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, arguments[0], source, *arguments[1:])
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("dsinspect: error") == 1
    assert "/proc/" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(("where", "code"), [("nosuch", 2), ("set", 0)])
def test_an_exit_code_stays_when_stderr_is_full(tmp_path: Path, source: Path, where: str, code: int) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", PROGRAM, "check", where, "--select", "BOX", "--no-cache"], cwd=tmp_path,
                              stdout=subprocess.PIPE, stderr=full, timeout=120, check=False)
    assert done.returncode == code

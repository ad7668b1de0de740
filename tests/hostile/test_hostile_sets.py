"""Every command over every hostile set: in time, within memory, touching no file it must not, running nothing."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hostile.conftest import Done, snapshot
from hostile.sets import SECRET, SETS

from dsinspect.cli import main

SECONDS = 10
"""Seconds of processor time that a command may take."""
HANGS_AFTER = 100
"""Seconds after which a command hangs, on however busy a machine."""
MEGABYTES = 1024
CODES = (0, 1, 2)
SUFFIXES = ("xlsx", "html", "json", "csv", "md")
COMMANDS: dict[str, Callable[[Path, Path], list[list[object]]]] = {
    "check": lambda s, o: [["check", s, "--output-format", f] for f in ("text", "github")],
    "report": lambda s, o: [["report", s, "-j", 1, *(v for x in SUFFIXES for v in ("-o", o / f"r.{x}"))]],
    "fix": lambda s, o: [["fix", s, "-o", o / "fixed", "--unsafe-fixes"], ["fix", s, "--diff"]],
    "convert": lambda s, o: [["convert", s, "-o", o / to, "--to", to, "-j", 1] for to in ("coco", "voc", "yolo", "table")],
    "transform": lambda s, o: [["transform", s, "-o", o / "flipped", "--op", "flip", "-j", 1, "--drop-unsupported"]],
    "others": lambda s, o: [["view", s, "-o", o / "sheet.png"], ["balance", s, "-o", o / "w.csv"]],
}
READABLE = tuple(os.path.realpath(p) for p in {
    sys.prefix, sys.base_prefix, *sys.path, Path(__file__).parents[2], "/usr", "/lib", "/proc", "/sys", "/etc/localtime",
    "/etc/mime.types", "/dev/urandom"} if p)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn", "os.startfile")
_CHANGES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime",
            "shutil.rmtree"}


class Watch:
    """An audit hook (PEP 578) that, while it is on, notes what a command must not do."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._reads: tuple[str, ...] = ()
        self._writes: tuple[str, ...] = ()
        self._on = False
        sys.addaudithook(self._hook)

    @contextmanager
    def on(self, reads: Path, writes: list[Path]) -> Iterator[None]:
        """Watch a command that may read one folder and write others."""
        self.faults = []
        self._writes = tuple(os.path.realpath(w) for w in writes)
        self._reads = (*READABLE, os.path.realpath(reads), *self._writes)
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or path is None:
                return
            self._on = False  # what follows is ours
            try:
                self._opened(os.path.realpath(os.fsdecode(path)), flags or 0)
            finally:
                self._on = True
        elif event in _STARTS or event.startswith(("os.spawn", "socket.connect", "socket.getaddrinfo")):
            self.faults.append(f"{event} {arguments!r}"[:200])
        elif event in _CHANGES:
            self._on = False
            try:
                for path in arguments[:2] if event in ("os.rename",) else arguments[:1]:
                    if isinstance(path, str | bytes | os.PathLike):
                        folder, name = os.path.split(os.fsdecode(path))
                        full = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
                        if not _is_below(full, self._writes) and "__pycache__" not in full:
                            self.faults.append(f"{event} {full}")
            finally:
                self._on = True

    def _opened(self, path: str, flags: int) -> None:
        if path == "/dev/null":
            return
        if flags & _WRITES and not _is_below(path, self._writes):
            if "__pycache__" not in path:
                self.faults.append(f"writes {path}")
        elif not _is_below(path, self._reads):
            self.faults.append(f"reads {path}")


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == f or path.startswith(f + os.sep) for f in folders)


@pytest.fixture(scope="module")
def watch() -> Watch:
    """The one audit hook of this process; a hook cannot be taken away again."""
    return Watch()


@contextmanager
def in_time() -> Iterator[None]:
    """Raise TimeoutError after too much processor time, or in a hang."""
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {SECONDS} s of processor time" if number == signal.SIGPROF else "hangs")

    previous = [(s, signal.signal(s, late)) for s in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def swept(tmp_path: Path) -> Iterator[None]:
    """Remove what a test made: Python's own removal, which pytest uses later, recurses, and not into folders a thousand deep."""
    yield
    try:
        shutil.rmtree(tmp_path)
    except (OSError, RecursionError):
        subprocess.run(["rm", "-rf", str(tmp_path)], check=False)


def test_there_are_enough_sets() -> None:
    assert len(SETS) >= 90


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", SETS)
def test_a_hostile_set(name: str, command: str, tmp_path: Path, watch: Watch, capsysbinary: pytest.CaptureFixture[bytes],
                       monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "set", tmp_path / "out"
    source.mkdir()
    (out / "tmp").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(out / "tmp"))  # openpyxl streams sheets through a temporary file
    (tmp_path / "secret.txt").write_text(f"{SECRET}\n0 {SECRET} .5 .5 .5\n")
    (tmp_path / "secret.json").write_text(
        f'{{"images": [{{"id": 1, "file_name": "{SECRET}"}}], "annotations": [], "categories": []}}')
    SETS[name](source)
    before = {k: v for k, v in snapshot(tmp_path).items() if not k.startswith("out/")}
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(out / "cache"))
    monkeypatch.setenv("DSINSPECT_READ_OUTSIDE", "")
    monkeypatch.chdir(out)
    said = ""
    for arguments in COMMANDS[command](source, out):
        with watch.on(source, [out]), in_time():
            code = main([str(a) for a in arguments])
        done = Done(code, *(text.decode(errors="backslashreplace") for text in capsysbinary.readouterr()))
        assert code in CODES, (arguments, done.err)
        assert "Traceback" not in done.err
        assert "\x1b" not in done.err + ("" if "--diff" in arguments else done.out)  # `patch` reads a diff, byte for byte
        assert code != 2 or done.err.count("dsinspect: error") == 1, done.err
        through_image = f"reads {tmp_path / 'secret.txt'}"  # an image may be a link, and is looked at as one
        faults = [f for f in watch.faults if name != "text-called-image" or f != through_image]
        assert not faults, (arguments, faults)
        said += done.out + done.err
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MEGABYTES * 1024
    after = {k: v for k, v in snapshot(tmp_path).items() if not k.startswith("out/")}
    assert after == before
    assert SECRET not in said
    for path in (out / name for name in snapshot(out)):  # `rglob` recurses
        assert not path.is_symlink()
        if path.is_file() and path.suffix in (".png", ".json", ".csv", ".md", ".html", ".txt", ".xml", ".yaml"):
            content = path.read_bytes()
            assert SECRET.encode() not in content
            is_shown = path.parent == out and path.suffix != ".png"  # a set keeps its texts, a report shows them
            assert b"\x1b" not in content or not is_shown

"""A handful of killed commands; `tests/hostile/killing.py` tries many more moments."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import killing

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, str]]:
    """A set, and a folder beside it to write into."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "work").mkdir()
    source = killing.make_set(folder / "set")
    return folder / "work", source, killing.snapshot(source)


@pytest.mark.parametrize(("command", "moment", "number"), [
    ("fix", (0.0, True), signal.SIGTERM), ("convert", (0.8,), signal.SIGKILL), ("transform", (0.2, True), signal.SIGKILL),
    ("transform", (0.1, True), signal.SIGTERM), ("report", (0.0, True), signal.SIGKILL)])
def test_a_killed_command_leaves_nothing_half(place: tuple[Path, Path, dict[str, str]], command: str, moment: tuple[float, bool],
                                              number: signal.Signals) -> None:
    work, source, before = place
    case = next(c for c in killing.cases(work, source) if c.name == command)
    killing.kill_once(case, work, source, before, killing.Moment(*moment), number, patience=60)  # other tests run beside it


INTERRUPTED = '''
import _signal, runpy, sys

class Finder:
    """Presses ^C where the import of one module begins."""

    def find_spec(self, name, path=None, target=None):
        if name == module:
            _signal.raise_signal(_signal.SIGINT)

module = sys.argv.pop()
sys.argv[0] = "-m"
sys.meta_path.insert(0, Finder())
runpy.run_module("dsinspect", run_name="__main__")
'''


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("module", ["signal", "importlib.metadata", "pluggy", "dsinspect.cli", "typer", "dsinspect.commands",
                                    "dsinspect_formats.coco"])
def test_an_early_interrupt_is_no_traceback(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, module], capture_output=True, timeout=120, check=False)
    assert done.returncode in (-signal.SIGINT, 130), done.stderr.decode()
    assert b"Traceback" not in done.stderr


STUCK = '''
import threading
import numpy as np
from pathlib import Path
from dsinspect import hookimpl
from dsinspect.protocols.transforms import Params, Transform

class Stuck(Transform):
    """Never comes back."""
    name = "stuck"

    def plan(self, image):
        return [Params(width=image.width, height=image.height)]

    def apply(self, pixels, params):
        Path("entered").touch()
        threading.Event().wait()

    def matrix(self, params):
        return np.eye(2, 3)

@hookimpl
def dsinspect_transforms():
    return [Stuck]
'''


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_second_signal_ends_a_command_whose_thread_is_stuck(place: tuple[Path, Path, dict[str, str]], tmp_path: Path) -> None:
    _, source, before = place
    (tmp_path / "stuck.py").write_text(STUCK)
    (tmp_path / "d.toml").write_text('plugins = ["stuck.py"]')
    child = subprocess.Popen([*killing.PROGRAM, "transform", str(source), "-o", "out", "--op", "stuck", "--config", "d.toml",
                              "--executor", "thread", "--jobs", "2"], cwd=tmp_path, env=killing.environment(tmp_path),
                             stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while not (tmp_path / "entered").exists():
        assert child.poll() is None, child.stderr.read() if child.stderr else ""
    number = 0
    while child.poll() is None:
        number += 1
        assert number < 600, "signals are not heard"
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    assert child.returncode == 128 + signal.SIGTERM
    assert killing.snapshot(source) == before
    assert not [p for p in tmp_path.rglob("*") if ".part" in p.name]


TOLD = '''
import os, runpy, signal, sys
from dsinspect.fixing import autofix, apply
from dsinspect.conversion import pipeline as conversion
from dsinspect.transformation import checkpoints

moment = sys.argv.pop()
def told(of, name, *, before):
    function = getattr(of, name)
    def spied(*arguments, **named):
        if before:
            os.kill(os.getpid(), signal.SIGTERM)
        done = function(*arguments, **named)
        if not before:
            os.kill(os.getpid(), signal.SIGTERM)
        return done
    setattr(of, name, spied)

if moment == "recheck":
    told(autofix, "recheck", before=True)
elif moment == "after":
    told(autofix, "write_fixed", before=False)
    told(conversion, "convert", before=False)
    told(checkpoints.Parts, "end", before=True)
sys.argv[0] = "-m"
runpy.run_module("dsinspect", run_name="__main__")
'''


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("command", "moment"), [("fix", "recheck"), ("review", "recheck"), ("fix", "after"), ("review", "after"),
                                                 ("convert", "after"), ("transform", "after")])
def test_told_late_a_command_leaves_nothing_or_ends_well(place: tuple[Path, Path, dict[str, str]], command: str,
                                                         moment: str) -> None:
    """A whole output with an exit code that denies it would be refused as not empty by the next run."""
    work, source, before = place
    case = next(c for c in killing.cases(work, source) if c.name == command)
    arguments = [a.replace("process", "serial") for a in case.arguments]
    done = subprocess.run([sys.executable, "-c", TOLD, *arguments, moment], capture_output=True, timeout=120, check=False,
                          env=killing.environment(work))
    assert done.returncode == (143 if moment == "recheck" else 0), done.stderr.decode()
    assert case.output.exists() == (moment != "recheck")
    again = subprocess.run([sys.executable, "-m", "dsinspect", *arguments, *(() if moment == "recheck" else ("--force",))],
                           capture_output=True, timeout=120, check=False, env=killing.environment(work))
    assert again.returncode == 0, again.stderr.decode()
    assert killing.snapshot(source) == before
    shutil.rmtree(case.output)

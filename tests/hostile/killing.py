"""Kill commands at random moments, and look at what they leave: no process, no half file, an untouched source.

As a program it tries many moments:

    python tests/hostile/killing.py --moments 50
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import openpyxl
from hostile.conftest import picture, snapshot

IMAGES = 150
PATIENCE = 2.0
"""Seconds after which no process of a killed command may be left."""


@dataclass(frozen=True)
class Case:
    """A command, and what it writes.

    Attributes:
        name: of the command.
        arguments: without the program's name.
        output: what it writes under its final name.
        again: arguments that are added for the run after a kill.
    """

    name: str
    arguments: tuple[str, ...]
    output: Path
    again: tuple[str, ...] = ()


def make_set(folder: Path) -> Path:
    """Write a YOLO set of some images, each with a box that reaches outside."""
    for k in range(IMAGES):
        picture(folder / "images/train" / f"a{k:03}.png", (160, 120), k)
        (folder / "labels/train").mkdir(parents=True, exist_ok=True)
        (folder / "labels/train" / f"a{k:03}.txt").write_text("0 0.9 0.9 0.9 0.9\n0 0.4 0.4 0.1 0.1\n")
    (folder / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [thing]\n")
    return folder


def cases(work: Path, source: Path) -> list[Case]:
    """Return the commands that write, with a reviewed workbook for the one that needs it."""
    book = work / "reviewed.xlsx"
    if not book.exists():
        subprocess.run([*PROGRAM, "report", str(source), "-o", str(book), "-q"], check=True, env=environment(work), timeout=120)
        decide(book)
    out = work / "out"
    return [
        Case("fix", ("fix", str(source), "-o", str(out)), out),
        Case("review", ("review", "apply", str(book), str(source), "-o", str(out)), out),
        Case("convert", ("convert", str(source), "-o", str(out), "--to", "coco"), out),
        Case("transform", ("transform", str(source), "-o", str(out), "--op", "resize:size=80", "--executor", "process",
                           "--jobs", "2"), out, ("--force",)),
        Case("report", ("report", str(source), "-o", str(work / "report.xlsx"), "-o", str(work / "report.html"), "-o",
                        str(work / "report.json"), "--executor", "process", "--jobs", "2", "--no-cache"), work / "report.json"),
    ]


def decide(path: Path) -> None:
    """Write a decision at the first finding of a workbook."""
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(max_row=20):
            names = [c.value for c in row]
            if "Decision" in names:
                sheet.cell(row[0].row + 1, names.index("Decision") + 1).value = "keep"
                book.save(path)
                return
    raise AssertionError("no sheet for decisions")


PROGRAM = [sys.executable, "-m", "dsinspect"]


def environment(work: Path) -> dict[str, str]:
    """Return the environment of a command; all its processes carry the mark."""
    return {**os.environ, "DSINSPECT_CACHE_DIR": str(work / "cache"), "KILL_TEST_MARK": str(work)}


def processes(work: Path) -> list[int]:
    """Return the processes that carry the mark, this one left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"KILL_TEST_MARK={work}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def kill_once(case: Case, work: Path, source: Path, before: dict[str, str], moment: float, number: signal.Signals) -> str:
    """Start a command, end it after some seconds, and check what it left; return what happened.

    Raises:
        AssertionError: something is left that must not be.
    """
    clear(work)
    child = subprocess.Popen([*PROGRAM, *case.arguments], env=environment(work), stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, start_new_session=True)
    try:
        child.wait(moment)
        ended = "was done"
    except subprocess.TimeoutExpired:
        child.send_signal(number)
        ended = f"{number.name} after {moment:.2f} s"
    _, told = child.communicate(timeout=30)
    wait_until(lambda: not processes(work), f"{case.name}: a process is left after {ended}")
    assert b"Traceback" not in told, f"{case.name} {ended}: {told.decode()}"
    assert snapshot(source) == before, f"{case.name} {ended}: the source has changed"
    check_whole(work, case, ended)
    if number == signal.SIGTERM:
        left = [p.name for p in work.iterdir() if p.name.endswith(".part") or ".part." in p.name]
        assert not left, f"{case.name} {ended}: left {left}"
    again = [*PROGRAM, *case.arguments, *(case.again if case.output.is_dir() else ())]
    if ended == "was done":
        return ended
    if case.output.is_dir() and not case.again:
        return f"{ended}, which had written all"
    done = subprocess.run(again, env=environment(work), capture_output=True, timeout=120)
    assert done.returncode == 0, f"{case.name}: the run after {ended}: {done.stderr.decode()}"
    assert not [p.name for p in work.iterdir() if p.name.endswith(".part")], f"{case.name}: the run after {ended} swept nothing"
    return ended


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait for a condition for `PATIENCE` seconds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def check_whole(work: Path, case: Case, ended: str) -> None:
    """Raise AssertionError when a file under its final name is not whole."""
    for path in work.glob("report.*"):
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
        else:
            assert path.read_text().rstrip().endswith("</html>"), f"{path} after {ended}"
    out = work / "out"
    for path in out.rglob("*.json") if out.is_dir() else ():
        if ".dsinspect-transform" not in path.parts:
            json.loads(path.read_text())
    if case.name in ("fix", "review") and out.is_dir():  # it appears whole or not at all
        assert len(list(out.rglob("*.txt"))) == IMAGES, f"{case.name} {ended}: half a set"
        assert len(list(out.rglob("*.png"))) == IMAGES, f"{case.name} {ended}: half a set"
    for path in out.rglob("*.png") if out.is_dir() else ():
        if "tmp" not in path.parts:
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82"), f"{case.name} {ended}: {path} is half a file"


def clear(work: Path) -> None:
    """Remove what earlier commands wrote."""
    shutil.rmtree(work / "out", ignore_errors=True)
    for path in [*work.glob("report.*"), *work.glob("out-audit*"), *work.glob(".*part*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main(arguments: Sequence[str] | None = None) -> None:
    """Try many moments, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    rng = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="killing-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        source = make_set(Path(folder) / "set")
        before = snapshot(source)
        commands = cases(work, source)
        lasts = {}
        for case in commands:
            clear(work)
            start = time.monotonic()
            subprocess.run([*PROGRAM, *case.arguments], env=environment(work), check=True, stdout=subprocess.DEVNULL, timeout=120)
            lasts[case.name] = time.monotonic() - start
        for k in range(chosen.moments):
            case = commands[k % len(commands)]
            number = signal.SIGKILL if (k // len(commands)) % 2 else signal.SIGTERM
            moment = rng.uniform(0.05, lasts[case.name])
            print(f"{k + 1:3} {case.name:10} {kill_once(case, work, source, before, moment, number)}", flush=True)


if __name__ == "__main__":
    main()

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
from hostile.conftest import WARNINGS, picture, snapshot

IMAGES = 150
DONE = "was done before"
TRIES = 4
"""How often a moment is drawn again, from half the time, for a command that was done before its signal."""
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
        Case("convert-process", ("convert", str(source), "-o", str(out), "--to", "voc", "--executor", "process", "--jobs", "2"),
             out),
        Case("transform-thread", ("transform", str(source), "-o", str(out), "--op", "resize:size=80", "--executor", "thread",
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
    return {**os.environ, "DSINSPECT_CACHE_DIR": str(work / "cache"), "KILL_TEST_MARK": str(work), "PYTHONWARNINGS": WARNINGS}


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


@dataclass(frozen=True)
class Moment:
    """When a command is ended: so many seconds of processor time after its start, or of any time after its first file.

    Processor time, for on a busy machine a command that takes a second takes three.
    """

    seconds: float
    writing: bool = False

    def reached(self, child: subprocess.Popen[bytes], work: Path, since: float) -> bool:
        """Say whether it has come; `since` is when the first file was seen."""
        return time.monotonic() - since >= self.seconds if self.writing else spent(child.pid) >= self.seconds

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s {'after its first file' if self.writing else 'of work'}"


def spent(pid: int) -> float:
    """Return the seconds that a process has computed, its threads included; infinite when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def has_begun(case: Case, work: Path) -> bool:
    """Say whether a command has made a file or folder, under whatever name."""
    return case.output.exists() or any(p.name.startswith(f".{case.output.stem}.") for p in work.iterdir())


def wait_for(moment: Moment, case: Case, child: subprocess.Popen[bytes], work: Path) -> bool:
    """Wait until the moment to end a command; False when it ended before."""
    since = float("inf")
    while child.poll() is None:
        if since == float("inf") and has_begun(case, work):
            since = time.monotonic()
        if moment.reached(child, work, since):
            return True
        time.sleep(0.002)
    return False


def kill_once(case: Case, work: Path, source: Path, before: dict[str, str], moment: Moment, number: signal.Signals,
              patience: float = PATIENCE) -> str:
    """Start a command, end it at a moment, and check what it left; return what happened.

    Its other processes must be gone after `patience` seconds.

    Raises:
        AssertionError: something is left that must not be.
    """
    clear(work)
    with tempfile.TemporaryFile() as errors:  # a pipe would fill
        child = subprocess.Popen([*PROGRAM, *case.arguments], env=environment(work), stdout=subprocess.DEVNULL,
                                 stderr=errors, start_new_session=True)
        ended = DONE
        if wait_for(moment, case, child, work):
            child.send_signal(number)
            child.wait(300)
            if child.returncode:
                ended = f"{number.name} at {moment}"
        errors.seek(0)
        told = errors.read()
    wait_until(lambda: not processes(work), f"{case.name}: a process is left after {ended}", patience)
    assert b"Traceback" not in told, f"{case.name} {ended}: {told.decode()}"
    assert snapshot(source) == before, f"{case.name} {ended}: the source has changed"
    check_whole(work, case, ended)
    if ended == DONE:
        return ended
    assert child.returncode in (-number, 128 + number), f"{case.name} {ended}: {child.returncode}: {told.decode()}"
    if number == signal.SIGTERM:
        assert not temporary(work), f"{case.name} {ended}: left {temporary(work)}"
    again = [*PROGRAM, *case.arguments, *(case.again if case.output.is_dir() else ())]
    if case.output.is_dir() and not case.again:
        return f"{ended}, which had written all"
    done = subprocess.run(again, env=environment(work), capture_output=True, timeout=240)
    assert done.returncode == 0, f"{case.name}: the run after {ended}: {done.stderr.decode()}"
    assert not temporary(work), f"{case.name}: the run after {ended} left {temporary(work)}"
    check_whole(work, case, "again")
    assert snapshot(source) == before, f"{case.name}: the source has changed in the run after {ended}"
    return ended


def temporary(work: Path) -> list[str]:
    """Return what has a temporary name, in the outputs and beside them; the cache looks after itself."""
    names = [p.relative_to(work) for p in work.rglob("*") if is_temporary(p)]
    return [str(n) for n in names if n.parts[0] != "cache"]


def is_temporary(path: Path) -> bool:
    """Say whether a name is one that files and folders have while they are written."""
    return path.name.startswith(".") and (path.name.endswith(".part") or ".part." in path.name)


def wait_until(condition: Callable[[], bool], otherwise: str, patience: float) -> None:
    """Wait for a condition for so many seconds."""
    end = time.monotonic() + patience
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
        if ".dsinspect-transform" not in path.parts and not is_temporary(path):
            json.loads(path.read_text())
    if case.name in ("fix", "review") and out.is_dir():  # it appears whole or not at all
        assert len(list(out.rglob("*.txt"))) == IMAGES, f"{case.name} {ended}: half a set"
        assert len(list(out.rglob("*.png"))) == IMAGES, f"{case.name} {ended}: half a set"
    for path in out.rglob("*.png") if out.is_dir() else ():
        if "tmp" not in path.relative_to(work).parts and not is_temporary(path):
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
        measured = {case.name: measure(case, work) for case in commands}
        delivered = faults = 0
        for k in range(chosen.moments):
            case = commands[k % len(commands)]
            number = signal.SIGKILL if (k // len(commands)) % 2 else signal.SIGTERM
            writing = (k // len(commands)) % 4 > 1
            latest, ended = measured[case.name][writing], DONE
            for _ in range(TRIES):  # how busy the machine is changes
                try:
                    ended = kill_once(case, work, source, before, Moment(rng.uniform(0, latest), writing), number)
                except AssertionError as e:
                    ended, faults = f"FAULT: {e}", faults + 1
                if ended != DONE:
                    break
                latest /= 2
            delivered += ended != DONE
            print(f"{k + 1:3} {case.name:16} {ended}", flush=True)
        print(f"{chosen.moments} moments, {delivered} signals delivered, {faults} faults")
    sys.exit(faults > 0)


def measure(case: Case, work: Path) -> tuple[float, float]:
    """Run a command to its end; return the seconds that its process computed, and those from its first file to its end."""
    clear(work)
    child = subprocess.Popen([*PROGRAM, *case.arguments], env=environment(work), stdout=subprocess.DEVNULL)
    computed, begun = 0.0, float("inf")
    while child.poll() is None:
        computed = max(computed, now if (now := spent(child.pid)) < float("inf") else 0.0)
        begun = min(begun, time.monotonic()) if has_begun(case, work) else begun
        time.sleep(0.002)
    assert child.returncode == 0, case.name
    return computed * 0.97, (time.monotonic() - begun) * 0.9


if __name__ == "__main__":
    main()

"""Time whole commands, interleaved, with the peak memory of all their processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Figure:
    """Several runs of one command.

    Attributes:
        seconds: of each run.
        peak_mb: largest memory of all its processes together, resident, in any run; 0 where it cannot be had.
    """

    seconds: tuple[float, ...]
    peak_mb: float

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{self.median:.2f} s ({min(self.seconds):.2f} to {max(self.seconds):.2f})"


@dataclass(frozen=True)
class Command:
    """A command to time.

    Attributes:
        arguments: of the process.
        before: called before each run (to empty a cache).
        accepted: exit codes that are fine.
    """

    arguments: Sequence[str]
    before: Callable[[], object] = lambda: None
    accepted: tuple[int, ...] = (0, 1)


def compare(commands: Mapping[str, Command], repeat: int) -> dict[str, Figure]:
    """Run all commands in turn, `repeat` times over.

    Raises:
        RuntimeError: a command failed.
    """
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            command.before()
            runs[name].append(timed(command))
    return {name: Figure(tuple(s for s, _ in r), max(m for _, m in r)) for name, r in runs.items()}


def timed(command: Command) -> tuple[float, float]:
    """Return seconds and peak memory, MB, of one run."""
    start = time.perf_counter()
    # An installed program has its bytecode beside it; a developer's environment may keep Python from writing any.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(list(command.arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    peak = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, tree_mb(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode not in command.accepted:
        raise RuntimeError(f"{' '.join(command.arguments)[:200]}: exit code {process.returncode}\n{errors.decode()[-2000:]}")
    return seconds, peak


def tree_mb(pid: int) -> float:
    """Return the resident memory of a process and all below it, MB; 0 where there is no /proc.

    Only the processes of the tree are looked at: a look at all of them takes a tenth of a core from what is timed.
    """
    total, todo = 0, [str(pid)]
    while todo:
        folder = Path("/proc") / todo.pop()
        try:
            total += int((folder / "statm").read_text().split()[1])
            for task in (folder / "task").iterdir():
                todo += (task / "children").read_text().split()
        except OSError:  # it is gone
            continue
    return total * PAGE / 1e6

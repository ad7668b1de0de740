"""The progress line: stages, rate and time left on a terminal; nothing elsewhere."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dsinspect.commands import progress

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_stage_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    clock = iter([100.0, 102.0, 104.0, 105.0])
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    show = progress.progress_line()
    assert show is not None
    show("inspecting", 0, 1000)
    show("inspecting", 200, 1000)
    show("", 0, 0)
    lines = terminal.getvalue().split("\r")
    assert lines[1:] == ["inspecting\x1b[K", "inspecting  200 of about 1,000 images  100/s  0:08 left\x1b[K", "\x1b[K"]


def test_nobody_sees_it_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress.progress_line() is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert progress.progress_line(enabled=False) is None


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals")
@pytest.mark.usefixtures("opencv")  # else a line about it comes after
def test_on_a_terminal_the_line_is_gone_in_the_end(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    dataset = next(p for p in sorted(SAMPLES.iterdir()) if p.is_dir() and not p.name.startswith(("_", ".")))
    process = subprocess.Popen([sys.executable, "-m", "dsinspect", "check", str(dataset), "--no-cache", "--exit-zero"],
                               stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    out, _ = process.communicate(timeout=300)
    told = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        told += part
    os.close(ours)
    assert process.returncode == 0
    stages = re.findall(r"\r([a-z]*)", told.decode())
    assert stages[0] == "reading"
    assert {"inspecting", "judging"} <= set(stages)
    assert told.endswith(b"\r\x1b[K")
    assert b"\x1b" not in out

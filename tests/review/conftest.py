"""The command line in this process, for reviews and fixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsinspect.cli import main


@dataclass
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run `dsinspect ARGUMENTS` with a cache of its own; no traceback may reach the user."""
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Done(int(code), captured.out, captured.err)

    return run

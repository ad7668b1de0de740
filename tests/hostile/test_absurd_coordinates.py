"""Coordinates that are finite and absurd, up to the largest of all floats: every check judges them, and none crashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from formats import every_format
from formats.every_format import FORMATS
from hostile.conftest import Done

Cli = Callable[..., Done]
HUGE = [[-8e307, -8e307, 1.7e308, 1.7e308], [10.0, 10.0, 1e308, 1e308], [1e308, 1e308, 5.0, 5.0], [-1e308, 5.0, 1e308, 20.0],
        [10.0, 10.0, 1e-308, 1e-308], [10.0, 10.0, 1e19, 1e19], [10.0, 10.0, 30.0, 20.0]]


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "vocmask"])  # whose boxes are those of pixels
def test_no_check_crashes(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def boxes(images: int, each: int) -> Iterator[tuple[str, list[tuple[str, list[float]]]]]:
        for k in range(images):
            yield f"{k:06}", [("class1", [float(v) for v in box]) for box in HUGE]

    drawing: Any = every_format._drawing()
    monkeypatch.setattr(drawing, "boxes", boxes)
    drawing.draw(name, tmp_path / "set", 2, len(HUGE))
    done = cli("check", tmp_path / "set", "--format", name, "--jobs", "1", "--no-cache")
    assert done.code == 1, done.err + done.out[-2000:]
    assert "crashed" not in done.err

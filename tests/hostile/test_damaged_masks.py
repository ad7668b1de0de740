"""A damaged mask is a finding, and no line of a C library on stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hostile.conftest import picture


@pytest.mark.parametrize("command", [("check",), ("convert", "--to", "coco", "-o", "out"), ("simulate", "--trainer", "mmdet"),
                                     ("report", "-o", "r.xlsx"), ("balance",), ("expect",),
                                     ("transform", "-o", "out", "--op", "flip"), ("view", "-o", "sheet.png")], ids=lambda c: c[0])
def test_the_decoder_writes_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\nthing:128,0,0::\n")
    for name in "ab":
        picture(tmp_path / f"set/JPEGImages/{name}.jpg")
        mask = np.zeros((48, 64, 3), np.uint8)
        mask[5:20, 5:20] = (0, 0, 128)
        content = bytearray(cv2.imencode(".png", mask)[1].tobytes())
        if name == "b":
            content[content.index(b"IDAT") + 8] ^= 0xff
        for folder in ("SegmentationClass", "SegmentationObject"):
            (tmp_path / "set" / folder).mkdir(exist_ok=True)
            (tmp_path / "set" / folder / f"{name}.png").write_bytes(content)
    done = subprocess.run([sys.executable, "-m", "dsinspect", command[0], "set", "-q", *command[1:]], cwd=tmp_path,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "libpng" not in done.stderr
    assert "b.png" in done.stdout + done.stderr or command[0] != "convert"

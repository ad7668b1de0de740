"""The command line in this process, and snapshots of folders."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from dsinspect.cli import main

WARNINGS = "error::RuntimeWarning"
"""For PYTHONWARNINGS."""


@dataclass
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run `dsinspect ARGUMENTS` with a cache of its own; no traceback may reach the user."""
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        capsysbinary.readouterr()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] - as the program does
        code = main([str(a) for a in arguments])
        out, err = (text.decode(errors="backslashreplace") for text in capsysbinary.readouterr())  # a diff keeps bytes
        assert "Traceback" not in err
        return Done(int(code), out, err)

    return run


@pytest.fixture(autouse=True)
def _warnings_are_errors_in_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are in this one: NumPy's warnings are never for the user."""
    monkeypatch.setenv("PYTHONWARNINGS", WARNINGS)


def snapshot(folder: Path) -> dict[str, str]:
    """Return every entry below a folder: what a link leads to, the hash of a file, `dir`, or `other`."""
    found = {}
    waiting = [folder]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink():
                found[name] = f"link {path.readlink()}"
            elif path.is_file() and path.stat().st_size > 256 << 20:  # sparse
                found[name] = f"{path.stat().st_size} bytes of {path.stat().st_mtime_ns}"
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            elif path.is_dir():
                found[name] = "dir"
                waiting.append(path)
            else:
                found[name] = "other"
    return found


def picture(path: Path, size: tuple[int, int] = (64, 48), shade: int = 90, orientation: int = 1) -> Path:
    """Draw a small image that is not of one colour.

    Args:
        path: where to.
        size: width and height of the stored pixels.
        shade: makes images differ.
        orientation: EXIF orientation of a JPEG.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(shade).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    done, buffer = cv2.imencode(path.suffix, pixels)
    assert done
    path.write_bytes(with_orientation(bytes(buffer), orientation) if orientation > 1 else bytes(buffer))
    return path


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Return a JPEG with an EXIF orientation (EXIF 2.32, tag 0x0112)."""
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]

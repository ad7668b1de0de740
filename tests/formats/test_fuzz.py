"""Files of every format broken at random: each set opens to tables of the model, or is refused in one line; none hangs.

    python tests/formats/test_fuzz.py 3000 [CASE ...]     # as many per format; prints how often it opened and was refused
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from formats.every_format import FORMATS, drawn
from formats.format_laws import assert_survives_broken_files

from dsinspect.testing.rich_set import write_rich_set

CASES: dict[str, Callable[[str, Path], object]] = {
    **{name: lambda name, out: drawn(name, out, 3, 3) for name in FORMATS},
    **{f"{name} rich": lambda name, out: write_rich_set(FORMATS[name], out) for name, f in FORMATS.items() if f.writable}}
_IMAGES = (".bmp", ".jpg")


def fuzz(case: str, folder: Path, times: int, seed: int = 1) -> tuple[int, int]:
    """Break files of a drawn set so many times; return how often it opened and how often it was refused."""
    name = case.removesuffix(" rich")
    CASES[case](name, folder / "set")
    files = [p.relative_to(folder / "set").as_posix() for p in sorted((folder / "set").rglob("*"))
             if p.is_file() and p.suffix not in _IMAGES and p.stat().st_size]
    return assert_survives_broken_files(name, folder / "set", files, folder / "broken", times, seed)


@pytest.mark.parametrize("case", CASES)
def test_broken_files(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    opened, refused = fuzz(case, tmp_path, 25)
    assert opened + refused == 25


if __name__ == "__main__":
    for each in sys.argv[2:] or CASES:
        with tempfile.TemporaryDirectory() as at:
            begun = time.perf_counter()
            print(each, *fuzz(each, Path(at), int(sys.argv[1])), f"{time.perf_counter() - begun:.0f} s", flush=True)

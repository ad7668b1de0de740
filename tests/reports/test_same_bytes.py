"""The same input gives the same bytes in every process, whatever the order in which Python keeps a set of texts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
WRITE = """
import sys
from pathlib import Path
from dsinspect.cli import main
from dsinspect.loader import load_plugins

data, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir()
reports = [f"{out}/r{kind.suffix}" for kind in load_plugins().reports.values() if kind.suffix]
codes = [main(["report", str(data), "--quiet", "--no-cache", *(a for r in dict.fromkeys(reports) for a in ("-o", r))])]
for name, kind in load_plugins().formats.items():
    if kind.writable:
        codes.append(main(["convert", str(data), "--to", name, "-o", f"{out}/{name}", "--annotations-only", "--quiet"]))
codes.append(main(["transform", str(data), "--op", "flip", "-o", f"{out}/flipped", "--quiet"]))
print(codes)
"""


def written(out: Path, seed: int) -> dict[str, bytes]:
    out.mkdir()
    done = subprocess.run([sys.executable, "-c", WRITE, SAMPLES / "coco", "out"], cwd=out, capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONHASHSEED": str(seed)})
    assert done.returncode == 0, done.stderr
    assert "2" not in done.stdout, done.stderr
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.mark.usefixtures("opencv")
def test_every_report_and_every_writer_gives_the_same_bytes_in_two_processes(tmp_path: Path) -> None:
    one, two = written(tmp_path / "1", 1), written(tmp_path / "2", 2)
    assert sorted(one) == sorted(two)
    assert [name for name, content in one.items() if two[name] != content] == []
    assert {"out/r.xlsx", "out/r.html", "out/r.json"} <= set(one)

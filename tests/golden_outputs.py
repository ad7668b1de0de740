"""Outputs of commands on the sample sets, as they are kept in tests/golden; `python tests/golden_outputs.py` writes them again.

A change there is a change of what programs read: codes, values, messages, fingerprints, fates, patches. Look at the diff.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from dsinspect import __version__
from dsinspect.cli import main

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden"
TABLES = "BOX,CLS,REC,SRC,SIZ,SPL"
"""Checks that judge tables and files, not pixels: those depend on the release of OpenCV."""
COMMANDS = {
    f"{what}_{name}.{suffix}": (command, f"sample_data/{name}", *options, "--no-cache")
    for name in ("coco", "voc", "yolo", "table")
    for what, suffix, command, options in (
        ("check", "json", "check", ("--select", TABLES, "--output-format", "json")),
        ("simulate", "json", "simulate", ("--trainer", "ultralytics@8.4,yolox", "--output-format", "json")),
        ("fix", "diff", "fix", ("--diff", "--unsafe-fixes", "--select", "BOX,REC", "--quiet")))}


def output(arguments: tuple[str, ...]) -> str:
    """Return what a command prints, run in the root of the repository."""
    out = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out):
        main(arguments)
    return out.getvalue().replace(f'"version": "{__version__}"', '"version": "VERSION"').replace(
        f'"version":"{__version__}"', '"version":"VERSION"')


if __name__ == "__main__":
    os.environ.setdefault("DSINSPECT_CACHE_DIR", str(ROOT / ".cache"))
    GOLDEN.mkdir(exist_ok=True)
    for name, arguments in COMMANDS.items():
        (GOLDEN / name).write_text(output(arguments), encoding="utf-8", newline="")

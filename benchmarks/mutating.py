"""Change the code that must not be wrong by one operator, number or word at a time, and see whether a test notices.

    python -m venv /tmp/mutation && /tmp/mutation/bin/pip install mutmut==3.8.1 -e '.[dev]'
    /tmp/mutation/bin/python benchmarks/mutating.py /tmp/mutants            # all modules, then the table
    /tmp/mutation/bin/python benchmarks/mutating.py /tmp/mutants geometry   # those whose path has this word
    DIGITS=147 ... mutating.py /tmp/mutants                                 # three in ten: those whose number ends so

A mutant is killed when a test fails, survives when none does. Which tests run for a mutant is found out by mutmut: those that
call the changed function. docs/verification.md keeps the table and says which survivors change nothing that can be seen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = (
    "dsinspect/geometry/affine.py", "dsinspect/geometry/annotations.py", "dsinspect/geometry/exif.py",
    "dsinspect/geometry/exif_frames.py", "dsinspect/geometry/label_swap.py", "dsinspect/geometry/rle.py",
    "dsinspect/findings/findings.py", "dsinspect/findings/members.py", "dsinspect/findings/rendering.py",
    "dsinspect/findings/severity.py", "dsinspect/findings/wording.py",
    "dsinspect/protocols/edits.py", "dsinspect/fixing/apply.py", "dsinspect/fixing/autofix.py", "dsinspect/fixing/diff.py",
    "dsinspect/fixing/from_findings.py",
    "dsinspect/protocols/options.py", "dsinspect/config.py", "dsinspect/errors.py", "dsinspect/protocols/run.py",
    "dsinspect/commands/check.py")
TESTS = (
    "tests/transforms/test_geometry.py", "tests/transforms/test_pixels_and_boxes.py", "tests/core/test_small_mistakes.py",
    "tests/core/test_optional_columns.py", "tests/core/test_options.py", "tests/core/test_config.py", "tests/core/test_wording.py",
    "tests/core/test_baseline.py", "tests/core/test_killing.py", "tests/checks/test_label_swap.py", "tests/checks/test_polygons.py",
    "tests/review/test_fix.py", "tests/cli/test_exit_codes.py", "tests/cli/test_linter.py", "tests/hostile/test_exif_frames.py",
    "tests/hostile/test_safe_fixes.py", "tests/hostile/test_gates.py")
LEFT_OUT = "not real_sets and not whose_file and not cannot_be_imported and not none_is_new"
"""Tests that take long and kill nothing that the others do not."""


def main(work: Path, words: list[str]) -> int:
    """Copy the tree, run mutmut in the copy, and print a table by module."""
    chosen = [m for m in MODULES if not words or any(w in m for w in words)]
    tree = work / "tree"
    if not tree.exists():
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "mutants"))
    else:
        for part in ("tests", "dsinspect", "plugins", "sample_data"):
            shutil.copytree(ROOT / part, tree / part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    there = [t for t in TESTS if (ROOT / t).exists()]
    lines = ["[mutmut]", "source_paths=\n    dsinspect", *_lines("only_mutate", chosen),
             *_lines("also_copy", ["plugins", "sample_data", "docs", "README.md", "CHANGELOG.md"]),
             *_lines("pytest_add_cli_args_test_selection", [*there, "-k", LEFT_OUT]), "track_dependencies=false",
             "use_git_change_detection=false"]
    (tree / "setup.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
    digits = os.environ.get("DIGITS", "")
    sample = [f"*__mutmut_*[{digits}]", f"*__mutmut_[{digits}]"] if digits else []
    done = subprocess.run([str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", os.environ.get("JOBS", "2"),
                           *sample], cwd=tree, check=False)
    print(table(tree / "mutants", chosen))
    return done.returncode


def _lines(key: str, values: list[str]) -> list[str]:
    return [f"{key}=", *(f"    {v}" for v in values)]


def table(mutants: Path, chosen: list[str]) -> str:
    """Return a table of Markdown: mutants, killed and survived by module."""
    rows = ["| module | mutants | tried | killed | survived | not reached by a test |", "|---|---|---|---|---|---|"]
    total: Counter[str] = Counter()
    for module in chosen:
        meta = mutants / f"{module}.meta"
        if not meta.exists():
            continue
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        kinds = Counter("survived" if c == 0 else "unreached" if c in (5, 33) else "untried" if c is None else "killed"
                        for c in codes)
        total += kinds
        rows.append(_row(module, kinds))
    return "\n".join((*rows, _row("all", total)))


def _row(name: str, kinds: Counter[str]) -> str:
    counts = (sum(kinds.values()), sum(kinds.values()) - kinds["untried"], kinds["killed"], kinds["survived"], kinds["unreached"])
    return f"| {name} | " + " | ".join(f"{n:,}" for n in counts) + " |"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))

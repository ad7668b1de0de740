"""Write docs/verification.md: recall and false alarms per check, from planting every fault in clean sets."""

from __future__ import annotations

from pathlib import Path

from mutate import table

TEXT = """# Verification

Each fault is planted in drawn, fault-free sets, in every format that can express it, and the whole tool is run on the
result. *Recall* is the share of planted faults that were found; a *false alarm* is any other finding at warning or above,
unless the fault truly brings it about. `python tests/generate_verification.py` makes this page again; the tests run the same
mutations one by one.

"""

MUTANTS = """
## Mutants

`benchmarks/mutating.py` changes one operator, number or word at a time (mutmut 3.8.1) in the code that must not be
wrong: geometry, findings, edits and fixes, limits and settings, exit codes. This is a **sample that was broken off**:
of the mutants whose number ends in 3 (`DIGITS=3`), those that two busy cores got through in 17 minutes; the modules
without a row had none tried, and `report`, `check` and the other commands are decorated, which mutmut leaves out.
*Not reached* means that no test of the quick suite named in the script calls the function.

| module | mutants | tried | killed | survived | not reached by a test |
|---|---|---|---|---|---|
| dsinspect/geometry/affine.py | 708 | 65 | 54 | 11 | 0 |
| dsinspect/geometry/annotations.py | 589 | 61 | 20 | 25 | 16 |
| dsinspect/geometry/exif.py | 236 | 4 | 3 | 1 | 0 |
| dsinspect/geometry/exif_frames.py | 252 | 26 | 19 | 7 | 0 |
| dsinspect/geometry/label_swap.py | 25 | 1 | 1 | 0 | 0 |
| dsinspect/geometry/rle.py | 305 | 33 | 28 | 5 | 0 |
| dsinspect/findings/findings.py | 1,055 | 3 | 1 | 1 | 1 |
| dsinspect/findings/members.py | 30 | 3 | 0 | 3 | 0 |
| dsinspect/findings/rendering.py | 18 | 1 | 1 | 0 | 0 |
| dsinspect/fixing/apply.py | 194 | 3 | 0 | 0 | 3 |
| dsinspect/fixing/diff.py | 176 | 18 | 10 | 8 | 0 |
| dsinspect/protocols/options.py | 113 | 5 | 5 | 0 | 0 |
| dsinspect/config.py | 370 | 1 | 0 | 1 | 0 |
| dsinspect/errors.py | 56 | 5 | 4 | 0 | 1 |
| dsinspect/protocols/run.py | 79 | 2 | 1 | 0 | 1 |
| all | 4,768 | 231 | 147 | 62 | 22 |

Sixteen survivors of `affine`, `rle` and `members` were read; tests/core/test_killing.py, which came after this run,
has a test for those that change a result, and for the mask of an image with an EXIF orientation of 5 to 8, which had
survived before. Left alive because nothing that can be seen changes: `np.asarray(m, None)` for `np.float64` (inverses
are floats either way), `reshape(-2, 4, 2)` for `-1` (NumPy takes any negative number), `encode(\"UTF-8\")` for
`\"utf-8\"`, texts of errors, `<` for `<=` at a tolerance of 1e-9. The survivors in `annotations.carry` and `diff` were
not read; the slower tests of transforms (tests/transforms/test_each.py, test_oracle.py, test_pipeline.py), which call
`carry` most, were not run against it.

## Start-up

`dsinspect --help` against `python -c \"import typer\"`, 15 runs of each in turn on two cores, bytecode there: the
median ratio of processor time is 1.86, of wall-clock time 1.91 (goal: 2.5).
"""

if __name__ == "__main__":
    path = Path(__file__).resolve().parents[1] / "docs" / "verification.md"
    path.write_text(TEXT + table() + MUTANTS, encoding="utf-8")
    print(path.read_text(encoding="utf-8"))

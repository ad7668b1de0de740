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

MEASURED_APART = "\n## Mutants"
"""Where the sections begin that other programs measure, each named there; they are kept as they stand."""

if __name__ == "__main__":
    path = Path(__file__).resolve().parents[1] / "docs" / "verification.md"
    _, mark, rest = path.read_text(encoding="utf-8").partition(MEASURED_APART)
    path.write_text(TEXT + table() + mark + rest, encoding="utf-8")
    print(path.read_text(encoding="utf-8"))

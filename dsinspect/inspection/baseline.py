"""The baseline: known findings are hidden, new ones count, and fixed ones are reported as stale.

A baseline is a JSON file with one entry per finding, known by its fingerprint; the rest of an entry is for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.atomic import write_atomic
from dsinspect.io.json_text import encoded
from dsinspect.protocols.run import BaselineSummary, KnownFinding, Outcome, Run

SCHEMA_VERSION = 1


class _File(msgspec.Struct):
    schema_version: int
    findings: list[KnownFinding]


def read_baseline(path: Path) -> list[KnownFinding]:
    """Read the known findings.

    Raises:
        UserError: the file cannot be read or is no baseline.
    """
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as e:
        raise UserError(f"baseline {path}: {e.strerror}; write one with --write-baseline") from None
    except msgspec.MsgspecError as e:
        raise UserError(f"baseline {path}: not a baseline: {e}; write one with --write-baseline") from None
    if file.schema_version != SCHEMA_VERSION:
        raise UserError(f"baseline {path}: made for another version of dsinspect ({file.schema_version}); "
                        "write it again with --write-baseline")
    return file.findings


def write_baseline(path: Path, findings: Iterable[KnownFinding]) -> int:
    """Write known findings, one per line, sorted; return how many."""
    known = sorted({f.fingerprint: f for f in findings}.values(), key=lambda f: (f.code, f.image or "", f.fingerprint))
    lines = ",\n".join("  " + encoded(f).decode() for f in known)
    text = f'{{"schema_version": {SCHEMA_VERSION},\n "findings": [{chr(10) if known else ""}{lines}]}}\n'
    try:
        write_atomic(path, text.encode())
    except OSError as e:
        raise UserError(f"baseline {path}: {e.strerror}") from None
    return len(known)


def known_findings(outcomes: Iterable[Outcome]) -> list[KnownFinding]:
    """Return the findings of a run as baseline entries."""
    return [KnownFinding(f.fingerprint, f.code, f.message, f.image) for o in outcomes for f in o.iterate()]


def apply_baseline(run: Run, known: Iterable[KnownFinding]) -> Run:
    """Take known findings out of a run, and note which of them were not found again.

    Only checks that ran can show that a finding is gone.
    """
    by_print = {int(k.fingerprint, 16): k for k in known}
    prints = np.array(sorted(by_print), np.uint64)
    met: set[int] = set()
    outcomes = []
    for outcome in run.outcomes:
        own = outcome.findings.fingerprints(outcome.code)
        is_known = np.isin(own, prints)
        met.update(own[is_known].tolist())
        if is_known.any():
            findings = outcome.findings.take(~is_known)
            outcome = replace(outcome, findings=findings, status="found" if len(findings) else "clean")
        outcomes.append(outcome)
    ran = {o.code for o in run.outcomes if o.status in ("found", "clean")}
    stale = [k for p, k in by_print.items() if p not in met and k.code in ran]
    stale.sort(key=lambda k: (k.code, k.image or "", k.fingerprint))
    return replace(run, outcomes=tuple(outcomes), baseline=BaselineSummary(len(met), tuple(stale)))

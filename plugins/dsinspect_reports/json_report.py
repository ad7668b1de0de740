"""`json`: the whole run by the contract of schema version 1, written in pieces so that memory stays bounded.

Numbers that are not finite have no form in JSON and become null.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dsinspect import __version__
from dsinspect.findings import Finding
from dsinspect.reports import Outcome, Report, Run

SCHEMA_VERSION = 1
CHUNK = 1000
"""Findings encoded together."""


class JsonReport(Report):
    """The run as JSON, schema version 1."""

    name = "json"
    suffix = ".json"

    def write(self, run: Run, out: Path) -> None:
        """Write the file."""
        with out.open("wb") as file:
            for piece in pieces(run):
                file.write(piece)

    def text(self, run: Run) -> str:
        """Return it as text."""
        return b"".join(pieces(run)).decode()


class JsonLinesReport(Report):
    """One finding a line."""

    name = "jsonl"
    suffix = ".jsonl"

    def write(self, run: Run, out: Path) -> None:
        """Write the file."""
        with out.open("wb") as file:
            file.writelines(msgspec.json.encode(finding_record(f)) + b"\n" for o in run.outcomes for f in o.iterate())

    def text(self, run: Run) -> str:
        """Return it as text."""
        return "".join(msgspec.json.encode(finding_record(f)).decode() + "\n"
                       for o in run.outcomes for f in o.iterate())


def pieces(run: Run) -> Iterator[bytes]:
    """Yield the document in pieces: the head, then findings by the thousand."""
    yield b'{"schema_version": %d,\n "tool": ' % SCHEMA_VERSION
    yield encoded({"name": "dsinspect", "version": __version__})
    yield b',\n "dataset": ' + encoded(dataset_record(run))
    yield b',\n "checks": ['
    for k, outcome in enumerate(run.outcomes):
        yield (b",\n  " if k else b"\n  ") + encoded(check_record(outcome))
    yield b'],\n "findings": ['
    first = True
    for outcome in run.outcomes:
        batch: list[bytes] = []
        for finding in outcome.iterate():
            batch.append(msgspec.json.encode(finding_record(finding)))
            if len(batch) == CHUNK:
                yield (b"\n  " if first else b",\n  ") + b",\n  ".join(batch)
                first = False
                batch.clear()
        if batch:
            yield (b"\n  " if first else b",\n  ") + b",\n  ".join(batch)
            first = False
    yield b"]}\n"


def dataset_record(run: Run) -> dict[str, Any]:
    """Return what the contract says of the dataset."""
    c = run.census
    return {
        "path": run.path, "format": run.info.format, "images": c.images, "annotations": c.annotations,
        "categories": [
            {"id": i, "name": n, "annotations": a, "images": m} for i, n, a, m in zip(
                c.categories["category_id"].tolist(), c.categories["name"].tolist(),
                c.categories["annotations"].tolist(), c.categories["images"].tolist(), strict=True)],
        "splits": [{"name": n, "images": i, "annotations": a} for n, i, a in zip(
            c.splits["name"].tolist(), c.splits["images"].tolist(), c.splits["annotations"].tolist(), strict=True)]}


def check_record(outcome: Outcome) -> dict[str, Any]:
    """Return what the contract says of a check."""
    return {"code": outcome.code, "name": outcome.name, "severity": str(outcome.severity), "status": outcome.status,
            "findings": len(outcome.findings), "metrics": dict(outcome.metrics)}


def finding_record(f: Finding) -> dict[str, Any]:
    """Return what the contract says of a finding."""
    annotation = None
    if f.annotation_id is not None or f.source is not None:
        annotation = {"id": f.annotation_id, "source": f.source, "line": f.line}
        if f.line is None and f.index is not None:
            annotation["index"] = f.index
    box = None
    if f.bbox_xyxy is not None:
        box = [finite(v) for v in f.bbox_xyxy]
    return {
        "code": f.code, "severity": str(f.severity), "message": f.message, "image": f.image, "split": f.split,
        "category": f.category, "annotation": annotation, "bbox_xyxy": box,
        "values": {k: finite(v) for k, v in f.values.items()}, "fingerprint": f.fingerprint,
        "fix": {"safety": f.fix.safety, "action": f.fix.action} if f.fix else None}


def finite(value: Any) -> Any:
    """Return a value, or None when it is a number that is not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def encoded(value: Any) -> bytes:
    """Encode metrics of any depth; NumPy scalars are numbers, and numbers that are not finite null."""
    return msgspec.json.encode(cleaned(value))


def cleaned(value: Any) -> Any:
    """Return a value with plain types only."""
    if isinstance(value, dict):
        return {str(k): cleaned(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    return finite(value)

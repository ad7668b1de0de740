"""`json`: the whole run by the contract of schema version 1, written in pieces so that memory stays bounded.

Numbers that are not finite have no form in JSON and become null.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from dsinspect import __version__
from dsinspect.findings.findings import Chunk
from dsinspect.io import json_text
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Outcome, Run

SCHEMA_VERSION = 1


class JsonReport(Report):
    """The run as JSON, schema version 1."""

    name = "json"
    suffix = ".json"

    def stream(self, run: Run) -> Iterator[str]:
        """Yield the document in pieces."""
        return map(bytes.decode, pieces(run))


class JsonLinesReport(Report):
    """One finding a line."""

    name = "jsonl"
    suffix = ".jsonl"

    def stream(self, run: Run) -> Iterator[str]:
        """Yield some thousand lines at a time."""
        for outcome in run.outcomes:
            for chunk in outcome.chunks():
                yield finding_lines(chunk).decode()


def pieces(run: Run) -> Iterator[bytes]:
    """Yield the document in pieces: the head, then findings by the thousand."""
    yield b'{"schema_version": %d,\n "tool": ' % SCHEMA_VERSION
    yield encoded({"name": "dsinspect", "version": __version__})
    yield b',\n "dataset": ' + encoded(dataset_record(run))
    yield b',\n "checks": ['
    for k, outcome in enumerate(run.outcomes):
        yield (b",\n  " if k else b"\n  ") + encoded(check_record(outcome))
    yield b'],\n "findings": ['
    comma = b""
    for outcome in run.outcomes:
        for chunk in outcome.chunks():
            yield comma + b"\n  " + finding_lines(chunk).rstrip(b"\n").replace(b"\n", b",\n  ")
            comma = b","
    yield b"]}\n"


def dataset_record(run: Run) -> dict[str, Any]:
    """Return what the contract says of the dataset."""
    c, classes, splits = run.census, run.census.category_columns, run.census.split_columns
    return {
        "path": run.path, "format": run.info.format, "images": c.images, "annotations": c.annotations,
        "categories": [
            {"id": i, "name": n, "annotations": a, "images": m} for i, n, a, m in zip(
                *(classes[k].tolist() for k in ("category_id", "name", "annotations", "images")), strict=True)],
        "splits": [{"name": n, "images": i, "annotations": a} for n, i, a in zip(
            *(splits[k].tolist() for k in ("name", "images", "annotations")), strict=True)]}


def check_record(outcome: Outcome) -> dict[str, Any]:
    """Return what the contract says of a check."""
    record = {"code": outcome.code, "name": outcome.name, "severity": str(outcome.severity), "status": outcome.status,
              "findings": len(outcome.findings), "metrics": dict(outcome.metrics)}
    if outcome.made:
        record["tables"] = {title: {name: table[name].tolist() for name in table} for title, table in outcome.table_columns.items()}
    if outcome.charts:
        record["charts"] = [asdict(c) for c in outcome.charts]
    return record


def finding_lines(chunk: Chunk) -> bytes:
    """Return what the contract says of findings, one a line; numbers that are not finite become null in encoding."""
    fixes = {number: fix and {"safety": fix.safety, "action": fix.action}
             for number, fix in dict(zip(map(id, chunk.fix), chunk.fix, strict=True)).items()}
    return json_text.encoded_lines([
        {"code": chunk.code, "severity": severity, "message": message, "image": image, "split": split, "category": category,
         "annotation": _annotation(annotation_id, source, line, index), "bbox_xyxy": box, "values": values,
         "fingerprint": fingerprint, "fix": fixes[id(fix)]}
        for severity, message, image, split, category, annotation_id, source, line, index, box, values, fingerprint, fix, _
        in zip(*chunk.columns(), strict=True)])


def _annotation(annotation_id: int | None, source: str | None, line: int | None, index: int | None) -> dict[str, Any] | None:
    if annotation_id is None and source is None:
        return None
    record = {"id": annotation_id, "source": source, "line": line}
    if line is None and index is not None:
        record["index"] = index
    return record


def finite(value: Any) -> Any:
    """Return a value, or None when it is a number that is not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def encoded(value: Any) -> bytes:
    """Encode metrics of any depth; NumPy scalars are numbers, and numbers that are not finite null."""
    return json_text.encoded(cleaned(value))


def cleaned(value: Any) -> Any:
    """Return a value with plain types only; what is not text (a file name of other bytes) is escaped."""
    if isinstance(value, str):
        return json_text.as_text(value)
    if isinstance(value, dict):
        return {str(k): cleaned(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return finite(value)

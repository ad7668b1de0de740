"""`sarif`: SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from dsinspect import __version__
from dsinspect.findings.findings import Finding
from dsinspect.findings.severity import Severity
from dsinspect.io.json_text import encoded_lines
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.json_report import encoded

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class SarifReport(Report):
    """SARIF 2.1.0, written in pieces."""

    name = "sarif"
    suffix = ".sarif"

    def stream(self, run: Run) -> Iterator[str]:
        """Yield the document in pieces."""
        return map(bytes.decode, pieces(run))


def pieces(run: Run) -> Iterator[bytes]:
    """Yield the document in pieces."""
    driver = {"name": "dsinspect", "version": __version__, "rules": [rule(o) for o in run.outcomes]}
    failed = [notification(o) for o in run.crashed]
    invocation = {"executionSuccessful": not failed, "toolExecutionNotifications": failed}
    yield b'{"$schema": "' + SCHEMA.encode() + b'", "version": "2.1.0", "runs": [{"tool": {"driver": '
    yield encoded(driver) + b'}, "columnKind": "unicodeCodePoints", "originalUriBaseIds": '
    yield encoded(base_of(run.path)) + b', "invocations": ['
    yield encoded(invocation) + b'], "results": ['
    comma = b""
    place = Places(run)
    for index, outcome in enumerate(run.outcomes):
        for chunk in outcome.chunks():
            results = [result(f, index, place) for f in chunk.findings()]
            yield comma + b"\n" + encoded_lines(results).rstrip(b"\n").replace(b"\n", b",\n")
            comma = b","
    yield b"\n]}]}\n"


def base_of(path: str) -> dict[str, Any]:
    """Return what `DATASET` stands for: the dataset as the user named it, from the root of the checkout that is scanned."""
    root = PurePosixPath(path.replace("\\", "/"))
    folder = root.parent if root.suffix else root
    uri = quote(str(folder).removeprefix("./"), safe="/", errors="replace")
    absolute = folder.is_absolute()
    made: dict[str, Any] = {"DATASET": {"uri": f"{'file://' if absolute else ''}{'' if uri == '.' else uri + '/'}"}}
    if not absolute:
        made["DATASET"]["uriBaseId"] = "SRCROOT"
        made["SRCROOT"] = {"description": {"text": "the folder that dsinspect was started in"}}
    return made


def rule(outcome: Outcome) -> dict[str, Any]:
    """Return a check as a rule."""
    return {"id": outcome.code, "name": "".join(p.capitalize() for p in outcome.name.split("-")),
            "shortDescription": {"text": outcome.summary or outcome.name},
            "help": {"text": f"dsinspect explain {outcome.code}"},
            "defaultConfiguration": {"level": LEVELS[outcome.severity]}}


def notification(outcome: Outcome) -> dict[str, Any]:
    """Return a crashed check as a notification."""
    return {"level": "error", "message": {"text": f"{outcome.code} crashed: {outcome.metrics.get('reason', '')}"},
            "associatedRule": {"id": outcome.code}}


class Places:
    """Where findings are in their files: by line, else by the place of their record in it."""

    def __init__(self, run: Run) -> None:
        self._positions = run.positions
        self._known: dict[tuple[str, str], Sequence[tuple[int, int]]] = {}

    def region(self, f: Finding) -> dict[str, int]:
        """Return the region of a finding; code scanning shows no result without one."""
        if f.line:
            column = dict(self._of(f.source, "faults")).get(f.line) if f.source else None
            return {"startLine": f.line} if column is None else {"startLine": f.line, "startColumn": column}
        if f.source and f.index is not None:
            known = self._of(f.source, "images" if f.annotation_id is None else "annotations")
            if 0 <= f.index < len(known):
                line, column = known[f.index]
                return {"startLine": line, "startColumn": column}
        return {"startLine": 1}

    def _of(self, source: str, records: str) -> Sequence[tuple[int, int]]:
        key = (source, records)
        if key not in self._known:
            self._known[key] = self._positions(*key) if self._positions is not None else ()
        return self._known[key]


def result(f: Finding, index: int, places: Places) -> dict[str, Any]:
    """Return a finding as a result; its place is the record's file and line, else the image."""
    made: dict[str, Any] = {
        "ruleId": f.code, "ruleIndex": index, "level": LEVELS[f.severity], "message": {"text": f.message},
        "partialFingerprints": {"dsinspect/v1": f.fingerprint}, "properties": f.values}
    file = f.source or f.image
    if file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(file.lstrip("/"), safe="/", errors="replace"),
                                                         "uriBaseId": "DATASET"},
                                    "region": places.region(f)}
        made["locations"] = [{"physicalLocation": physical}]
    if f.image and f.image != file:
        made["relatedLocations"] = [{"physicalLocation": {"artifactLocation": {
            "uri": quote(f.image.lstrip("/"), safe="/", errors="replace"), "uriBaseId": "DATASET"}}}]
    return made

"""Edits from findings: what would fix them, one edit of a kind per record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from dsinspect.findings.findings import Finding
from dsinspect.protocols.edits import ACTIONS, Edits
from dsinspect.protocols.run import Outcome, Run
from dsinspect.tables.schema import BOX_COLUMNS, NO_POSITION


def edits_from_findings(run: Run, *, unsafe: bool = False, codes: Iterable[str] | None = None) -> Edits:
    """Return the edits that would fix the findings of a run.

    One record gets one edit of a kind: a box that two findings would drop is dropped once, and nothing else is
    done to a record that is dropped.

    Args:
        run: with `images`, for the frames of boxes.
        unsafe: also fixes that lose something.
        codes: only the findings of these checks.
    """
    wanted = None if codes is None else set(codes)
    frames = frames_of(run.images)
    changes: list[dict[str, Any]] = []
    for outcome in run.outcomes:
        if wanted is not None and outcome.code not in wanted:
            continue
        fixable = np.array([t.fix is not None and (unsafe or t.fix.safety == "safe")
                            for t in outcome.findings.templates] or [False])
        rows = np.flatnonzero(fixable[outcome.findings.columns["template"]])
        changes += [change for _, change in fixes_of(outcome, rows, frames) if is_addressed(change)]
    return Edits.of(resolve(changes))


def fixes_of(outcome: Outcome, rows: Any, frames: Mapping[str | None, tuple[float, float]]) -> Iterator[
        tuple[Finding, dict[str, Any]]]:
    """Yield findings with the change that would fix each; the change has no `action` when none is known.

    Args:
        outcome: of a check.
        rows: positions of the findings.
        frames: width and height of images by path, px.
    """
    chosen = outcome.findings.take(rows)
    new = {c: chosen.columns[f"fix:{c}"] for c in (*BOX_COLUMNS, "text") if f"fix:{c}" in chosen.columns}
    for k, finding in enumerate(outcome.findings.iterate(outcome.code, outcome.severity, rows)):
        change: dict[str, Any] = {
            "source": finding.source, "image": finding.image, "category": finding.category,
            "index": NO_POSITION if finding.index is None else finding.index, "code": finding.code,
            "fingerprint": finding.fingerprint}
        change["frame_width"], change["frame_height"] = frames.get(finding.image, (np.nan, np.nan))
        if finding.fix is not None:
            change["action"] = finding.fix.action
            change.update({name: values[k] for name, values in new.items()})
            if change.get("text") is not None:
                change["text"] = str(change["text"])
        yield finding, change


def resolve(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop repeated edits, edits of records that another edit removes, and the loss of classes that others go into."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for change in changes:
        field = str(change.get("text")).partition("=")[0] if change["action"] == "set-field" else ""
        kept.setdefault((change["action"], *_target(change), field), change)
    dropped = {_target(c) for c in kept.values() if c["action"] == "drop-annotation"}
    images = {c.get("image") for c in kept.values() if c["action"] == "drop-image"}
    merges = [c for c in kept.values() if c["action"] == "merge-category"]
    merged = {name for c in merges for name in (c.get("category"), c.get("text"))}
    return [c for c in kept.values()
            if (c["action"] in ("drop-annotation", "drop-image") or _target(c) not in dropped)
            and (c["action"] == "drop-image" or c.get("image") is None or c.get("image") not in images)
            and not (c["action"] == "drop-category" and c.get("category") in merged)]


def is_addressed(change: Mapping[str, Any]) -> bool:
    """Say whether a change names what it is about: a fault of a whole file has no record to drop."""
    if "action" not in change:
        return False
    what = ACTIONS[change["action"]][0]
    if what in ("annotation", "record"):
        return change.get("source") is not None and (change.get("index", NO_POSITION) != NO_POSITION
                                                     or change["action"] == "set-field")
    return _target(change)[1] is not None


def _target(change: Mapping[str, Any]) -> tuple[Any, ...]:
    what = ACTIONS[change["action"]][0]
    if what in ("annotation", "record"):
        return ("record", change.get("source"), change.get("index"))
    return (what, change.get({"image": "image", "category": "category", "file": "source"}[what]))


def frames_of(images: pd.DataFrame | None) -> dict[str | None, tuple[float, float]]:
    """Return width and height of the frame that the boxes of each image are in, by path, px."""
    if images is None:
        return {}
    return dict(zip(images["path"], zip(images["frame_width"], images["frame_height"], strict=True), strict=True))

"""Finish every check, fold what conventions explain, and lay the configuration over the findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from dsinspect.config import Config, matches
from dsinspect.errors import PLUGIN_FAULTS, Blame
from dsinspect.findings.findings import Findings
from dsinspect.inspection.explain import explanation_of
from dsinspect.inspection.plan import Plan
from dsinspect.inspection.shard_task import ShardState, Unavailable, crash
from dsinspect.protocols.checks import Check, Result
from dsinspect.protocols.run import Outcome
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo

BOX_ACTIONS = ("set-box", "drop-annotation")
"""Fixes that move or drop a box."""


def finish(plan: Plan, merged: ShardState, info: DatasetInfo, config: Config,
           blames: Mapping[str, Blame]) -> tuple[tuple[Outcome, ...], tuple[Outcome, ...]]:
    """Finish every check, fold what conventions explain, and lay the configuration over the findings.

    Returns:
        what the selected checks came to, and what the others describe: without findings, and nothing of one that crashed.
    """
    results: dict[str, Result | Unavailable] = {
        c: Unavailable("skipped", lack.reason, lack.applies) for c, lack in plan.skipped.items()}
    for code, check in plan.runnable.items():
        state = merged.states[code]
        if isinstance(state, Unavailable):
            results[code] = state
            continue
        try:
            result = check.finish(state, info)
            findings = result.findings.ordered()
            findings.messages(findings.first_of_each_template())  # a template that cannot be filled is the check's fault
            tables = {title: Columns.of(t() if callable(t) else t) for title, t in result.tables.items()}
            results[code] = replace(result, findings=findings, tables=tables)
        except PLUGIN_FAULTS as e:
            results[code] = crash(blames[code], e)
    described = {code: results.pop(code) for code in plan.describing}
    dispute(results, everywhere=info.boxes_in_doubt)
    for code in plan.hidden:
        results.pop(code)
    fold(results)
    outcomes = (_outcome(plan.checks[code], results[code], config) for code in sorted(results))
    judged = tuple(_blind(o, merged.blind[o.code]) if o.code in merged.blind and o.status in ("clean", "found") else o
                   for o in outcomes)
    return judged, tuple(_outcome(plan.checks[code], replace(r, findings=Findings.none()), config)
                         for code, r in sorted(described.items()) if isinstance(r, Result) and not r.does_not_apply)


def _blind(outcome: Outcome, reason: str) -> Outcome:
    """Return an outcome that says what could not be looked at: nothing found does not mean clean then."""
    if outcome.status == "found":
        return replace(outcome, is_blind=True)
    return replace(outcome, is_blind=True, status="skipped", metrics={**outcome.metrics, "reason": reason})


def dispute(results: dict[str, Result | Unavailable], *, everywhere: bool = False) -> None:
    """Make fixes of boxes unsafe on images whose size or frame a check disputes: a safe fix rests on no disputed fact.

    Args:
        results: by code.
        everywhere: whether the reading of all records is in doubt.
    """
    disputes = [d for r in results.values() if isinstance(r, Result) for d in r.disputes]
    if not disputes and not everywhere:
        return
    everywhere = everywhere or any(d.images is None for d in disputes)
    images = frozenset().union(*(d.images or () for d in disputes))
    for code, result in results.items():
        if isinstance(result, Result) and len(result.findings):
            doubtful = np.array([everywhere or i in images for i in result.findings.columns["image"].tolist()], bool)
            results[code] = replace(result, findings=result.findings.with_unsafe_fixes(doubtful, BOX_ACTIONS))


def fold(results: dict[str, Result | Unavailable]) -> None:
    """Take out the findings that another check's finding explains, and give it their number (value `folded`)."""
    for code in sorted(results):
        result = results[code]
        if isinstance(result, Unavailable) or not result.folds or not len(result.findings):
            continue
        folded = 0
        for rule in result.folds:
            for other, explained in results.items():
                if other == code or isinstance(explained, Unavailable) \
                        or not any(matches(p, other) for p in rule.codes):
                    continue
                goes = rule.covers(explained.findings)
                if goes.any():
                    folded += int(goes.sum())
                    results[other] = replace(explained, findings=explained.findings.take(~goes))
        if folded:
            results[code] = replace(result, findings=result.findings.with_folded(folded))


def _outcome(check: Check[Any, Any], result: Result | Unavailable, config: Config) -> Outcome:
    override = config.severity_of(check.code)
    base = Outcome(check.code, check.name, override or check.severity, "clean", Findings.none(),
                   limits=msgspec.structs.asdict(check.options), summary=(check.__doc__ or "").partition("\n")[0],
                   explanation=explanation_of(type(check)))
    if isinstance(result, Unavailable):
        metrics = {"reason": result.reason, **({} if result.applies else {"applies": False})}
        return replace(base, status=result.status, metrics=metrics,
                       is_blind=result.status == "skipped" and result.applies)
    if result.does_not_apply and not len(result.findings):
        return replace(base, status="skipped", metrics={"reason": result.does_not_apply, "applies": False})
    findings = result.findings.with_severity(override) if override else result.findings
    ignored = [s for s, prefixes in config.per_split_ignores.items() if any(matches(p, check.code) for p in prefixes)]
    if ignored and len(findings):
        findings = findings.take(np.array([s not in ignored for s in findings.columns["split"].tolist()], bool))
    return replace(base, status="found" if len(findings) else "clean", findings=findings, metrics=result.metrics,
                   made=result.tables, charts=result.charts)

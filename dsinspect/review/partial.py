"""As much of a review as can be applied: edits that the format refuses are found, and the rest is handed back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import msgspec

from dsinspect.errors import UserError
from dsinspect.fixing.from_findings import resolve
from dsinspect.protocols.decisions import Decision
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.run import Run
from dsinspect.review.carry import still_there
from dsinspect.review.decision import wanted
from dsinspect.review.resolve import Made, Review, with_reason
from dsinspect.review.workbook import Fault


def applicable(review: Review, attempt: Callable[[Edits], None]) -> Review:
    """Return a review without the decisions that the format refuses.

    Args:
        review: of decisions that can be applied as far as the findings say.
        attempt: makes the patches of edits, writes nothing, and raises the UserError that applying them would.
    """
    refused = _refused(review.made, attempt)
    while refused:
        review = review.without(refused)
        refused = _refused(review.made, attempt)
    return review


def _refused(made: Sequence[Made], attempt: Callable[[Edits], None]) -> list[Fault]:
    """Halve until the decisions that are refused stand alone; two that are refused together only are named together."""
    edits = [m for m in made if m.change is not None]
    reason = _reason(edits, attempt)
    if reason is None:
        return []
    if len(edits) == 1:
        return [Fault(edits[0].place, reason, (edits[0].decision,))]
    half = len(edits) // 2
    found = _refused(edits[:half], attempt) + _refused(edits[half:], attempt)
    return found or [Fault(edits[0].place, reason, tuple(m.decision for m in edits))]


def _reason(made: Sequence[Made], attempt: Callable[[Edits], None]) -> str | None:
    if not made:
        return None
    try:
        attempt(Edits.of(resolve(m.change for m in made if m.change is not None)))
    except UserError as e:
        return str(e)
    return None


def handed_back(after: Run, review: Review) -> Run:
    """Return a run of the corrected dataset with what was not applied: those findings alone, decisions with their reasons.

    A decision on a whole check comes back with all findings that the check still has, and those that were kept one by one with
    that decision: else the check's would stand for them once it is corrected.

    Args:
        after: an inspection of the corrected dataset.
        review: of which the decisions with faults were not applied.
    """
    decisions: dict[int, Decision] = {}
    for fault in review.faults:
        reason = fault.what if len(fault.decisions) < 2 else f"{fault.place}: {fault.what}"
        for decision in fault.decisions:
            decisions.setdefault(id(decision), with_reason(decision, reason))
    checks = {d.check for d in decisions.values() if d.check is not None}
    for made in review.made:
        if made.action == "keep" and not made.is_whole and made.finding is not None and made.finding.code in checks:
            decisions.setdefault(id(made.decision), made.decision)
    about = {d.finding for d in decisions.values() if d.finding is not None}
    here = {int(f, 16) for f in still_there(after, about)}
    outcomes = []
    for outcome in after.outcomes:
        prints = outcome.findings.fingerprints(outcome.code).tolist()
        chosen = [k for k, p in enumerate(prints) if outcome.code in checks or p in here]
        if chosen or outcome.status != "found":  # the others have findings, and none of them is handed back
            outcomes.append(replace(outcome, findings=outcome.findings.take(chosen), status="found" if chosen else outcome.status))
    return replace(after, outcomes=tuple(outcomes), decisions=_undecided(decisions.values()))


def _undecided(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return decisions; where several on one finding or check contradict each other, one that decides nothing and names all."""
    groups: dict[object, list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(decision.key if decision.record is None else id(decision), []).append(decision)
    made = []
    for group in groups.values():
        if len({d.choice for d in group}) > 1:
            told = "; ".join(map(wanted, group))
            comments = [d.comment for d in group if d.comment]
            made.append(msgspec.structs.replace(group[0], action="", value=None, comment="; ".join([told, *comments]),
                                                reviewer=None))
        else:
            made.append(group[0])
    return tuple(made)

"""Decisions on one record that cannot all be right: named with their places, and none of them applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dsinspect.protocols.decisions import Decision
from dsinspect.review.decision import wanted

if TYPE_CHECKING:
    from dsinspect.findings.findings import Finding

DROPS = ("drop-annotation", "drop-record")
Item = tuple[Decision, "Finding | None", "Mapping[str, Any] | None", bool]
"""A decision, its finding, its edit, and whether it stands for a whole check."""


@dataclass(frozen=True)
class Contradiction:
    """Decisions that contradict each other.

    Attributes:
        place: of the first.
        what: in words, with the others' places.
        decisions: all of them.
    """

    place: str
    what: str
    decisions: tuple[Decision, ...]


@dataclass
class _Record:
    """What is wanted of one record: positions of decisions."""

    keep: list[int] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)
    edits: dict[str, list[int]] = field(default_factory=dict)


def contradictions(items: Sequence[Item]) -> tuple[list[Contradiction], set[int]]:
    """Find decisions that contradict each other.

    Two kept, two dropped, a new box with a new class: these agree. Dropped and kept, dropped and changed, or changed to two
    values: these do not. An image that goes takes decisions to keep its annotations along, but not those that change them.

    Returns:
        the contradictions, and the positions of decisions on whole checks that gave way to decisions on single findings.
    """
    records: dict[tuple[Any, ...], _Record] = {}
    images: dict[str, _Record] = {}
    for k, (decision, finding, change, _) in enumerate(items):
        record = records.setdefault(_key(decision, finding, change), _Record())
        action = change["action"] if change is not None else "keep"
        if action == "keep":
            record.keep.append(k)
        elif action in DROPS or action == "drop-image":
            record.drop.append(k)
        else:
            record.edits.setdefault(_field(action, change), []).append(k)
        image = finding.image if finding is not None else change and change.get("image")
        if image:
            of_image = images.setdefault(str(image), _Record())
            if action == "drop-image":
                of_image.drop.append(k)
            elif action != "keep" and action not in DROPS:
                of_image.edits.setdefault("", []).append(k)
    groups = [g for record in records.values() for g in _groups(record, items)]
    groups += [[*r.drop, *(k for ks in r.edits.values() for k in ks)] for r in images.values() if r.drop and r.edits]
    found: dict[frozenset[int], Contradiction] = {}
    given_way: set[int] = set()
    for group in groups:
        whole = {k for k in group if items[k][3]}
        if whole and whole != set(group):
            given_way |= whole
            group = [k for k in group if k not in whole]
        decisions = list({id(items[k][0]): items[k][0] for k in group}.values())
        if len({_choice(items[k]) for k in group}) > 1 and len(decisions) > 1:
            found.setdefault(frozenset(group), Contradiction(
                decisions[0].place or "?", f"{wanted(decisions[0])} here contradicts "
                f"{', '.join(map(wanted, decisions[1:]))}; {_about(items[group[0]])} is left as it is", tuple(decisions)))
    return list(found.values()), given_way


def _groups(record: _Record, items: Sequence[Item]) -> list[list[int]]:
    """Return the decisions on one record that are at odds."""
    changed = [k for ks in record.edits.values() for k in ks]
    groups = []
    if record.drop and (record.keep or changed):
        groups.append(sorted([*record.drop, *record.keep, *changed]))
    groups += [ks for ks in record.edits.values() if len({_choice(items[k]) for k in ks}) > 1]
    by_finding: dict[str, list[int]] = {}
    for k in [*record.keep, *changed]:
        finding = items[k][1]
        if finding is not None:
            by_finding.setdefault(finding.fingerprint, []).append(k)
    return groups + [ks for ks in by_finding.values() if len({_choice(items[k]) for k in ks}) > 1]


def _choice(item: Item) -> tuple[Any, ...]:
    """Return what an item wants; two ways of dropping one record are one."""
    change = item[2]
    if change is None:
        return ("keep",)
    if change["action"] in DROPS:
        return ("drop",)
    box = tuple(change.get(c) for c in ("x_min", "y_min", "x_max", "y_max"))
    return change["action"], change.get("text"), box


def _key(decision: Decision, finding: Finding | None, change: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """Return the record that a decision is about."""
    if finding is None:
        change = change or {}
        name = change.get("category")
        if change.get("source") is not None:
            return "record", False, change["source"], change.get("index")
        if change["action"] == "add-box":
            return ("new", decision.key)
        return ("class", name) if name is not None else ("image", change.get("image"))
    if finding.annotation_id is not None or (change is not None and change["action"] == "drop-record"):
        return "record", finding.annotation_id is None, finding.source, finding.index
    if change is not None and change["action"] in ("rename-category", "merge-category", "drop-category"):
        return "class", change.get("category")
    if finding.image is not None:
        return "image", finding.image
    return "finding", finding.fingerprint


def _field(action: str, change: Mapping[str, Any] | None) -> str:
    """Return what an edit changes."""
    if action in ("rename-category", "merge-category", "drop-category"):
        return "category"
    if action == "set-field" and change is not None:
        return f"set-field {str(change.get('text')).partition('=')[0]}"
    return action


def _about(item: Item) -> str:
    decision, finding, change, _ = item
    if finding is not None and finding.annotation_id is not None:
        return f"annotation {finding.annotation_id} of {finding.image or finding.source}"
    if finding is not None:
        return finding.image or finding.subject or finding.source or "the finding"
    return str((change or {}).get("category") or (change or {}).get("image") or decision.action)

"""Decisions against the dataset as it is now: the edit that each makes, or why it cannot be applied.

Every decision is checked before any is applied. One on a whole check stands for its findings without one of their own, and
gives way where it contradicts one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from dsinspect.errors import nearest, nearest_or_all, nearest_path
from dsinspect.findings.findings import Finding
from dsinspect.fixing.from_findings import fixes_of, frames_of, resolve
from dsinspect.protocols.decisions import EDIT_OF, OF_CHECKS, Decision, NewBox, Record, Seen, choices_for
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.run import KnownFinding, Run
from dsinspect.review.contradictions import contradictions
from dsinspect.review.values import box_text, check_value
from dsinspect.review.workbook import Fault
from dsinspect.tables.schema import BOX_COLUMNS

NO_SUCH_FINDING = ("the dataset has no such finding: it changed since the report, the report was made with other settings or "
                   "plugins, or the cell of the fingerprint was edited")


@dataclass(frozen=True)
class Made:
    """A decision that can be applied.

    Attributes:
        decision: as it was taken.
        finding: it is about; None for what is added or renamed.
        action: of the decision.
        change: the edit, for `Edits.of`; None for `keep`.
        old: what stands in the dataset, in words.
        new: what will stand there, in words.
        is_whole: it stands for a whole check.
    """

    decision: Decision
    finding: Finding | None
    change: dict[str, Any] | None
    old: str = ""
    new: str = ""
    is_whole: bool = False

    @property
    def action(self) -> str:
        """What was decided."""
        return self.decision.action

    @property
    def place(self) -> str:
        """Where the decision is written."""
        return self.decision.place or "?"


@dataclass(frozen=True)
class Review:
    """The decisions of a review.

    Attributes:
        made: that can be applied, in the order of the surface; equal ones on one finding once.
        faults: that cannot be, and why.
    """

    made: tuple[Made, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def edits(self) -> Edits:
        """The edits of all decisions."""
        return Edits.of(resolve(m.change for m in self.made if m.change is not None))

    @property
    def kept(self) -> list[KnownFinding]:
        """The findings that were decided to be right as they are, as entries of a baseline."""
        return [KnownFinding(m.finding.fingerprint, m.finding.code, m.finding.message, m.finding.image)
                for m in self.made if m.action == "keep" and m.finding is not None]

    def standing_for_none(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return those of some decisions on whole checks that are right and stand for no finding: each has one of its own."""
        known = {id(d) for d in (*(m.decision for m in self.made), *(d for f in self.faults for d in f.decisions))}
        return [d for d in decisions if d.check is not None and id(d) not in known]

    def without(self, faults: Iterable[Fault]) -> Review:
        """Return the review without the decisions of some faults, and with these."""
        faults = tuple(faults)
        wrong = {id(d) for f in faults for d in f.decisions}
        return Review(tuple(m for m in self.made if id(m.decision) not in wrong), self.faults + faults)


def resolve_decisions(decisions: Sequence[Decision], run: Run, unread: Collection[str] = ()) -> Review:
    """Say what each decision comes to.

    Args:
        decisions: that can be read; what their actions take they have.
        run: an inspection of the dataset as it is now, with images, made with the settings of the report.
        unread: findings with a decision that cannot be read: none on their check stands for them.
    """
    work = _Resolver(run)
    decided = [d for d in decisions if d.action]
    work.new_names = [d.record.category for d in decided if d.action == "add-class" and d.record and d.record.category]
    work.new_names += [d.value for d in decided if d.action == "rename-class" and isinstance(d.value, str)]
    work.of_findings([d for d in decided if d.finding is not None])
    work.of_records([d for d in decided if d.record is not None])
    own = {d.finding for d in decided if d.finding is not None} | set(unread)
    work.of_checks([d for d in decided if d.check is not None], own)
    order = {id(d): k for k, d in enumerate(decided)}
    review = Review(tuple(sorted(work.made, key=lambda m: order[id(m.decision)])), tuple(work.faults))
    found, given_way = contradictions([(m.decision, m.finding, m.change, m.is_whole) for m in review.made])
    review = Review(tuple(m for k, m in enumerate(review.made) if k not in given_way), review.faults)
    return review.without(Fault(f.place, f.what, f.decisions) for f in found)


@dataclass
class _Resolver:
    """Collects what decisions come to."""

    run: Run
    made: list[Made] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        run = self.run
        self.frames = frames_of(run.images)
        self.names = [c.name for c in run.info.categories] or [str(n) for n in run.census.category_columns["name"].tolist()]
        self.new_names: list[str] = []

    def fault(self, decision: Decision, what: str) -> None:
        self.faults.append(Fault(decision.place or "?", what, (decision,)))

    def of_records(self, decisions: Sequence[Decision]) -> None:
        """Take what is to be added, renamed or merged."""
        for decision in decisions:
            try:
                self.made.append(self._of_record(decision))
            except ValueError as e:
                self.fault(decision, str(e))

    def _of_record(self, decision: Decision) -> Made:
        record, value = decision.record, decision.value
        assert record is not None
        edit = EDIT_OF[decision.action]
        if edit in self.run.no_place:
            raise ValueError(f"{decision.action}: the {self.run.info.format} format has no place for that")
        change: dict[str, Any] = {"action": edit, "reviewer": decision.reviewer}
        if decision.action in ("add-box", "drop-image"):
            image = record.image or ""
            if image not in self.frames:
                raise ValueError(f"{image!r} is no image of the dataset{nearest_path(image, map(str, self.frames))}")
            if decision.action == "drop-image":
                return Made(decision, None, {**change, "image": image}, image)
            frame = self.frames[image]
            if not isinstance(value, NewBox):
                raise ValueError("add-box: the new box is missing: its class, and x min, y min, x max, y max in px")
            check_value(decision, frame)
            self._require_name(value.category)
            return Made(decision, None, {
                **change, "image": image, "text": value.category, "frame_width": frame[0], "frame_height": frame[1],
                **dict(zip(BOX_COLUMNS, value.bbox_xyxy, strict=True))}, image, f"{value.category} {box_text(value.bbox_xyxy)}")
        if record.source is not None:
            return self._of_annotation(decision, record, change)
        name = record.category or ""
        if decision.action == "add-class":
            if name in self.names:
                raise ValueError(f"{name!r} is a class of the dataset already")
            return Made(decision, None, {**change, "category": name}, "", name)
        return self._of_class(decision, name, change)

    def _of_annotation(self, decision: Decision, record: Record, change: dict[str, Any]) -> Made:
        """Return what a decision on an annotation without a finding comes to."""
        a = self.run.annotation_columns
        if a is None:
            raise ValueError("the annotations of the dataset were not read")
        wanted, column = (record.index, "index") if record.index is not None else (record.id, "annotation_id")
        rows = np.flatnonzero((a["source"] == record.source) & (a[column] == (-1 if wanted is None else wanted)))
        if len(rows) != 1:
            raise ValueError(f"{record.source} has {'no' if not len(rows) else 'more than one'} annotation with the "
                             f"{'index' if column == 'index' else 'id'} {wanted}: it changed since it was decided on")
        own = a.take(rows).records()[0]
        image = own["path"]
        frame = self.frames.get(image, (np.nan, np.nan))
        old = f"{own['category']} {box_text([own[c] for c in BOX_COLUMNS])}"
        seen = decision.seen.bbox_xyxy if decision.seen is not None else None
        if seen is not None and not np.allclose(seen, [own[c] for c in BOX_COLUMNS], atol=1e-3, equal_nan=True):
            raise ValueError(f"the box is {old} now, and was {box_text(seen)} when it was decided on")
        change |= {"source": record.source, "index": int(own["index"]), "image": image, "category": own["category"],
                   "frame_width": frame[0], "frame_height": frame[1]}
        if decision.action == "set-category":
            name = self._class_of(decision)
            return Made(decision, None, {**change, "text": name}, old, name)
        if decision.action == "set-box":
            check_value(decision, frame)
            return Made(decision, None, {**change, **_other_box(decision, [own[c] for c in BOX_COLUMNS])}, old,
                        box_text(decision.value))  # type: ignore[arg-type]
        return Made(decision, None, change, old, "a crowd" if decision.action == "mark-as-crowd" else "")

    def _of_class(self, decision: Decision, name: str, change: dict[str, Any], finding: Finding | None = None) -> Made:
        """Rename a class, or merge it into another."""
        if name not in self.names:
            raise ValueError(f"{name!r} is no class of the dataset{nearest_or_all(name, self.names)}")
        new = decision.value if isinstance(decision.value, str) else ""
        if not new.strip():
            raise ValueError(f"{decision.action}: the new name is missing")
        if decision.action == "merge-class":
            self._require_name(new)
        elif new in self.names and new != name:
            raise ValueError(f"{new!r} is a class of the dataset; merge-class gives one the boxes of another")
        return Made(decision, finding, {**change, "category": name, "text": new}, name, new)

    def _class_of(self, decision: Decision) -> str:
        """Return the class that a box is to have."""
        name = decision.value if isinstance(decision.value, str) else ""
        if not name:
            raise ValueError("set-category: the new class is missing")
        self._require_name(name)
        return name

    def _require_name(self, name: str) -> None:
        if name not in self.names and name not in self.new_names:
            raise ValueError(f"{name!r} is no class of the dataset{nearest_or_all(name, self.names)}")

    def of_findings(self, decisions: Sequence[Decision]) -> None:
        """Take decisions on findings."""
        findings = self._findings({d.finding for d in decisions if d.finding is not None})
        first: dict[str, Decision] = {}
        for decision in decisions:
            assert decision.finding is not None
            if decision.finding not in findings:
                self.fault(decision, NO_SUCH_FINDING)
                continue
            finding, fix = findings[decision.finding]
            other = _differs(decision.seen, finding)
            if other:
                self.fault(decision, other)
                continue
            earlier = first.setdefault(decision.finding, decision)
            if earlier is not decision and earlier.choice == decision.choice:
                continue
            try:
                self.made.append(self._of_finding(decision, finding, fix))
            except ValueError as e:
                self.fault(decision, str(e))

    def of_checks(self, decisions: Sequence[Decision], own: Collection[str | None]) -> None:
        """Let decisions on checks stand for the findings without one of their own."""
        codes = [o.code for o in self.run.outcomes]
        for decision in decisions:
            code = decision.check or ""
            outcome = self.run.outcome(code)
            if outcome is None:
                self.fault(decision, f"no check {code!r} was run{nearest(code, codes)}")
                continue
            if decision.action not in OF_CHECKS:
                self.fault(decision, f"{decision.action} cannot stand for a whole check; it takes {', '.join(OF_CHECKS)}")
                continue
            for finding, fix in fixes_of(outcome, np.arange(len(outcome.findings)), self.frames):
                if finding.fingerprint in own:
                    continue
                try:
                    self.made.append(_whole(self._of_finding(decision, finding, fix)))
                except ValueError as e:
                    self.fault(decision, f"{e} ({finding.code} {finding.image or finding.subject or ''})".replace(" )", ")"))
                    break

    def _findings(self, fingerprints: set[str]) -> dict[str, tuple[Finding, dict[str, Any]]]:
        """Return findings with the changes that would fix them, by fingerprint."""
        prints = np.array(sorted(int(f, 16) for f in fingerprints if f and set(f) <= set("0123456789abcdef")), np.uint64)
        found: dict[str, tuple[Finding, dict[str, Any]]] = {}
        for outcome in self.run.outcomes:
            rows = np.flatnonzero(np.isin(outcome.findings.fingerprints(outcome.code), prints))
            for finding, change in fixes_of(outcome, rows, self.frames):
                found.setdefault(finding.fingerprint, (finding, change))
        return found

    def _of_finding(self, decision: Decision, finding: Finding, fix: Mapping[str, Any]) -> Made:
        """Return what a decision on a finding comes to; raise ValueError when the finding cannot take it."""
        action = decision.action
        choices = choices_for(finding, self.run.no_place)
        if action not in choices:
            raise ValueError(self._why_not(action, finding, choices))
        where = {k: v for k, v in fix.items() if k not in ("action", "text", *BOX_COLUMNS)} | {"reviewer": decision.reviewer}
        old_box = box_text(finding.bbox_xyxy) if finding.bbox_xyxy else ""
        if action == "keep":
            return Made(decision, finding, None, "", "kept")
        if action == "fix":
            new = box_text([fix[c] for c in BOX_COLUMNS]) if "x_min" in fix else fix.get("text") or ""
            return Made(decision, finding, {**fix, "reviewer": decision.reviewer}, old_box, new)
        if action in ("rename-class", "merge-class"):
            return self._of_class(decision, finding.category or "", {**where, "action": EDIT_OF[action]}, finding)
        edit = "drop-record" if action == "drop" and finding.annotation_id is None else EDIT_OF[action]
        change = {**where, "action": edit}
        if action == "drop-image":
            if finding.image not in self.frames:
                raise ValueError(f"drop-image: no record names {finding.image}, so there is nothing to drop")
            return Made(decision, finding, change, finding.image or "")
        if action == "drop":
            old = f"{finding.category} {old_box}" if finding.annotation_id is not None else (
                f"record {finding.index} of {finding.source}")
            return Made(decision, finding, change, old)
        if action == "mark-as-crowd":
            return Made(decision, finding, change, f"{finding.category} {old_box}", "a crowd")
        if action == "set-category":
            name = self._class_of(decision)
            return Made(decision, finding, {**change, "text": name}, finding.category or "", name)
        check_value(decision, (fix["frame_width"], fix["frame_height"]))
        moved = _other_box(decision, finding.bbox_xyxy)
        return Made(decision, finding, {**change, **moved}, old_box, box_text(tuple(moved.values())))

    def _why_not(self, action: str, finding: Finding, choices: Sequence[str]) -> str:
        can = f"it takes {', '.join(choices)}"
        if EDIT_OF.get(action) in self.run.no_place:
            return f"{action}: the {self.run.info.format} format has no place for that; {can}"
        if action == "fix":
            return f"fix: nothing is known that would fix this; {can}"
        if action == "drop-image":
            what = "no image" if finding.image is None else "a file that no record names"
            return f"drop-image: the finding is about {what}; {can}"
        return f"{action}: the finding is about no {'class' if action.endswith('-class') else 'annotation'}; {can}"


def _other_box(decision: Decision, own: Sequence[float] | None) -> dict[str, float]:
    """Return the edges that a box is to have; those that it has already are a mistake of whoever decided."""
    value = decision.value
    assert isinstance(value, tuple)
    if own is not None and box_text(value) == box_text(own):
        raise ValueError(f"set-box: {box_text(value)} is the box it has; give another as New value, or choose keep")
    return dict(zip(BOX_COLUMNS, value, strict=True))


def _whole(made: Made) -> Made:
    """Return what a decision on a check comes to for one of its findings."""
    return Made(made.decision, made.finding, made.change, made.old, made.new, is_whole=True)


def _differs(seen: Seen | None, finding: Finding) -> str:
    """Say how a finding is another one than the reviewer saw, or nothing."""
    if seen is None:
        return ""
    number = seen.annotation.id if seen.annotation is not None else None
    for what, shown, own in (("code", seen.code, finding.code), ("image", seen.image, finding.image),
                             ("annotation", number, finding.annotation_id)):
        if shown is not None and shown != own:
            return (f"{what} is {str(shown)[:60]!r}, the finding of this fingerprint has {str(own)[:60]!r}: a cell was edited, or "
                    "the columns were sorted apart")
    return ""


def with_reason(decision: Decision, reason: str) -> Decision:
    """Return a decision with the reason why it was not applied."""
    return msgspec.structs.replace(decision, reason=reason)

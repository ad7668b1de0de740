"""Decisions: what reviewers want done about findings and records, the same whatever they were written in.

A decision is addressed by the finding's fingerprint, by a record (an image for a missed box, a class to rename), or by the
code of a check, where it stands for all findings that have none of their own. It never depends on a row or on an order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dsinspect.protocols.edits import ACTIONS
from dsinspect.tables.schema import NO_POSITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsinspect.findings.findings import Finding

SCHEMA_VERSION = 1

MEANINGS: Mapping[str, str] = {
    "keep": "it is right as it is; review apply --update-baseline remembers that",
    "fix": "do what the column Fix says",
    "drop": "remove the annotation",
    "set-box": "New value is the right box: x min, y min, x max, y max in px",
    "set-category": "New value is the right class",
    "mark-as-crowd": "it is a group of objects, which trainers leave out",
    "drop-image": "remove the image with all its annotations",
    "add-box": "add a missed box: its image, its class, and x min, y min, x max, y max in px",
    "add-class": "declare a class that the dataset does not have",
    "rename-class": "give the class a new name; its boxes follow",
    "merge-class": "give all boxes of the class to another one, and remove it",
}
"""Action of a decision to what it does."""
OF_FINDINGS = ("keep", "fix", "drop", "set-box", "set-category", "mark-as-crowd", "drop-image", "rename-class", "merge-class")
"""Actions that a finding may take, in the order in which they are offered; `choices_of` says which one can."""
OF_CHECKS = ("keep", "fix", "drop", "mark-as-crowd", "drop-image")
"""Actions that may stand for all findings of a check: those without a value."""
OF_ANNOTATIONS = ("drop", "set-box", "set-category", "mark-as-crowd")
"""Actions that an annotation may take without a finding: its record has `source`, and `index` or `id`."""
ADDITIONS = ("add-box", "add-class", "rename-class", "merge-class", "drop-image")
"""Actions about an image or a class that need no finding."""
EDIT_OF: Mapping[str, str] = {
    "drop": "drop-annotation", "set-box": "set-box", "set-category": "set-category", "mark-as-crowd": "mark-as-crowd",
    "drop-image": "drop-image", "add-box": "add-box", "add-class": "add-category", "rename-class": "rename-category",
    "merge-class": "merge-category"}
"""Action of a decision to the action of the edit it makes; `keep` makes none, `fix` that of the finding."""

Box = tuple[float, float, float, float]


class NewBox(msgspec.Struct, frozen=True):
    """A box to add: corners xyxy in px of the image as annotated, and the name of its class."""

    bbox_xyxy: Box
    category: str


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a record stands; for an image its path alone, for a class its name alone."""

    image: str | None = None
    category: str | None = None
    source: str | None = None
    line: int | None = None
    index: int | None = None
    id: int | None = None


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """The finding and its record as the reviewer saw them; the fields of a finding in report.json."""

    code: str | None = None
    message: str | None = None
    image: str | None = None
    split: str | None = None
    category: str | None = None
    annotation: Record | None = None
    bbox_xyxy: Box | None = None


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision of a reviewer; exactly one of `finding`, `record` and `check` says what it is about.

    Attributes:
        action: one of `MEANINGS`.
        finding: fingerprint of the finding, 16 hexadecimal digits.
        record: image (add-box, drop-image), class (add-class, rename-class, merge-class), or annotation (drop, set-box,
            set-category, mark-as-crowd), by its source and index.
        check: code of a check, whose findings without a decision of their own it stands for.
        value: of set-box a box, of add-box a box with its class, of set-category, rename-class and merge-class a name.
        comment: of the reviewer.
        reviewer: who decided, as far as they said.
        seen: what the record was when it was decided on.
        place: where it was written: `report.xlsx Findings!B12`, `decisions.json, decision 3`; for messages only.
        reason: why it was handed back instead of applied.
    """

    action: str
    finding: str | None = None
    record: Record | None = None
    check: str | None = None
    value: Box | NewBox | str | None = None
    comment: str | None = None
    reviewer: str | None = None
    seen: Seen | None = None
    place: str | None = None
    reason: str | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is about, as a key: two decisions with one key must agree."""
        if self.finding is not None:
            return "finding", self.finding
        if self.check is not None:
            return "check", self.check
        record = self.record or Record()
        if record.source is not None:
            return "annotation", record.source, record.index
        if self.action == "add-box":
            return "box", record.image, self.value
        return ("class", record.category) if record.category is not None else ("image", record.image)

    @property
    def choice(self) -> tuple[str, Any]:
        """What is wanted."""
        return self.action, self.value


def addition_key(decision: Decision) -> str:
    """Return what an addition is, in words.

    >>> addition_key(Decision("add-box", record=Record(image="a.jpg"), value=NewBox((1, 2, 3, 4.5), "cat")))
    'add-box, a.jpg, cat, 1, 2, 3, 4.5'
    """
    record, value = decision.record or Record(), decision.value
    named = [value.category] if isinstance(value, NewBox) else []
    numbers = value.bbox_xyxy if isinstance(value, NewBox) else value if isinstance(value, tuple) else ()
    text = [value] if isinstance(value, str) else []
    parts = [decision.action, record.image, record.category, record.source, record.index, record.id, *named, *text]
    return ", ".join([*(str(p) for p in parts if p is not None), *(f"{v:.10g}" for v in numbers)])


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a report was made with, in force after configuration and command line, so that its decisions can be applied.

    Paths of plugins are left out on purpose: nothing that arrives by mail names code to run.
    """

    format: str | None = None
    images: str | None = None
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: dict[str, str] = {}
    per_split_ignores: dict[str, tuple[str, ...]] = {}
    checks: dict[str, dict[str, Any]] = {}
    formats: dict[str, dict[str, Any]] = {}
    shared_options: dict[str, Any] = {}
    config: str | None = None
    trainer: str | None = None


NO_SETTINGS = Settings()
"""Of decisions that came without any."""


class Decisions(msgspec.Struct, frozen=True):
    """The decisions of one workbook, page or store: what `decisions.json` holds.

    Attributes:
        dataset: as it was named when the report was made.
        settings: of the report.
        decisions: in the order of the surface.
        schema_version: of the document.
        tool: name and version of what wrote it.
    """

    dataset: str = ""
    settings: Settings = NO_SETTINGS
    decisions: tuple[Decision, ...] = ()
    schema_version: int = SCHEMA_VERSION
    tool: dict[str, str] = {}


def choices_of(*, has_annotation: bool, source: str | None, index: int | None, image: str | None, category: str | None,
               fix: str | None, no_place: Collection[str] = (), is_file: bool = False) -> tuple[str, ...]:
    """Return the actions that a finding can take, in the order in which they are offered.

    Args:
        has_annotation: the finding is about one annotation.
        source: file of the record, or None.
        index: of the record in its file, or None or -1.
        image: path, or None.
        category: name, or None.
        fix: action of the finding's fix, or None.
        no_place: actions of edits that the format has no place for.
        is_file: the finding is about the file of an image, which no record names: there is no image to drop.
    """
    is_record = source is not None and index is not None and index != NO_POSITION
    possible = {"keep"}
    if fix is not None and fix not in no_place and can_address(fix, source, index, image, category):
        possible.add("fix")
    if has_annotation and is_record:
        possible |= {"drop", "set-box", "set-category", "mark-as-crowd"}
    elif is_record and (image is None or fix == "drop-record"):
        possible.add("drop")
    elif category is not None and image is None:
        possible |= {"rename-class", "merge-class"}
    if image is not None and not is_file:
        possible.add("drop-image")
    return tuple(a for a in OF_FINDINGS if a in possible and EDIT_OF.get(a) not in no_place)


def choices_for(finding: Finding, no_place: Collection[str]) -> tuple[str, ...]:
    """Return the actions that a finding can take: `choices_of` what it is about."""
    return choices_of(has_annotation=finding.annotation_id is not None, source=finding.source, index=finding.index,
                      image=finding.image, category=finding.category, fix=finding.fix.action if finding.fix else None,
                      no_place=no_place, is_file=finding.image is not None and finding.source == finding.image)


def choices_without_finding(no_place: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return what may be decided on a box without a finding (`boxChoices`), and on a class (`classChoices`).

    Args:
        no_place: actions of edits that the format has no place for.
    """
    return {"boxChoices": tuple(a for a in (*OF_ANNOTATIONS, "drop-image") if EDIT_OF[a] not in no_place),
            "classChoices": tuple(a for a in ADDITIONS if a.endswith("-class") and EDIT_OF[a] not in no_place)}


def can_address(action: str, source: str | None, index: int | None, image: str | None, category: str | None) -> bool:
    """Say whether what is known says to an edit what it is about: a fault of a whole file has no record to drop."""
    what = ACTIONS[action][0]
    if what in ("annotation", "record"):
        return source is not None and ((index is not None and index != NO_POSITION) or action == "set-field")
    return {"image": image, "category": category, "file": source}.get(what) is not None


def by_finding(decisions: Sequence[Decision]) -> dict[str, Decision]:
    """Return the decisions about findings by fingerprint; the first of several stands."""
    found: dict[str, Decision] = {}
    for decision in decisions:
        if decision.finding is not None:
            found.setdefault(decision.finding, decision)
    return found

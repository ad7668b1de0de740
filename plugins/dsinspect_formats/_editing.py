"""Edits by what they address, checked for contradictions, and what becomes of categories: shared by all patches."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dsinspect.errors import UserError, nearest
from dsinspect.protocols.edits import ACTIONS, LATER_ACTIONS, ROW_ACTIONS, Edits

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Change:
    """One edit; what it does not say is None, -1 or NaN."""

    action: str
    source: str | None
    index: int
    image: str | None
    category: str | None
    text: str | None
    box: Box
    frame_wh: tuple[float, float]

    def wrong(self, reason: str) -> UserError:
        """Return the error that names the edit's address."""
        what = ACTIONS[self.action][0]
        where = {"image": self.image, "category": self.category, "file": self.source}.get(
            what, f"{self.source}, record {self.index}" if self.source is not None else None)
        return UserError(f"{self.action} of {'nothing' if where is None else where}: {reason}")

    def whole_number(self) -> int:
        """Return `text` as a whole number; raises UserError when it is none."""
        if self.text is None or not re.fullmatch(r"\s*-?\d{1,18}\s*", self.text):
            raise self.wrong(f"{self.text!r} is not a whole number")
        return int(self.text)

    def size_wh(self) -> tuple[str, str]:
        """Return width and height as texts; raises UserError when `text` is not WIDTHxHEIGHT."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[xX]\s*(\d+(?:\.\d+)?)\s*", self.text or "")
        if not match:
            raise self.wrong(f"{self.text!r} is not WIDTHxHEIGHT, such as 640x480")
        return match[1], match[2]

    def field(self) -> tuple[str, Any]:
        """Return name and value of a `set-field`; raises UserError when `text` is not NAME=JSON."""
        name, equals, value = (self.text or "").partition("=")
        try:
            if equals and name.strip():
                return name.strip(), json.loads(value)
        except ValueError:
            pass
        raise self.wrong(f"{self.text!r} is not NAME=JSON, such as iscrowd=0")

    def new_box(self) -> Box:
        """Return the box of an `add-box`; raises UserError when it has no area, or no category is named."""
        x_min, y_min, x_max, y_max = self.finite_box()
        if not (x_max > x_min and y_max > y_min):
            raise self.wrong("the new box has no area")
        if not self.text:
            raise self.wrong("the edit names no category")
        return self.box

    def finite_box(self) -> Box:
        """Return the box; raises UserError when an edge is missing or not finite."""
        if not all(map(math.isfinite, self.box)):
            raise self.wrong("the new box has an edge that is no finite number")
        return self.box


def changes_of(edits: Edits) -> list[Change]:
    """Return the rows of edits."""
    rows = edits.rows
    texts = ([None if v is None or v != v else str(v) for v in rows[c].tolist()]
             for c in ("source", "image", "category", "text"))
    boxes = zip(*(rows[c].tolist() for c in ("x_min", "y_min", "x_max", "y_max")), strict=True)
    frames = zip(rows["frame_width"].tolist(), rows["frame_height"].tolist(), strict=True)
    return [Change(action, source, index, image, category, text, box, frame)
            for action, index, source, image, category, text, box, frame in zip(
                rows["action"].tolist(), rows["index"].tolist(), *texts, boxes, frames, strict=True)]


def automatic_boxes(edits: Edits) -> dict[str, frozenset[int]]:
    """Return the records, by source, whose new box is a finding's and nobody's decision.

    A shape that is no plain box (rotated, a circle, a mask) may not be able to take it: then it stays, and so does its
    finding. A person who decided on the box gets a message instead.
    """
    rows = edits.for_action("set-box")
    found: dict[str, set[int]] = {}
    for source, index, code, reviewer in zip(*(rows[c].tolist() for c in ("source", "index", "code", "reviewer")), strict=True):
        if code is not None and reviewer is None:
            found.setdefault(source, set()).add(index)
    return {source: frozenset(indices) for source, indices in found.items()}


Wanted = dict[str, Change]
"""What is to be done to one thing: action (of `set-field`: with the name of the field) to the edit."""


@dataclass
class Changes:
    """Edits by what they address.

    Attributes:
        records: by source and index.
        images: by path.
        categories: by name.
        files: sources to write as UTF-8.
        rows: `ROW_ACTIONS` by the label file.
        boxes: to add, by path of the image.
        new_categories: to declare.
        everywhere: `set-field` edits that name no record: all that lack the field.
    """

    records: dict[tuple[str, int], Wanted] = field(default_factory=dict)
    images: dict[str, Wanted] = field(default_factory=dict)
    categories: dict[str, Wanted] = field(default_factory=dict)
    files: dict[str, Change] = field(default_factory=dict)
    rows: dict[str, Wanted] = field(default_factory=dict)
    boxes: dict[str, list[Change]] = field(default_factory=dict)
    new_categories: list[Change] = field(default_factory=list)
    everywhere: list[Change] = field(default_factory=list)

    @staticmethod
    def of(edits: Edits, name: str, unknown: Collection[str], later: Collection[str] = ()) -> Changes:
        """Sort edits by their addresses.

        Args:
            edits: to sort.
            name: of the format.
            unknown: actions it has no place for.
            later: those of `LATER_ACTIONS` that it takes.

        Raises:
            UserError: an action without a place, an edit without an address, or two that contradict each other.
        """
        out = Changes()
        for change in changes_of(edits):
            what = ACTIONS[change.action][0]
            if change.action in unknown or (change.action in LATER_ACTIONS and change.action not in later):
                raise change.wrong(f"the {name} format has no place for that")
            if change.action == "set-field" and change.index < 0:
                out.everywhere.append(change)
            elif change.action in ROW_ACTIONS:
                _add(out.rows.setdefault(_address(change, change.source), {}), change.action, change)
            elif what == "file":
                out.files[_address(change, change.source)] = change
            elif change.action == "add-box":
                change.new_box()
                out.boxes.setdefault(_address(change, change.image), []).append(change)
            elif change.action == "add-category":
                _address(change, change.category)
                out.new_categories.append(change)
            elif what == "image":
                _add(out.images.setdefault(_address(change, change.image), {}), change.action, change)
            elif what == "category":
                _add(out.categories.setdefault(_address(change, change.category), {}), change.action, change)
            elif change.index < 0:
                raise change.wrong("the edit names no record of the file")
            else:
                key = f"set-field {change.field()[0]}" if change.action == "set-field" else change.action
                _add(out.records.setdefault((_address(change, change.source), change.index), {}), key, change)
        return out

    def by_source(self) -> dict[str, dict[int, Wanted]]:
        """Return the edits of records by source, then index."""
        found: dict[str, dict[int, Wanted]] = {}
        for (source, index), wanted in self.records.items():
            found.setdefault(source, {})[index] = wanted
        return found


def _address(change: Change, value: str | None) -> str:
    if value is None:
        raise change.wrong(f"the edit names no {ACTIONS[change.action][0]}")
    return value


def _add(wanted: Wanted, key: str, change: Change) -> None:
    first = wanted.setdefault(key, change)
    same_box = all(a == b or (a != a and b != b) for a, b in zip(first.box, change.box, strict=True))
    if first.text != change.text or not same_box:
        raise change.wrong(f"two edits want different values: {_value(first)} and {_value(change)}")


def _value(change: Change) -> str:
    return repr(change.text) if change.text is not None else "x".join(f"{v:g}" for v in change.box)


def any_of(wanted: Wanted) -> Change:
    """Return one of the edits of a thing, for messages."""
    return next(iter(wanted.values()))


def is_dropped(wanted: Wanted) -> bool:
    """Say whether a record goes."""
    return "drop-annotation" in wanted or "drop-record" in wanted


@dataclass(frozen=True)
class CategoryPlan:
    """What becomes of categories.

    Attributes:
        declared: names before the edits.
        dropped: names that go with their annotations.
        merged: name to the name, as declared, whose annotations it joins.
        renamed: name to its new name.
        added: names to declare.
    """

    declared: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    merged: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    @staticmethod
    def of(categories: Mapping[str, Wanted], declared: Iterable[str], new: Iterable[Change] = ()) -> CategoryPlan:
        """Settle the edits of categories; dropping wins over merging, merging over renaming.

        Args:
            categories: edits by name.
            declared: names.
            new: categories to declare.

        Raises:
            UserError: a name that is not there, is taken, or leads in a circle.
        """
        own = frozenset(declared)
        added = {}
        for change in new:
            name = change.category or ""
            if not name.strip():
                raise change.wrong("the new name is empty")
            if name in own:
                raise change.wrong(f"{name!r} is declared already")
            added[name] = change
        names = own | set(added)
        dropped, merged, renamed = set(), {}, {}
        for name, wanted in categories.items():
            change = any_of(wanted)
            if name not in names:
                raise change.wrong(f"no such category{nearest(name, sorted(names))}")
            if "drop-category" in wanted:
                dropped.add(name)
            elif "merge-category" in wanted:
                merged[name] = wanted["merge-category"]
            else:
                renamed[name] = wanted["rename-category"]
        into: dict[str, str] = {}
        for name, change in merged.items():
            seen, target = [name], change.text or ""
            while target in merged and target not in seen:
                seen.append(target)
                target = merged[target].text or ""
            if target in dropped:
                raise change.wrong(f"{target!r} is dropped by another edit")
            if target != name and target in seen:
                raise change.wrong(f"merged in a circle: {', '.join(map(repr, seen))}")
            if target not in names:
                raise change.wrong(f"no category {target!r}{nearest(target, sorted(names))}")
            if target != name:  # merging into itself changes nothing
                into[name] = target
        gone = dropped | set(into) | set(renamed)
        final: dict[str, str] = {}
        for name, change in renamed.items():
            text = change.text or ""
            if not text.strip():
                raise change.wrong("the new name is empty")
            if text != name and (text in names - gone or text in final.values()):
                raise change.wrong(f"{text!r} is taken; merge-category joins two categories")
            final[name] = text
        return CategoryPlan(names, frozenset(dropped), into, {k: v for k, v in final.items() if k != v},
                            tuple(added))

    def __bool__(self) -> bool:
        return bool(self.dropped or self.merged or self.renamed or self.added)

    def final(self, name: str) -> str:
        """Return the name that annotations of a declared category have afterwards."""
        name = self.merged.get(name, name)
        return self.renamed.get(name, name)

    def target(self, change: Change) -> str:
        """Return the declared category that a `set-category` means, by its name before or after the edits.

        Raises:
            UserError: there is none, or it is dropped.
        """
        name = change.text or ""
        if name not in self.declared:
            before = next((k for k, v in self.renamed.items() if v == name), None)
            if before is None:
                raise change.wrong(f"no category {name!r}{nearest(name, sorted(self.declared))}")
            name = before
        if name in self.dropped:
            raise change.wrong(f"{name!r} is dropped by another edit")
        return self.merged.get(name, name)

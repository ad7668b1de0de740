"""The decisions of a reviewed workbook: rows of findings, of checks, of what is to be added, and the report's settings.

What a reviewer wrote and nobody can read is a fault with its cell, never skipped; the decision is kept as it was written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.errors import nearest
from dsinspect.io.formulas import Unstored
from dsinspect.protocols import review_sheet as sheet
from dsinspect.protocols.decisions import (
    ADDITIONS,
    NO_SETTINGS,
    OF_ANNOTATIONS,
    OF_CHECKS,
    OF_FINDINGS,
    Box,
    Decision,
    Decisions,
    NewBox,
    Record,
    Seen,
    Settings,
    addition_key,
)
from dsinspect.review.edited import edited_cells
from dsinspect.review.own_cells import read_own_cells
from dsinspect.review.rows import ReviewRow, own_headers, read_book
from dsinspect.review.values import box_of, parse_box, plain, whole

SORTED_APART = ("boxes and classes of {n:,} rows are those of other rows: some columns were sorted, or moved, without the rest, "
                "and the decisions with them; undo that, or write the report again and sort whole rows")
FEWEST_APART = 3
"""Rows that have changed places from which columns were sorted apart."""
WITH_NAME = ("set-category", "rename-class", "merge-class")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a decision, or with several that contradict each other.

    Attributes:
        place: where it is written.
        what: in words.
        decisions: that are wrong, as they were written.
    """

    place: str
    what: str
    decisions: tuple[Decision, ...] = ()

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True)
class Reading:
    """What a file of decisions holds.

    Attributes:
        decisions: all of them, those that cannot be read as they were written and with an action that does not exist.
        faults: what cannot be read.
        earlier: decisions whose finding was gone when the workbook was written.
        rows: findings that there are to decide on; 0 where the file does not say.
        of_checks: code of each check with a decision to the number of its findings, where the file says it.
        own_columns: header of a column that the reviewer added to fingerprint to the cell.
        own_cells: the same of other sheets: title to header to what the row is about to the cell.
    """

    decisions: Decisions
    faults: tuple[Fault, ...] = ()
    earlier: tuple[Decision, ...] = ()
    rows: int = 0
    of_checks: Mapping[str, int] = field(default_factory=dict)
    own_columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own_cells: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)


def read_workbook(path: Path) -> Reading:
    """Read the decisions of a workbook.

    Raises:
        UserError: it is no spreadsheet, or none of its sheets is one of a review.
    """
    book = read_book(path)
    decisions: list[Decision] = []
    earlier: list[Decision] = []
    faults: list[Fault] = []
    beside_additions: dict[str, dict[str, Any]] = {}
    for row in book.rows:
        unstored = next((h for h in sheet.TO_FILL_IN if isinstance(row.values.get(h), Unstored)), None)
        decision, wrong = {"finding": _of_finding, "check": _of_check, "add": _of_addition, "earlier": _of_earlier}[row.kind](row)
        if row.kind == "add":
            key = addition_key(decision) if decision is not None else f"row {row.number}"
            for header in own_headers(row.values, "add"):
                if row.values[header] is not None:
                    _add_note(beside_additions.setdefault(header, {}), key, row.values[header])
        if decision is None:
            continue
        (earlier if row.kind == "earlier" else decisions).append(decision)
        if unstored is not None:
            wrong = unstored, Unstored.TOLD
        if wrong is not None:
            header, what = wrong
            faults.append(Fault(row.cell(header), what, (decision,)))
    apart = sorted_apart([r for r in book.rows if r.kind == "finding"])
    if apart:
        faults = [Fault(apart[0].cell(sheet.DECISION), SORTED_APART.format(n=len(apart)), tuple(
            d for d in decisions if d.finding is not None))]
    settings, dataset = _settings(book.settings)
    own_cells = read_own_cells(path, book.settings) | ({sheet.ADD_SHEET: beside_additions} if beside_additions else {})
    of_checks = {plain(r.values.get(sheet.CODE)): whole(r.values.get(sheet.FINDINGS)) or 0
                 for r in book.rows if r.kind == "check" and plain(r.values.get(sheet.DECISION))}
    return Reading(Decisions(dataset, settings, tuple(decisions)), tuple(faults), tuple(earlier), book.findings, of_checks,
                   _own_columns(book.rows), own_cells)


def _add_note(notes: dict[str, Any], key: str, value: Any) -> None:
    """Keep what stands beside an addition; of one that stands there twice, both."""
    known = notes.setdefault(key, value)
    if known != value:
        notes[key] = f"{known}\n{value}"


def _own_columns(rows: Sequence[ReviewRow]) -> dict[str, dict[str, Any]]:
    """Return what stands in the columns that a reviewer added, by header and fingerprint."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.kind in ("finding", "earlier"):
            for header in own_headers(row.values, row.kind):
                if row.values[header] is not None and row.fingerprint:
                    found.setdefault(header, {}).setdefault(row.fingerprint, row.values[header])
    return found


Wrong = tuple[str, str] | None
"""The header of the cell that is wrong, and what is."""


def _of_finding(row: ReviewRow) -> tuple[Decision | None, Wrong]:
    action = action_of(row.values.get(sheet.DECISION))
    text = plain(row.values.get(sheet.NEW_VALUE))
    comment = _text(row.values.get(sheet.COMMENT))
    edited = edited_cells(row.values)
    if edited and not text:
        text = _edited_value(action, row, edited)
    if not (action or text or comment or edited):
        return None, None
    decision = Decision(action, finding=row.fingerprint, value=text or None, comment=comment,
                        reviewer=_text(row.values.get(sheet.REVIEWER)), seen=_seen(row), place=row.cell(sheet.DECISION))
    wrong = _edited_in_vain(action, row, edited)
    if wrong is not None and (not action or action in OF_FINDINGS):
        return decision, wrong
    if not action and text:
        return decision, (sheet.NEW_VALUE, f"{text[:60]!r} has no Decision beside it; for a box choose set-box, for a class "
                                           "set-category")
    if action and action not in OF_FINDINGS:
        return decision, (sheet.DECISION, _unknown(row.values.get(sheet.DECISION), OF_FINDINGS))
    if not re.fullmatch(r"[0-9a-f]{16}", row.fingerprint):
        return decision, (sheet.FINGERPRINT, f"{row.fingerprint[:40]!r} is no fingerprint: the cell was edited")
    if action == "set-box":
        try:
            value: Box | str = box_of(text, [row.values.get(h) for h in sheet.BOX_HEADERS])
        except ValueError as e:
            return decision, (sheet.NEW_VALUE, str(e))
        return msgspec.structs.replace(decision, value=value), None
    if action in WITH_NAME and not text:
        return decision, (sheet.NEW_VALUE, f"{action}: the new class is missing")
    if action and action not in WITH_NAME and text:
        return decision, (sheet.NEW_VALUE, f"{action} takes no new value; clear the cell, or choose another decision")
    return decision, None


def _edited_value(action: str, row: ReviewRow, edited: Mapping[str, str]) -> str:
    """Return the new value that edited cells stand for; of a decision that takes none, nothing."""
    has_box = any(h in edited for h in sheet.BOX_HEADERS)
    if has_box and not action:
        return ", ".join(plain(row.values.get(h)) for h in sheet.BOX_HEADERS)
    return plain(row.values.get(sheet.CLASS)) if sheet.CLASS in edited and action in ("", "set-category") else ""


def _edited_in_vain(action: str, row: ReviewRow, edited: Mapping[str, str]) -> Wrong:
    """Say which edited cell the decision of a row does not take; None when it takes all of them."""
    text = plain(row.values.get(sheet.NEW_VALUE))
    for header, old in edited.items():
        wanted = "set-category" if header == sheet.CLASS else "set-box"
        new = plain(row.values.get(header))
        change = f"was {'empty' if old in ('', '-') else old[:60]}, is now {new[:60] or 'empty'}"
        if action != wanted:
            beside = f"Decision is {action}, which takes no such change" if action else "Decision is empty"
            return header, f"{change}, and {beside}: write {wanted} in Decision, or take the change back"
        if text and not _says(text, new, header):
            return header, f"{change}, and New value says {text[:60]!r}: clear New value, or take the change back"
    return None


def _says(text: str, new: str, header: str) -> bool:
    """Say whether a new value has what an edited cell has."""
    if header == sheet.CLASS:
        return text == new
    numbers = parse_box(text)
    return len(numbers) == 4 and [numbers[sheet.BOX_HEADERS.index(header)]] == parse_box(new)


def sorted_apart(rows: Sequence[ReviewRow]) -> list[ReviewRow]:
    """Return the rows whose box and class belong to other ones of them: columns that were sorted without the rest.

    A reviewer who edits writes what was not there; cells that only changed places hold, together, what was written.
    """
    edited = [(row, cells) for row in rows if (cells := edited_cells(row.values))]
    if len(edited) < FEWEST_APART:
        return []
    now: Counter[tuple[str, ...]] = Counter()
    was: Counter[tuple[str, ...]] = Counter()
    for row, cells in edited:
        held = {h: plain(row.values.get(h)) for h in (*sheet.BOX_HEADERS, sheet.CLASS)}
        now[tuple(held.values())] += 1
        was[tuple(plain(cells.get(h, held[h])) for h in held)] += 1
    as_numbers = [Counter(tuple(_number(t) for t in key) for key in counts.elements()) for counts in (now, was)]
    return [row for row, _ in edited] if as_numbers[0] == as_numbers[1] else []


def _number(text: str) -> str:
    """Return a number as it is written in one way, and other text as it is; `-` is an empty cell."""
    try:
        return f"{float(text.replace(',', '.')):.8g}"
    except ValueError:
        return "" if text == "-" else text


def _of_check(row: ReviewRow) -> tuple[Decision | None, Wrong]:
    action = action_of(row.values.get(sheet.DECISION))
    comment = _text(row.values.get(sheet.COMMENT))
    if not (action or comment):
        return None, None
    code = plain(row.values.get(sheet.CODE))
    decision = Decision(action, check=code, comment=comment, reviewer=_text(row.values.get(sheet.REVIEWER)),
                        place=row.cell(sheet.DECISION))
    if action and action not in OF_CHECKS:
        return decision, (sheet.DECISION, _unknown(row.values.get(sheet.DECISION), OF_CHECKS))
    if action and not code:
        return decision, (sheet.CODE, "the code of the check is missing: the cell was edited")
    return decision, None


def _of_addition(row: ReviewRow) -> tuple[Decision | None, Wrong]:
    action = action_of(row.values.get(sheet.ACTION))
    image, name, text = (plain(row.values.get(h)) for h in (sheet.IMAGE, sheet.CLASS, sheet.NEW_VALUE))
    comment = _text(row.values.get(sheet.COMMENT))
    if not (action or image or name or text or comment):
        return None, None
    source = plain(row.values.get(sheet.SOURCE))
    if source and action in OF_ANNOTATIONS:
        return _of_annotation(row, action, source, text, comment)
    record = Record(image=image or None, category=name or None)
    decision = Decision(action, record=record, value=text or None, comment=comment,
                        reviewer=_text(row.values.get(sheet.REVIEWER)), place=row.cell(sheet.ACTION))
    if not action and (image or name or text):
        return decision, (sheet.ACTION, f"is empty, the row is not; choose one of {', '.join(ADDITIONS)}")
    if action and action not in ADDITIONS:
        return decision, (sheet.ACTION, _unknown(row.values.get(sheet.ACTION), ADDITIONS))
    if action == "add-box":
        for header, value in ((sheet.IMAGE, image), (sheet.CLASS, name), (sheet.NEW_VALUE, text)):
            if not value:
                return decision, (header, f"add-box: {header.lower()} is missing")
        try:
            box = box_of(text)
        except ValueError as e:
            return decision, (sheet.NEW_VALUE, str(e))
        return msgspec.structs.replace(decision, record=Record(image=image), value=NewBox(box, name)), None
    if action == "drop-image":
        wrong = next(((h, v) for h, v in ((sheet.CLASS, name), (sheet.NEW_VALUE, text)) if v), None)
        if not image:
            return decision, (sheet.IMAGE, "drop-image: image is missing")
        return decision, wrong and (wrong[0], f"drop-image takes no {wrong[0].lower()}; clear the cell")
    if action and not name:
        return decision, (sheet.CLASS, f"{action}: the class is missing")
    if action in WITH_NAME and not text:
        return decision, (sheet.NEW_VALUE, f"{action}: the new name is missing")
    if action == "add-class" and text:
        return decision, (sheet.NEW_VALUE, "add-class takes no new value; its name is that in the column Class")
    return decision, None


def _of_annotation(row: ReviewRow, action: str, source: str, text: str, comment: str | None) -> tuple[Decision | None, Wrong]:
    """Return a decision on an annotation without a finding, as other surfaces take them."""
    record = Record(image=plain(row.values.get(sheet.IMAGE)) or None, source=source, index=whole(row.values.get(sheet.INDEX)),
                    id=whole(row.values.get(sheet.ANNOTATION)))
    decision = Decision(action, record=record, value=text or None, comment=comment,
                        reviewer=_text(row.values.get(sheet.REVIEWER)), place=row.cell(sheet.ACTION))
    if action == "set-box":
        try:
            return msgspec.structs.replace(decision, value=box_of(text)), None
        except ValueError as e:
            return decision, (sheet.NEW_VALUE, str(e))
    return decision, None


def _of_earlier(row: ReviewRow) -> tuple[Decision | None, Wrong]:
    action = action_of(row.values.get(sheet.EARLIER_DECISION))
    text = plain(row.values.get(sheet.NEW_VALUE))
    comment = _text(row.values.get(sheet.COMMENT))
    if not (action or text or comment):
        return None, None
    value: Box | str | None = text or None
    if action == "set-box" and text:
        try:
            value = box_of(text)
        except ValueError:
            value = text
    code = plain(row.values.get(sheet.CODE))
    about: dict[str, Any] = {"check": code} if code and not row.fingerprint else {"finding": row.fingerprint, "seen": _seen(row)}
    return Decision(action, **about, value=value, comment=comment, reviewer=_text(row.values.get(sheet.REVIEWER)),
                    place=row.cell(sheet.EARLIER_DECISION)), None


def action_of(value: Any) -> str:
    """Return a decision as it is called, however it is spelled: `Set box` is `set-box`."""
    return str(value) if isinstance(value, Unstored) else re.sub(r"[\s_]+", "-", plain(value).casefold())


def _unknown(value: Any, known: tuple[str, ...]) -> str:
    text = plain(value)
    return f"no such decision: {text[:40]!r}{nearest(action_of(text), known)}; there are {', '.join(known)}"


def _text(value: Any) -> str | None:
    return None if value is None or not str(value).strip() else str(value)


def _seen(row: ReviewRow) -> Seen:
    """Return the cells of a row that say what the finding is."""
    values = row.values

    def text(*headers: str) -> str | None:
        return next((plain(values[h]) for h in headers if values.get(h) not in (None, "")), None)

    annotation = Record(source=text(sheet.SOURCE), line=whole(values.get(sheet.LINE)), index=whole(values.get(sheet.INDEX)),
                        id=whole(values.get(sheet.ANNOTATION)))
    return Seen(text(sheet.CODE), text(sheet.MESSAGE), text(sheet.IMAGE), text(sheet.SPLIT), text(sheet.CLASS, "Category"),
                annotation if annotation != Record() else None)


def _settings(rows: dict[str, str]) -> tuple[Settings, str]:
    """Return the settings of a report and the dataset it named; those that cannot be read count as none."""
    found: dict[str, Any] = {}
    for name, text in rows.items():
        if name.startswith((sheet.HEADERS_OF, sheet.KEYS_OF)):
            continue
        try:
            found[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            continue
    dataset = found.pop("dataset", "")
    try:
        return msgspec.convert(found, Settings), dataset if isinstance(dataset, str) else ""
    except msgspec.ValidationError:
        return NO_SETTINGS, dataset if isinstance(dataset, str) else ""

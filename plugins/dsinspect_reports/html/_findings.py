"""The findings as the page's script reads them: short rows over tables of texts, and the checks they belong to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.protocols.decisions import choices_for
from dsinspect.protocols.edits import FIX_WORDS
from dsinspect_reports._choice_sets import choice_sets, of_check
from dsinspect_reports.json_report import cleaned

if TYPE_CHECKING:
    from dsinspect.findings.findings import Finding
    from dsinspect.protocols.run import Outcome, Run

ORDER = {"crashed": 0, "error": 1, "warning": 2, "info": 3, "skipped": 4, "clean": 5, "does not apply": 6}
_ESCAPED = re.compile("[<\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What would end the script element, and what `io.json_text` escapes."""
FIELDS = ("check", "severity", "message", "image", "split", "class", "annotation", "source", "line", "index", "box", "print",
          "fix", "choices")
"""Fields of a finding's row in the page."""


class Texts:
    """Texts that many rows share, by number."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def __call__(self, text: str | None) -> int:
        """Return the number of a text; -1 for None."""
        return -1 if text is None else self.number.setdefault(text, len(self.number))

    @property
    def listed(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self.number)


def status(outcome: Outcome) -> str:
    """Return a status, or for findings their worst severity."""
    if outcome.status != "found":
        return outcome.status if outcome.applies else "does not apply"
    return str(outcome.worst)


def worst_first(run: Run) -> list[Outcome]:
    """Return the outcomes, those with errors first."""
    return sorted(run.outcomes, key=lambda o: (ORDER[status(o)], o.code))


def shares(counts: Sequence[int], room: int) -> list[int]:
    """Share out `room` findings among checks: those with few get all, the others as many as each other.

    >>> shares([5, 1, 100], 20)
    [5, 1, 14]
    >>> shares([10, 10], 30)
    [10, 10]
    """
    taken = [0] * len(counts)
    left = [k for k, n in enumerate(counts) if n]
    while left and room > 0:
        each = max(room // len(left), 1)
        for k in list(left):
            more = min(each, counts[k] - taken[k], room)
            taken[k] += more
            room -= more
            if taken[k] == counts[k]:
                left.remove(k)
            if not room:
                break
    return taken


def first_of(outcome: Outcome, count: int) -> Iterator[Finding]:
    """Yield the first findings of a check, the worst severity first."""
    ranks = outcome.findings.severities(outcome.severity)
    rows = np.argsort(-ranks.astype(np.int64), kind="stable")[:count]
    return outcome.findings.iterate(outcome.code, outcome.severity, rows)


def check_record(outcome: Outcome, shown: int, no_place: Collection[str]) -> dict[str, Any]:
    """Return a check as the page needs it; `whole` is what may be decided for all of its findings at once."""
    return {"code": outcome.code, "name": outcome.name, "summary": plain(outcome.summary), "why": plain(outcome.explanation),
            "limits": [[name, str(value)] for name, value in outcome.limits.items()], "count": len(outcome.findings),
            "shown": shown, "whole": of_check(choice_sets(outcome, no_place)[1]) if shown else ()}


def finding_row(f: Finding, check: int, image: int | str | None, texts: Mapping[str, Texts],
                no_place: Collection[str]) -> list[Any]:
    """Return a finding as a row of `FIELDS`; `image` is its number in the page, or its path when it is no record."""
    choices = choices_for(f, no_place)
    return [check, f.severity.rank, f.message, image, texts["split"](f.split), texts["class"](f.category), f.annotation_id,
            texts["source"](f.source), f.line, f.index, f.bbox_xyxy, f.fingerprint,
            None if f.fix is None else [f.fix.safety, FIX_WORDS.get(f.fix.action, f.fix.action)],
            texts["choices"](" ".join(choices))]


def plain(text: str) -> str:
    """Return a docstring's text without its markup, one line a paragraph."""
    paragraphs = re.split(r"\n\s*\n", text.replace("`", ""))
    return "\n\n".join(" ".join(p.split()) if not re.search(r"^\s*[-*|]", p, re.MULTILINE) else p.strip() for p in paragraphs)


def as_json(value: Any) -> str:
    """Return a value as JSON that can stand inside a script element; what is no text or no number is replaced."""
    try:
        encoded = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(cleaned(value)).decode()
    return _ESCAPED.sub(lambda c: f"\\u{ord(c[0]):04x}", encoded)


__all__ = ["FIELDS", "Texts", "as_json", "check_record", "finding_row", "first_of", "plain", "shares", "status", "worst_first"]

"""Rows of big sheets as XML, a column at a time: what makes writing a million rows a matter of seconds.

A cell carries no reference of its own; its place in the row is its column (ECMA-376 part 1, 18.3.1.4: `r` is optional),
so an empty cell is written as well. Text is always an inline string, never a formula.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dsinspect.protocols.review_sheet import MAX_TEXT

CHUNK = 8192
"""Rows made together: some 10 MB of text."""
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff&<>]|_x[0-9A-Fa-f]{4}_")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str) -> str:
    """Return text for an inline string: control characters as `_xHHHH_`, as Excel writes them, and no lone surrogates."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT - 1] + "…"
    return _ODD.sub(_escape_one, text) if _ODD.search(text) else text


def _escape_one(match: re.Match[str]) -> str:
    found = match.group()
    if found in _ENTITIES:
        return _ENTITIES[found]
    if len(found) > 1:  # text that looks like an escape is escaped itself
        return "_x005F" + found
    return f"_x{ord(found):04X}_" if ord(found) < 32 else "\N{REPLACEMENT CHARACTER}"


@dataclass
class TextColumn:
    """Makes cells of a text column; texts seen before are looked up (few distinct ones) or made anew (many).

    Attributes:
        style: number of the cell style.
        keeps_numbers: numbers among the texts stay numbers.
    """

    style: int = 0
    keeps_numbers: bool = False
    _made: dict[Any, str] = field(default_factory=dict)

    def cells(self, values: Sequence[Any]) -> list[str]:
        """Return one cell per value; None is an empty cell."""
        listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
        made = self._made
        if len(made) > 20_000:
            made.clear()
        new = [v for v in dict.fromkeys(listed) if v not in made]
        if _all_plain(new):
            head = f'<c s="{self.style}" t="inlineStr"><is><t>'
            made.update(zip(new, [f"{head}{v}</t></is></c>" for v in new], strict=True))
        else:
            made.update(zip(new, map(self._cell, new), strict=True))
        return [made[v] for v in listed]

    def _cell(self, value: Any) -> str:
        if self.keeps_numbers and type(value) in (int, float) and math.isfinite(value):
            return f'<c s="{self.style}"><v>{value!r}</v></c>'
        if value is None or value != value or value == "":
            return f'<c s="{self.style}"/>'
        text = str(value)
        space = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
        return f'<c s="{self.style}" t="inlineStr"><is><t{space}>{escaped(text)}</t></is></c>'


def _all_plain(texts: list[Any]) -> bool:
    """Say whether texts need neither escapes nor care for white space; one look at all is quicker than one at each."""
    if not texts or not all(type(t) is str and 0 < len(t) <= MAX_TEXT for t in texts):
        return False
    joined = f"|{'|'.join(texts)}|"
    return joined.isprintable() and not any(odd in joined for odd in ("&", "<", ">", "_x", "| ", " |"))


@dataclass
class NumberColumn:
    """Makes cells of a column of numbers; NaN and infinity are empty cells, for a sheet has no such number.

    Attributes:
        style: number of the cell style.
    """

    style: int = 0

    def cells(self, values: Any) -> list[str]:
        """Return one cell per number."""
        array = np.asarray(values)
        head, empty = f'<c s="{self.style}"><v>', f'<c s="{self.style}"/>'
        if array.dtype.kind in "iu":
            return [f"{head}{v}</v></c>" for v in array.tolist()]
        numbers = array.astype(np.float64)
        finite = np.isfinite(numbers)
        if finite.all():
            return [f"{head}{v!r}</v></c>" for v in numbers.tolist()]
        if not finite.any():
            return [empty] * len(numbers)
        return [f"{head}{v!r}</v></c>" if math.isfinite(v) else empty for v in numbers.tolist()]


Column = TextColumn | NumberColumn


def rows_xml(columns: Sequence[tuple[Column, Sequence[Any] | None]], first: int, last: int,
             heights: Mapping[int, float] | None = None) -> Iterator[bytes]:
    """Yield the rows `first` to `last` (exclusive) of a sheet's columns as XML, in chunks.

    Args:
        columns: the maker of each column and its values; None makes empty cells.
        first: number of the first row.
        last: number of the row after the last.
        heights: of tall rows, points, by number.
    """
    for start in range(first, last, CHUNK):
        stop = min(start + CHUNK, last)
        parts = []
        for maker, values in columns:
            if values is None:
                parts.append([f'<c s="{maker.style}"/>'] * (stop - start))
            else:
                parts.append(maker.cells(values[start:stop]))
        rows = list(map("".join, zip(*parts, strict=True)))
        tall = {k: h for k, h in (heights or {}).items() if start <= k < stop}
        if tall:
            heads = [f'<row ht="{tall[k]:g}" customHeight="1">' if k in tall else "<row>" for k in range(start, stop)]
            yield ("</row>".join(map("".join, zip(heads, rows, strict=True))) + "</row>").encode()
        else:
            yield ("<row>" + "</row><row>".join(rows) + "</row>").encode()

"""Where the records of a COCO file stand: byte spans of the elements of its three lists, fast for well-formed files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsinspect.tables.schema import NO_POSITION
from dsinspect_formats.coco._tolerant import LISTS, _Scanner

_CHUNK = 1 << 24
_KEY = re.compile(rb'"(images|annotations|categories)"\s*:\s*\Z')
_NEXT_RECORD = re.compile(r"\}\s*,\s*(?=\{)")
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"{[")] = 1
_STEPS[list(b"}]")] = -1
_STEPS[ord('"')] = 2


@dataclass(frozen=True)
class ListSpans:
    """A list of records.

    Attributes:
        opened: just after its opening bracket.
        closed: at its closing bracket; the end of the file when there is none.
        starts: where each element begins.
        stops: where each ends.
    """

    opened: int
    closed: int
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    def pairs(self) -> list[tuple[int, int]]:
        """Return start and stop of each element."""
        return list(zip(self.starts.tolist(), self.stops.tolist(), strict=True))


def strict_spans(content: bytes) -> dict[str, ListSpans]:
    """Return the lists of a well-formed file whose elements are all objects, by key; of equal keys the last one's.

    Quotes and brackets are found with NumPy, a chunk at a time: a loop over the bytes of 450 MB takes minutes.
    """
    places, depths = _brackets(content)
    found = {}
    lists = np.flatnonzero(depths == 2)  # opening and closing brackets of what the top object holds, by turns
    for k in range(0, len(lists) - 1, 2):
        first, last = int(lists[k]), int(lists[k + 1])
        opened, closed = int(places[first]), int(places[last])
        key = _KEY.search(content[max(0, opened - 4096):opened])
        if not key or content[opened:opened + 1] != b"[":
            continue
        inside = places[first + 1:last]
        found[key[1].decode()] = ListSpans(opened + 1, closed, inside[::2], inside[1::2] + 1)
    return found


def positions(content: bytes, starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return line and column (code points), both from 1, of byte offsets in UTF-8 text."""
    octets = np.frombuffer(content, np.uint8)
    newlines = np.flatnonzero(octets == ord("\n"))
    lines = np.searchsorted(newlines, starts)
    begins = np.append(-1, newlines)[lines] + 1
    if content.isascii():
        columns = starts - begins
    else:
        points = np.unique(np.concatenate([[0], begins, starts]))
        sums = np.add.reduceat((octets & 0xC0) != 0x80, points, dtype=np.int64)  # bytes that begin a code point
        before = np.append(0, np.cumsum(sums)[:-1])
        columns = before[np.searchsorted(points, starts)] - before[np.searchsorted(points, begins)]
    return list(zip((lines + 1).tolist(), (columns + 1).tolist(), strict=True))


def _brackets(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return places of the brackets outside of strings that enclose depth 2 and 3, and which depth each encloses."""
    everything = np.frombuffer(content, np.uint8)
    places, depths = [], []
    in_string, depth = False, 0
    for start in range(0, len(everything), _CHUNK):
        steps = _STEPS[everything[start:start + _CHUNK]]
        marks = np.flatnonzero(steps)
        steps = steps[marks]
        marks = marks + start
        quotes = np.flatnonzero(steps == 2)
        before = everything[np.maximum(marks[quotes] - 1, 0)]
        escaped = [q for q in quotes[before == ord("\\")].tolist() if _is_escaped(content, int(marks[q]))]
        steps[escaped] = 0
        inside = np.cumsum(steps == 2) % 2 == (0 if in_string else 1)
        in_string = bool(inside[-1]) if len(inside) else in_string
        outside = ~inside & (np.abs(steps) == 1)
        marks, steps = marks[outside], steps[outside]
        after = np.cumsum(steps, dtype=np.int64) + depth
        depth = int(after[-1]) if len(after) else depth
        enclosed = np.maximum(after, after - steps)
        wanted = (enclosed == 2) | (enclosed == 3)
        places.append(marks[wanted])
        depths.append(enclosed[wanted].astype(np.int8))
    if not places:
        return np.empty(0, np.int64), np.empty(0, np.int8)
    return np.concatenate(places), np.concatenate(depths)


def _is_escaped(content: bytes, quote: int) -> bool:
    slashes = 0
    while content[quote - slashes - 1] == ord("\\"):
        slashes += 1
    return slashes % 2 == 1


def tolerant_spans(utf8: bytes, source: str) -> dict[str, ListSpans]:
    """Return the lists of a file that is cut or faulty, with the elements that the tolerant reader counts."""
    text = utf8.decode("utf-8", "surrogatepass")
    scanner = _SpanScanner(text, source)
    scanner.scan()
    if len(utf8) == len(text):
        offsets = None
    else:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        widths = 1 + (points > 0x7f) + (points > 0x7ff) + (points > 0xffff)
        offsets = np.concatenate([[0], np.cumsum(widths, dtype=np.int64)])
    found = {}
    for key, spans in scanner.spans.items():
        places = np.array(spans, np.int64).reshape(-1, 2)
        ends = np.array([scanner.opened[key], scanner.closed.get(key, len(text))], np.int64)
        if offsets is not None:
            places, ends = offsets[places], offsets[ends]
        found[key] = ListSpans(int(ends[0]), int(ends[1]), places[:, 0], places[:, 1])
    return found


class _SpanScanner(_Scanner):
    """The tolerant reader, keeping places instead of records."""

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text, source)
        self.key = ""
        self.spans: dict[str, list[tuple[int, int]]] = {}
        self.opened: dict[str, int] = {}
        self.closed: dict[str, int] = {}

    def elements(self, key: str, position: int) -> int | None:
        self.key = key
        self.spans[key] = []
        self.opened[key] = position
        after = super().elements(key, position)
        if after is not None:
            self.closed[key] = after - 1
        return after

    def take_images(self, value: Any, index: int, position: int) -> None:
        self.spans[self.key].append((position, self.decoder.raw_decode(self.text, position)[1]))

    take_annotations = take_categories = take_images

    def problem(self, reason: str, position: int, index: int = NO_POSITION, text: str = "") -> None:
        if index != NO_POSITION:  # an element that is no JSON
            follows = _NEXT_RECORD.search(self.text, position + 1)
            self.spans[self.key].append((position, follows.start() + 1 if follows else len(self.text)))


def spans_of(utf8: bytes, counts: Mapping[str, int] | None, source: str) -> dict[str, ListSpans]:
    """Return the lists of a file.

    Args:
        utf8: its text.
        counts: number of records of each list, when the strict reader took the file.
        source: its name.
    """
    if counts is not None:
        found = strict_spans(utf8)
        if all(len(found[k].starts) == counts[k] if k in found else not counts[k] for k in LISTS):
            return found
    return tolerant_spans(utf8, source)

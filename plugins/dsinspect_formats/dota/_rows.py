"""How DOTA's rows and header lines are recognised."""

from __future__ import annotations

from dsinspect_formats._numbers import are_numbers
from dsinspect_formats._sniffing import first_lines

HEADERS = ("imagesource:", "gsd:")


def is_header(line: str) -> bool:
    """Say whether a line is one of the header's."""
    return line.strip().lower().startswith(HEADERS)


def has_rows(head: bytes) -> bool:
    """Say whether a file begins, below a header, with a row that can be read, whatever its class is called."""
    rows = [line.split() for line in first_lines(head) if not is_header(line)]
    return bool(rows) and len(rows[0]) in (9, 10) and are_numbers(rows[0][:8])


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins, below a header, with a row of eight numbers and a class."""
    rows = [line.split() for line in first_lines(head) if not is_header(line)]
    if not rows:
        return False
    tokens = rows[0]
    return len(tokens) in (9, 10) and are_numbers(tokens[:8]) and not are_numbers(tokens[8:9]) and (
        len(tokens) == 9 or are_numbers(tokens[9:]))

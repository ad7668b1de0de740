"""How VisDrone's rows are recognised."""

from __future__ import annotations

from dsinspect_formats._numbers import are_numbers, numbers
from dsinspect_formats._sniffing import first_lines


def looks_like_video(head: bytes) -> bool:
    """Say whether a file begins with rows of VisDrone's sequences."""
    lines = first_lines(head, 3)
    for line in lines:
        tokens = tokens_of(line)
        if len(tokens) != 10 or not are_numbers(tokens):
            return False
        values = numbers(tokens)
        if values[6] not in (0, 1) or not (values[7].is_integer() and 0 <= values[7] <= 11) or values[0] < 1:
            return False
    return bool(lines)


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins with rows of VisDrone."""
    lines = first_lines(head)
    for line in lines:
        tokens = tokens_of(line)
        if len(tokens) != 8 or not are_numbers(tokens):
            return False
        values = numbers(tokens)
        if values[4] not in (0, 1) or not (values[5].is_integer() and 0 <= values[5] <= 11):
            return False
    return bool(lines)


def tokens_of(line: str) -> list[str]:
    """Return the values of a row."""
    tokens = [t.strip() for t in line.split(",")]
    return tokens[:-1] if tokens and not tokens[-1] else tokens  # many files end their rows with a comma

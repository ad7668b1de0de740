"""How messages read: numbers as people write them, and nouns in the right number.

A message is a `str.format` template. Besides Python's format specifications it knows three of its own:

- `{width:~}`: the number with thousands separators and as many digits as matter: 27,980 and 0.929, never 2.798e+04;
- `{files:~ file|files}`: the number with its noun, 1 file and 1,200 files; without the space before it only the word is
  written: `{files:~has|have}`;
- `{width:~.1 from limit}`: the number with one decimal, or with as many as distinguish it from the value `limit`.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Callable, Mapping
from typing import Any

DIGITS = 4
"""Significant digits of a number below 1,000; above, whole numbers do."""
MOST_DECIMALS = 17
"""Decimals that are written at most to distinguish two numbers."""


def number(value: float) -> str:
    """Return a number as people write it.

    >>> number(27980.4), number(12.0), number(0.9286), number(1), number(0.00001234)
    ('27,980', '12', '0.9286', '1', '0.00001234')
    """
    if isinstance(value, int):
        return f"{value:,}"
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "not a number", "inf": "infinity", "-inf": "-infinity"}[str(value)]
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3e}"
    shown = f"{value:.{DIGITS}g}"
    _, small, exponent = shown.partition("e-")
    if small:
        return f"{value:.{DIGITS + int(exponent) - 1}f}".rstrip("0").rstrip(".")
    return shown if float(shown) < 1000 else f"{value:,.0f}"


def counted(n: int, noun: str) -> str:
    """Return a count with its noun in the right number.

    >>> counted(1, "box"), counted(1200, "box"), counted(2, "class"), counted(0, "image")
    ('1 box', '1,200 boxes', '2 classes', '0 images')
    """
    return f"{n:,} {noun if n == 1 else noun + ('es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's')}"


def distinguished(value: float, other: float, decimals: int) -> str:
    """Return a number with some decimals, or with as many more as distinguish it from another one that it is not.

    >>> distinguished(3.14, 2.4, 1), distinguished(2.4004, 2.4, 1), distinguished(2.4, 2.4, 1)
    ('3.1', '2.4004', '2.4')
    """
    shown = f"{value:,.{decimals}f}"
    while value != other and decimals < MOST_DECIMALS and float(shown.replace(",", "")) == other:
        decimals += 1
        shown = f"{value:,.{decimals}f}"
    return shown


@functools.lru_cache(maxsize=4096)
def compiled(message: str) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Return a template without the specifications of this module, and what they ask for.

    Returns:
        the template in which each such field has a name of its own, and per field that name, the value it shows, and the
        specification.
    """
    if ":~" not in message:
        return message, ()
    parts: list[str] = []
    wanted: list[tuple[str, str, str]] = []
    for literal, field, spec, conversion in string.Formatter().parse(message):
        parts.append(literal.replace("{", "{{").replace("}", "}}"))
        if field is None:
            continue
        if spec and spec.startswith("~"):
            name = f"{field}~{len(wanted)}"
            wanted.append((name, field, spec[1:]))
            parts.append(f"{{{name}}}")
        else:
            parts.append("{" + field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}")
    return "".join(parts), tuple(wanted)


def write(message: str, values: Mapping[str, Any]) -> str:
    """Return the message of one finding; a value of None is written as `unknown`."""
    template, wanted = compiled(message)
    shown = _Shown(values)
    for name, field, spec in wanted:
        shown[name] = _written(values[field], spec, values)
    return template.format_map(shown)


def writer(message: str) -> Callable[[Mapping[str, Any]], str]:
    """Return what writes the messages of a template, for many findings of it."""
    template, wanted = compiled(message)
    return functools.partial(write, message) if wanted else lambda values: template.format_map(_Shown(values))


def _written(value: Any, spec: str, values: Mapping[str, Any]) -> str:
    if value is None:
        return "unknown"
    if not spec:
        return number(value)
    if spec.startswith("."):
        decimals, _, other = spec[1:].partition(" from ")
        return distinguished(value, values[other], int(decimals))
    one, _, many = spec.partition("|")
    word = one.strip() if value == 1 else many
    return f"{number(value)} {word}" if spec.startswith(" ") else word


class _Shown(dict[str, Any]):
    """Values for a message; a value that is missing or not finite formats as plain text."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return _Missing() if value is None else value


class _Missing:
    def __format__(self, spec: str) -> str:
        return "unknown"

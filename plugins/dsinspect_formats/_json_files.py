"""JSON annotation files: look at their heads, find those of a format, read them strictly and say what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.io.limits import too_deep
from dsinspect.io.reading import read_regular
from dsinspect.tables.schema import Problem
from dsinspect_formats._reading import decoded_json, reason_of
from dsinspect_formats._sniffing import ends_of, files_below, is_damaged_json
from dsinspect_formats._text import decode, odd_encoding, without_lone_surrogates
from dsinspect_formats.coco._files import split_of
from dsinspect_formats.coco._records import collector_off

LONG = 400
"""Digits of a whole number from which on it is beyond every float."""


def all_like(root: Path, looks_like: Callable[[bytes], bool], suffixes: tuple[str, ...] = (".json",)) -> list[Path]:
    """Return the files of a set that look like a format's, in the order of their splits; a file named is taken as it is.

    Beside such files a damaged JSON file is one of them, so that it is reported and not left out.
    """
    if root.is_file():
        return [root]
    order = {"train": 0, "val": 1, "test": 2}
    found = like_or_damaged(files_below(root, suffixes), looks_like)
    return sorted(found, key=lambda p: order.get(split_of(p, len(found) == 1) or "", 3))


def like_or_damaged(files: Iterable[Path], looks_like: Callable[[bytes], bool]) -> list[Path]:
    """Return the files that look like a format's, and where there are some, the damaged JSON files."""
    files = list(files)
    like = {p for p in files if looks_like(ends_of(p))}
    return [p for p in files if p in like or is_damaged_json(p)] if like else []


def read_json(content: bytes, source: str) -> tuple[Any, list[Problem]]:
    """Read a JSON file.

    Returns:
        its value, None when it has none that can be read; and what is wrong with it, with the line.
    """
    try:
        with collector_off():  # which would look at every object that is made, again and again
            return msgspec.json.decode(content), []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    text, encoding = decode(content)
    problems = [odd_encoding(source, encoding, content)] if encoding else []
    odd: list[str] = []

    def constant(name: str) -> float:
        odd.append(name)
        return float(name.replace("Infinity", "inf"))

    try:
        value = without_lone_surrogates(_of_any_size(text, constant))
    except json.JSONDecodeError as e:
        reason = f"not valid JSON: {e.msg[:1].lower()}{e.msg[1:]}, column {e.colno}" if text.strip() else "the file is empty"
        line = text.splitlines()[e.lineno - 1:e.lineno]
        return None, [*problems, Problem("malformed-record", source, reason, "".join(line).strip(), e.lineno)]
    except (RecursionError, ValueError) as e:
        reason = f"JSON is nested deeper than {too_deep()}" if isinstance(e, RecursionError) else f"not valid JSON: {e}"
        return None, [*problems, Problem("malformed-record", source, reason)]
    if odd:
        at = text.find(odd[0])
        problems.append(Problem("malformed-record", source, f"not valid JSON: {odd[0]} is no number there", odd[0],
                                text.count("\n", 0, at) + 1))
    elif not encoding:
        reason = "not strict JSON (a number out of range, or half a character), but could be read"
        problems.append(Problem("malformed-record", source, reason))
    return value, problems


def read_json_line(line: str) -> tuple[Any, str]:
    """Return the value of a line of JSON, and why it is not strict JSON; nothing where it is.

    Raises:
        ValueError: it has no value, in words.
    """
    try:
        return decoded_json(line), ""
    except ValueError as e:
        value, problems = read_json(line.encode("utf-8", "surrogatepass"), "")
        if value is None or not problems:
            raise ValueError(str(e)) from None
        return value, problems[-1].reason


def _of_any_size(text: str, constant: Callable[[str], float]) -> Any:
    """Return the value of a JSON text; of one with a number too long for Python, with infinity in its place."""
    try:
        return json.loads(text, parse_constant=constant)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(text, parse_constant=constant, parse_int=lambda n: int(n) if len(n) < LONG else float(n))


def read_json_file(path: Path, source: str) -> tuple[Any, list[Problem]]:
    """Read a JSON file from disk; a file that cannot be read is a problem too."""
    try:
        content = read_regular(path)
    except OSError as e:
        return None, [Problem("malformed-record", source, reason_of(e))]
    return read_json(content, source)

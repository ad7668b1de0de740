"""What was brought into a temporary folder, and what the user calls it: messages name `set.zip/a.json`, never the folder."""

from __future__ import annotations

import os
from pathlib import Path

_names: dict[str, str] = {}


def remember(place: Path, name: str) -> None:
    """Remember what the user calls a temporary folder or file."""
    for text in {os.fspath(place), os.path.realpath(place)}:
        _names[text] = as_named(name)


def origins_of(place: Path) -> list[str]:
    """Return what names a place from run to run: its path, or, of temporary ones, what was brought there, with sizes and times."""
    path = os.path.abspath(place)  # noqa: PTH100 - links stay
    found = set()
    for known, name in _names.items():
        if path == known or path.startswith(os.path.join(known, "")):  # noqa: PTH118
            found.add(f"{_origin(name)} {path[len(known):]}")
        elif os.path.dirname(known) == path:  # noqa: PTH120 - a split of its own
            found.add(f"{_origin(name)} {known[len(path):]}")
    return sorted(found) or [path]


def _origin(name: str) -> str:
    try:
        status = os.stat(name)  # noqa: PTH116
    except (OSError, ValueError):  # a URL
        return name
    return f"{os.path.abspath(name)} {status.st_size} {status.st_mtime_ns}"  # noqa: PTH100


def as_named(text: str) -> str:
    """Return a message in which each temporary place has the name that the user gave it."""
    for place, name in _names.items():
        if place in text:
            text = text.replace(place, name)
    return text

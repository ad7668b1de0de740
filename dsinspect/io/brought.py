"""What was brought into a temporary folder, and what the user calls it: messages name `set.zip/a.json`, never the folder."""

from __future__ import annotations

import os
from pathlib import Path

_names: dict[str, str] = {}


def remember(place: Path, name: str) -> None:
    """Remember what the user calls a temporary folder or file."""
    for text in {os.fspath(place), os.path.realpath(place)}:
        _names[text] = as_named(name)


def as_named(text: str) -> str:
    """Return a message in which each temporary place has the name that the user gave it."""
    for place, name in _names.items():
        if place in text:
            text = text.replace(place, name)
    return text

"""How WIDER FACE's files are recognised."""

from __future__ import annotations

from pathlib import Path

from dsinspect_formats._images import is_image, walk
from dsinspect_formats._numbers import are_numbers
from dsinspect_formats._sniffing import first_lines, head_of


def _files(root: Path, *, first_only: bool = False) -> list[str]:
    """Return the files that have the format's rows, relative to their folder."""
    if root.is_file():
        return [root.name] if root.suffix.lower() == ".txt" and _looks(head_of(root)) else []
    found: list[str] = []
    for k, path in enumerate(p for p in walk(root) if p.lower().endswith(".txt")):
        if _looks(head_of(root / path)):
            found.append(path)
            if first_only:
                break
        if k >= (40 if first_only else 4000):
            break
    return found


def _looks(head: bytes) -> bool:
    lines = first_lines(head, 4)
    lines = lines[_is_count(lines):][:3]
    return len(lines) == 3 and is_image(lines[0]) and lines[1].isascii() and lines[1].isdigit() and (
        len(lines[2].split()) >= 4 and are_numbers(lines[2].split()))


def _is_count(lines: list[str]) -> bool:
    """Say whether the first line is the number of images, which some tools put above the first name."""
    return len(lines) > 1 and lines[0].strip().isdigit() and is_image(lines[1].strip())

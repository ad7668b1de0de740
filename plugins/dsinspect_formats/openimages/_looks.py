"""How Open Images' files are recognised."""

from __future__ import annotations

from pathlib import Path

from dsinspect_formats._sniffing import files_that, head_of
from dsinspect_formats._text import decode

BOX = ("XMin", "XMax", "YMin", "YMax")
NEEDED = ("ImageID", "LabelName", *BOX)
_MAX_HEAD = 1 << 16


def header_of(head: bytes) -> list[str] | None:
    """Return the columns of a file that has boxes of Open Images, else None."""
    text = decode(head)[0]
    line = text.split("\n", 1)[0].strip("\r\ufeff")
    columns = [c.strip().strip('"') for c in line.split(delimiter_of(line))]
    return columns if all(c in columns for c in NEEDED) else None


def delimiter_of(header: str) -> str:
    """Return what separates the columns of a header."""
    return max(",;\t", key=header.count)


def box_files(root: Path, *, first_only: bool = False) -> list[str]:
    """Return the CSV files of boxes, relative to the folder."""
    if root.is_file():
        return [root.name] if header_of(head_of(root, _MAX_HEAD)) else []
    return files_that(root, lambda path: path.lower().endswith(".csv"), lambda path: header_of(head_of(path)),
                      first_only=first_only)

"""Fill in reviews as a reviewer does, with openpyxl, and compare folders."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest


class Book:
    """A report opened for review."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book = openpyxl.load_workbook(path)
        self.sheet: Any = self.book["Findings"]
        self.columns = {c.value: c.column for c in self.sheet[1]}

    def rows(self, code: str) -> list[int]:
        """Return the rows of a code."""
        return [r for r in range(2, self.sheet.max_row + 1) if self.get(r, "Code") == code]

    def get(self, row: int, header: str) -> Any:
        """Return a cell's value."""
        return self.sheet.cell(row, self.columns[header]).value

    def decide(self, row: int, decision: str, **cells: Any) -> None:
        """Fill in a decision and other cells (`New_value="..."`)."""
        for header, value in {"Decision": decision, **cells}.items():
            self.sheet.cell(row, self.columns[header.replace("_", " ")]).value = value

    def save(self, path: Path) -> Path:
        """Save under another name."""
        self.book.save(path)
        return path


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return all files of a folder by relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def changed(before: Path, after: Path) -> tuple[set[str], set[str]]:
    """Return the files that differ, and those that are gone; there must be no new ones."""
    a, b = contents(before), contents(after)
    assert set(b) <= set(a)
    return {k for k in b if a[k] != b[k]}, set(a) - set(b)


def through_libreoffice(path: Path, suffix: str, folder: Path) -> Path:
    """Open and save a workbook with LibreOffice; the test is skipped where there is none."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not there")
    folder.mkdir(exist_ok=True)
    subprocess.run([program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", suffix, "--outdir",
                    str(folder), str(path)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180)
    return folder / f"{path.stem}.{suffix}"

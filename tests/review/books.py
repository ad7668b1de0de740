"""Fill in reviews as a reviewer does, with openpyxl, and compare folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl


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

    def choices(self, row: int) -> list[str]:
        """Return what the dropdown of a row offers."""
        cell = self.sheet.cell(row, self.columns["Decision"]).coordinate
        return next((v.formula1.strip('"').split(",") for v in self.sheet.data_validations.dataValidation
                     if v.showErrorMessage and cell in v.sqref), [])

    def check(self, code: str, decision: str) -> None:
        """Decide on a whole check."""
        sheet: Any = self.book["By check"]
        row = next(c.row for c in sheet["D"] if c.value == code)
        sheet.cell(row, 1).value = decision

    def add(self, *cells: Any) -> None:
        """Fill in the next empty row of the sheet Add: action, image, class, new value."""
        sheet: Any = self.book["Add"]
        row = next(k for k in range(2, sheet.max_row + 1) if sheet.cell(k, 1).value is None)
        for k, value in enumerate(cells, 1):
            sheet.cell(row, k).value = value

    def decisions(self) -> dict[str, str]:
        """Return the decisions by fingerprint."""
        return {self.get(r, "Fingerprint"): self.get(r, "Decision") for r in range(2, self.sheet.max_row + 1)
                if self.get(r, "Decision")}

    def save(self, path: Path) -> Path:
        """Save under another name, and go on with what was saved: openpyxl writes an image once only."""
        self.book.save(path)
        self.book = openpyxl.load_workbook(path)
        self.sheet = self.book["Findings"]
        return path


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return all files of a folder by relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def changed(before: Path, after: Path) -> tuple[set[str], set[str]]:
    """Return the files that differ, and those that are gone; there must be no new ones."""
    a, b = contents(before), contents(after)
    assert set(b) <= set(a)
    return {k for k in b if a[k] != b[k]}, set(a) - set(b)

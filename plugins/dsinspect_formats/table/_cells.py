"""The cells of a CSV file by their places in its text: set cells and drop rows, keeping everything else."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from dsinspect.errors import UserError
from dsinspect.io.spreadsheets import _dialect
from dsinspect_formats._splicing import without_lines


@dataclass
class CsvRow:
    """A row: its number as the reader counts (the line it ends on), its cells as they stand, and its line end."""

    number: int
    cells: list[str]
    end: str


class CsvText:
    """The rows of a CSV text; raises UserError when the text cannot be cut into the cells the reader sees."""

    def __init__(self, text: str, path: str) -> None:
        self.delimiter = _dialect(text).delimiter
        mark = re.escape(self.delimiter)
        token = re.compile(rf'(?P<cell>"(?:[^"]|"")*"[^{mark}\r\n]*|[^{mark}\r\n]*)(?P<end>{mark}|\r\n|\n|\r|\Z)')
        self.rows: list[CsvRow] = []
        reader = csv.reader(io.StringIO(text, newline=""), _dialect(text))
        at = 0
        for values in reader:
            cells: list[str] = []
            end = self.delimiter
            while end == self.delimiter:
                match = token.match(text, at)
                if match is None:
                    raise UserError(f"{path}, line {reader.line_num}: quotes that cannot be edited without loss")
                cells.append(match["cell"])
                end = match["end"]
                at = match.end()
            if [unquoted(c) for c in cells] != (values or [""]):
                raise UserError(f"{path}, line {reader.line_num}: quotes that cannot be edited without loss")
            self.rows.append(CsvRow(reader.line_num, cells, end))
        self.rest = text[at:]
        self.dropped: set[int] = set()

    def records(self, after: int) -> list[int]:
        """Return the rows that the reader counts as records: those after the header's line that hold something."""
        return [k for k, row in enumerate(self.rows) if row.number > after and any(unquoted(c).strip() for c in row.cells)]

    def value(self, row: int, column: int) -> str:
        """Return a cell as the reader sees it."""
        cells = self.rows[row].cells
        return unquoted(cells[column]).strip() if column < len(cells) else ""

    def set(self, row: int, column: int, text: str) -> None:
        """Write a cell; white space around it and its quotes stay, and so does a cell that says the same."""
        cells = self.rows[row].cells
        if self.value(row, column) == text:
            return
        while len(cells) <= column:
            cells.append("")
        old = cells[column]
        if old.startswith('"'):
            cells[column] = '"' + text.replace('"', '""') + '"'
            return
        if any(c in text for c in (self.delimiter, '"', "\r", "\n")) or text != text.strip():
            cells[column] = '"' + text.replace('"', '""') + '"'
            return
        stripped = old.strip()
        at = old.index(stripped)
        cells[column] = old[:at] + text + old[at + len(stripped):]

    def drop(self, row: int) -> None:
        """Take a row out."""
        self.dropped.add(row)

    def add(self, columns: int) -> int:
        """Add an empty row at the end; return its position."""
        last = self.rows[-1]
        end = next((r.end for r in self.rows if r.end), "\n")
        final = last.end
        last.end = end
        self.rows.append(CsvRow(last.number + 1, [""] * columns, final))
        return len(self.rows) - 1

    def result(self) -> str:
        """Return the text with the changes."""
        return without_lines([self.delimiter.join(r.cells) + r.end for r in self.rows], self.dropped) + self.rest


def unquoted(cell: str) -> str:
    """Return what a cell says: a quoted part with its quotes undone, and what follows it."""
    if not cell.startswith('"'):
        return cell
    match = re.match(r'"((?:[^"]|"")*)"', cell)
    return cell if match is None else match[1].replace('""', '"') + cell[match.end():]

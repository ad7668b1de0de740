"""Open an .xlsx for reading its values: what it would unfold to is counted before any of it is parsed.

A workbook is a zip of XML. A hostile one of some kilobytes unfolds to gigabytes, or to millions of elements that each cost a
hundred bytes and some microseconds. So each part that is going to be parsed is unfolded once, in blocks, and its brackets are
counted, which is a hundred times faster than parsing; openpyxl then parses what is within the limits.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from dsinspect.errors import UserError
from dsinspect.io.limits import Limits, limits, option

_BLOCK = 1 << 20
_RATIO_FROM = 10 << 20
_RECORD = re.compile(rb"<(?:\w+:)?(?:row|si)\b")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_BRACKETS = 4
"""Of `<c><v>1</v></c>`, and of `<si><t>x</t></si>`."""


@dataclass(frozen=True)
class _Part:
    """A part of a workbook on the disk: the file, its state, and the name of the part."""

    path: str
    inode: int
    size: int
    modified_ns: int
    name: str


@dataclass(frozen=True)
class _Counts:
    """Brackets of a part: in all, and at most between the beginnings of two rows or texts."""

    brackets: int
    in_one_piece: int
    has_entities: bool


@contextlib.contextmanager
def open_workbook(path: Path) -> Iterator[Any]:
    """Give a workbook of openpyxl whose sheets are read row by row; it is closed afterwards.

    Raises:
        UserError: it is none, is encrypted, or beyond a limit, which is named.
    """
    _refuse_bombs(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions it does not know do not concern the values
        try:
            book = copy.copy(_parsed(_part(path, ""), limits()))
            book._archive = zipfile.ZipFile(path)
        except UserError:
            raise
        except Exception as e:  # openpyxl raises whatever the XML or zip library did
            raise UserError(f"{path}: not a readable .xlsx workbook: {short(e)}") from None
        book._sheets = [copy.copy(s) for s in book._sheets]
        for sheet in book._sheets:
            sheet.parent = book
        try:
            yield book
        finally:
            book.close()


@functools.lru_cache(maxsize=2)
def _parsed(part: _Part, _: Limits) -> Any:
    """Return a workbook whose rows are not read yet, its styles and shared texts are; it is opened anew for each of its sheets."""
    reader = _reader(Path(part.path))
    try:
        reader.read()
    finally:
        reader.archive.close()
    return reader.wb


def _reader(path: Path) -> Any:
    """Return openpyxl's reader, which counts each part before it parses it.

    What is not asked of values is not read: author, dates, colours, charts and names of ranges.
    """
    from openpyxl.reader import excel
    from openpyxl.styles.stylesheet import apply_stylesheet
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet
    from openpyxl.xml.constants import ARC_CONTENT_TYPES, ARC_STYLE, SHARED_STRINGS

    class Unsized(ReadOnlyWorksheet):
        """A sheet whose size is not asked for: where it declares none, openpyxl would parse all of it, at every opening."""

        def _get_size(self) -> None:
            pass

    class Reader(excel.ExcelReader):
        def read(self) -> None:
            self.read_manifest()
            self.read_strings()
            self.read_workbook()
            apply_stylesheet(self.archive, self.wb)
            self.read_worksheets()

        def read_manifest(self) -> None:
            for name in self.valid_files:
                if name in (ARC_CONTENT_TYPES, ARC_STYLE) or name.endswith(".rels"):
                    _hold(path, self.archive, name)
            super().read_manifest()

        def read_strings(self) -> None:
            part: Any = self.package.find(SHARED_STRINGS)  # type: ignore[no-untyped-call]
            if part is not None:
                self.shared_strings = list(_shared_texts(path, self.archive, part.PartName[1:]))

        def read_workbook(self) -> None:
            find: Any = excel._find_workbook_part  # type: ignore[attr-defined]
            _hold(path, self.archive, find(self.package).PartName[1:])
            super().read_workbook()

        def read_worksheets(self) -> None:
            book: Any = self.wb
            for sheet, relation in self.parser.find_sheets():
                if relation.target in self.valid_files:
                    _hold(path, self.archive, relation.target)
                    if "chartsheet" not in relation.Type:
                        book._sheets.append(Unsized(self.wb, sheet.name, relation.target, self.shared_strings))

    return Reader(path, read_only=True, data_only=True, keep_links=False)


def _refuse_bombs(path: Path) -> None:
    """Raise UserError for what the directory of the archive says already."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as e:
        raise UserError(f"{path}: not a readable .xlsx workbook, perhaps cut off: {short(e)}") from None
    most = limits()
    if any(p.flag_bits & 1 for p in parts):
        raise UserError(f"{path}: encrypted; save it without a password")
    for part in parts:
        ratio = part.file_size / max(part.compress_size, 1)
        if part.file_size > _RATIO_FROM and ratio > most.xlsx_ratio:
            raise UserError(f"{path}: {part.filename} unfolds {ratio:,.0f} times, more than {most.xlsx_ratio:,} "
                            f"({option('xlsx_ratio')}); refused as a zip bomb")


def _hold(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    """Raise UserError when a part that is going to be parsed is beyond a limit."""
    _require_within(path, archive, name, ("MB", "xlsx_mb"), ("cells", "xlsx_cells"))


def _require_within(path: Path, archive: zipfile.ZipFile, name: str, unfolded: tuple[str, str], held: tuple[str, str]) -> None:
    """Raise UserError when a part is larger, or holds more, than the limits of two names; each beside what it counts."""
    most = limits()
    size, largest = archive.getinfo(name).file_size, getattr(most, unfolded[1])
    if size > largest << 20:
        raise _refused(path, name, f"unfolds to {size >> 20:,} {unfolded[0]}, more than {largest:,}", unfolded[1])
    count, largest = _checked_counts(path, name).brackets // _BRACKETS, getattr(most, held[1])
    if count > largest:
        raise _refused(path, name, f"holds about {count:,} {held[0]}, more than {largest:,}", held[1])


def _shared_texts(path: Path, archive: zipfile.ZipFile, name: str) -> tuple[str, ...]:
    _require_within(path, archive, name, ("MB of texts", "xlsx_texts_mb"), ("texts", "xlsx_texts"))
    return _texts(_part(path, name))


def _checked_counts(path: Path, name: str) -> _Counts:
    counts = _counts(_part(path, name))
    most = limits().xlsx_elements
    if counts.has_entities:
        raise UserError(f"{path}: {name} declares XML entities, which no workbook has; refused")
    if counts.in_one_piece > 2 * most:
        raise _refused(path, name, f"has more than {most:,} XML elements in one piece", "xlsx_elements")
    return counts


def _refused(path: Path, name: str, why: str, limit: str) -> UserError:
    return UserError(f"{path}: {name} {why} ({option(limit)}); refused")


def _part(path: Path, name: str) -> _Part:
    status = path.stat()
    return _Part(str(path), status.st_ino, status.st_size, status.st_mtime_ns, name)


@functools.lru_cache(maxsize=256)
def _counts(part: _Part) -> _Counts:
    """Count the brackets of a part; a file is counted once, however often it is opened."""
    brackets = piece = largest = 0
    has_entities = False
    tail = b""
    with zipfile.ZipFile(part.path) as archive, archive.open(part.name) as source:
        while block := source.read(_BLOCK):
            block = tail + block
            cut = block.rfind(b"<")
            cut = cut if 0 <= len(block) - cut < 100 and cut >= 0 else len(block)  # a bracket and its name stay together
            block, tail = block[:cut], block[cut:]
            has_entities = has_entities or b"<!DOCTYPE" in block
            place = 0
            for record in _RECORD.finditer(block):
                within = block.count(b"<", place, record.start())
                brackets += within
                largest = max(largest, piece + within)
                piece, place = 0, record.start()
            rest = block.count(b"<", place)
            brackets += rest
            piece += rest
    rest = tail.count(b"<")
    return _Counts(brackets + rest, max(largest, piece + rest), has_entities or b"<!DOCTYPE" in tail)


def _texts(part: _Part) -> tuple[str, ...]:
    """Return the shared texts of a workbook: plain, or the runs of a rich one; readings (phonetics) are left out."""
    found = []
    with zipfile.ZipFile(part.path) as archive, archive.open(part.name) as source:
        events = ElementTree.iterparse(source, ("start", "end"))
        _, root = next(events)
        for event, element in events:
            if event == "end" and element.tag == f"{_MAIN}si":
                texts: list[ElementTree.Element] = []
                for child in element:
                    texts += [child] if child.tag == f"{_MAIN}t" else child.findall(f"{_MAIN}t") if child.tag == f"{_MAIN}r" else []
                found.append("".join(t.text or "" for t in texts).replace("x005F_", ""))
                root.clear()
    return tuple(found)


def short(error: BaseException) -> str:
    """Return what an error of a library says, on one line of bounded length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."

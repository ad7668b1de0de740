"""Cells of an .xlsx that hold a formula and no result: libraries write them so, and to a reader of values they are empty."""

from __future__ import annotations

import re
import zipfile
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from openpyxl.utils import column_index_from_string

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_HEAD = re.compile(rb"<(?:\w+:)?f[\s>/]")
_NEAR = 2000
"""Bytes before a formula in which its cell begins."""
_PLACE = re.compile(rb'(?:^|\s)r="([A-Z]{1,3})(\d{1,7})"')
_RESULT = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>[^<]|<(?:\w+:)?is\b")
_FORMULA = re.compile(rb"<(?:\w+:)?f(?:\s[^>]*)?>([^<]*)<")
MOST = 200_000
"""Cells of a sheet that are looked at."""


class Unstored(str):
    """A formula without a stored result, as it is written, `=A1+1`."""

    __slots__ = ()

    TOLD = "holds a formula without a stored value; open and save the file in a spreadsheet program, or write the value"


def unstored_formulas(workbook: Path, sheet: str) -> dict[int, dict[int, Unstored]]:
    """Return number of a row to column, both from 1, to formula, for the formulas of a sheet that have no stored result.

    Cells without an address, and what is damaged, are left out: whoever reads the values reports that.
    """
    found: dict[int, dict[int, Unstored]] = {}
    try:
        with zipfile.ZipFile(workbook) as archive:
            part = part_of(archive, sheet)
            content = archive.read(part) if part is not None else b""
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, ElementTree.ParseError):
        return {}
    if b"<f" not in content and b":f" not in content:
        return {}
    for head in islice(_HEAD.finditer(content), MOST):
        near, at = max(0, head.start() - _NEAR), head.start()
        start, end = max(content.rfind(b"<c ", near, at), content.rfind(b":c ", near, at)), content.find(b"c>", at)
        cell = content[start:content.find(b">", start)]
        place = _PLACE.search(cell) if start >= 0 else None
        if place is None or b't="str"' in cell or _RESULT.search(content[at:end]):  # a text may be an empty one
            continue
        formula = _FORMULA.match(content[at:end])
        text = unescape(formula[1].decode("utf-8", "replace")) if formula else "(a formula)"
        found.setdefault(int(place[2]), {})[column_index_from_string(place[1].decode())] = Unstored(f"={text}")
    return found


def part_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """Return the part that holds a sheet, by the workbook's relations."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {r.attrib["Id"]: r.attrib["Target"] for r in relations}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.attrib.get("name") == name:
            target = targets[element.attrib[_RELATION]]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None

"""The zip file of a workbook: fixed times, and sheets whose rows are streamed into their place.

openpyxl writes everything around the rows (styles, views, filters, validations, charts); a sheet that is to be streamed
is written by it without rows, and its rows go into the empty `<sheetData>` while the part is compressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

TIME = (1980, 1, 1, 0, 0, 0)
LEVEL = 1
"""Deflate level 1 takes a third of the time of level 6, for files a tenth larger."""


@dataclass(frozen=True)
class Rows:
    """Rows to stream.

    Attributes:
        extent: of the sheet, `A1:U200001`; without it openpyxl reads a whole sheet to find its size.
        pieces: yields the rows.
    """

    extent: str
    pieces: Callable[[], Iterator[bytes]]


class WorkbookArchive(ZipFile):
    """A zip file for openpyxl's ExcelWriter.

    Args:
        file: where to write.
        streamed: path of a sheet's part to what yields its rows.
    """

    def __init__(self, file: Path, streamed: dict[str, Rows]) -> None:
        super().__init__(file, "w", ZIP_DEFLATED, allowZip64=True, compresslevel=LEVEL)
        self._streamed = streamed

    def writestr(self, name: Any, content: Any, *_: Any, **__: Any) -> None:  # type: ignore[override]
        """Write a part with a fixed time."""
        super().writestr(_part(str(name)), content, ZIP_DEFLATED, LEVEL)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        """Write a sheet's part that openpyxl has prepared in a file, with its rows if they are streamed."""
        content = Path(filename).read_bytes()
        rows = self._streamed.get(str(arcname))
        with self.open(_part(str(arcname)), "w", force_zip64=rows is not None) as part:
            if rows is None:
                part.write(content)
            else:
                _splice(part, content, rows)


def _splice(part: IO[bytes], content: bytes, rows: Rows) -> None:
    for empty in (b"<sheetData/>", b"<sheetData />", b"<sheetData></sheetData>"):
        head, found, tail = content.partition(empty)
        if found:
            part.write(head.replace(b"<sheetViews", b'<dimension ref="%b"/><sheetViews' % rows.extent.encode(), 1))
            part.write(b"<sheetData>")
            with ThreadPoolExecutor(1, "deflate") as pool:  # zlib lets go of the interpreter lock: the next rows are made meanwhile
                written: Future[int] | None = None
                for piece in rows.pieces():
                    if written:
                        written.result()
                    written = pool.submit(part.write, piece)
                if written:
                    written.result()
            part.write(b"</sheetData>" + tail)
            return
    raise RuntimeError("openpyxl wrote no empty <sheetData>: this version is not supported")


def _part(name: str) -> ZipInfo:
    part = ZipInfo(name, TIME)
    part.compress_type = ZIP_DEFLATED
    part._compresslevel = LEVEL  # type: ignore[attr-defined]
    return part

"""Labelbox exports: a line of JSON for each image."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect.errors import UserError, os_reason
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect_formats._images import relative
from dsinspect_formats._sniffing import first_like, found_in
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.coco._files import base_folder, split_of

SUFFIXES = (".ndjson", ".jsonl", ".json")
_ROW = re.compile(rb'"data_row"\s*:\s*\{')
_PROJECTS = re.compile(rb'"projects"\s*:\s*\{')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is an export of Labelbox, by its beginning and end."""
    return bool(_ROW.search(ends) and _PROJECTS.search(ends))


class Labelbox(Format):
    """Labelbox NDJSON: boxes and polygons of all projects; masks behind addresses are left out."""

    name = "labelbox"
    facts = Facts(
        recognised="lines of JSON (or a list) with `data_row` and `projects`",
        read="boxes, polygons, classifications as attributes; masks, points and lines are left out and counted",
        assumed="px from 0, top, left, height and width")

    def detect(self, root: Path) -> Detection | None:
        """Look for lines of data rows with projects."""
        return found_in(root, first_like(root, looks_like, SUFFIXES), "has Labelbox's data rows", b'"feature_id"')

    def open(self, request: OpenRequest) -> Source:
        """Read the files and find the images.

        Raises:
            UserError: no export of Labelbox, or none in which anything can be read.
        """
        from dsinspect_formats._json_files import all_like
        from dsinspect_formats._json_sets import Reading, finish
        from dsinspect_formats._values import first_reason
        from dsinspect_formats.labelbox.reader import COLUMNS, _lines, _read

        files = all_like(request.root, looks_like, SUFFIXES)
        if not files:
            raise UserError(f"{request.root}: no Labelbox export found")
        base = base_folder(request.root)
        reading = Reading(request.columns & COLUMNS)
        for path in files:
            reading.source, reading.index = relative(path, base), 0
            reading.split = split_of(path, only=True)
            try:
                content = read_regular(path)
                text, encoding = decode(content)
            except OSError as e:
                raise UserError(f"{path}: {os_reason(e, 'cannot be read')}") from None
            if encoding:
                reading.gathered.problems.append(odd_encoding(reading.source, encoding, content))
            for line, value in _lines(text, reading):
                _read(value, line, reading)
        if not reading.gathered.declared:
            reason = first_reason(reading.gathered.problems, "the file is empty")
            raise UserError(f"{files[0]}: no data row can be read: {reason}")
        return finish("labelbox", request, base, reading, files, COLUMNS)

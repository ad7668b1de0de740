"""Unified diffs of annotation files, readable and quick for files of any size."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from dsinspect.findings.rendering import quoted
from dsinspect.fixing.sheet_diff import workbook_diff
from dsinspect.protocols.edits import FILE_ACTIONS, Edits
from dsinspect.protocols.formats import Patch

CONTEXT = 3
WORKBOOKS = (".xlsx", ".xlsm")
"""Suffixes of files whose changes are shown cell by cell."""
MARGIN = 60
"""Equal lines left around the first and the last change, so that a change may be shown a little earlier."""
MAX_LINES = 20_000
"""Lines between the first and the last change that are compared one by one; beyond, they are shown as replaced."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line as `patch` knows it; `splitlines` ends one at form feeds and separators too."""
LONG_LINE = 5_000
"""Characters from which on a file counts as written without line breaks: it is shown with one record a line."""


def unified_diff(patch: Patch) -> Iterator[str]:
    """Yield the lines of a unified diff of one file, with their line ends.

    A workbook is shown cell by cell. Names with control characters are quoted as Git quotes them. Bytes that are no UTF-8 are
    lone surrogates in the lines, as `surrogateescape` makes them, so that what is written to a file is exact. A JSON file without
    line breaks is shown with one record a line; such a diff is for people, not for `patch`.
    """
    name = patch.path
    a, b = quoted(f"a/{name}"), quoted(f"b/{name}")
    if patch.before == (patch.after or b""):
        return
    if _is_archive(patch.before):
        if name.lower().endswith(WORKBOOKS) and patch.after:
            yield from workbook_diff(name, patch.before, patch.after)
        else:
            yield f"Binary files {a} and {b} differ\n"
        return
    old, new = _lines(patch.before), _lines(patch.after or b"")
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    start = max(head - MARGIN, 0)
    ends = len(old) - max(tail - MARGIN, 0), len(new) - max(tail - MARGIN, 0)
    before, after = old[start:ends[0]], new[start:ends[1]]
    yield f"--- {a}\n"
    yield f"+++ {b if patch.after is not None else '/dev/null'}\n"
    if len(before) + len(after) > 2 * MAX_LINES:
        yield f"@@ -{start + bool(before)},{len(before)} +{start + bool(after)},{len(after)} @@\n"
        yield from (_shown("-", line) for line in before)
        yield from (_shown("+", line) for line in after)
        return
    for line in list(difflib.unified_diff(before, after, n=CONTEXT, lineterm="\n"))[2:]:
        yield _moved(line, start) if line.startswith("@@") else _shown(line[0], line[1:])


def of_image_files(edits: Edits) -> Iterator[str]:
    """Yield a line for each image file that edits change, in the order of paths."""
    rows = edits.for_action(*FILE_ACTIONS)
    for path, n_bytes in sorted(zip(rows["image"], rows["text"], strict=True)):
        a, b = quoted(f"a/{path}"), quoted(f"b/{path}")
        yield f"Binary files {a} and {b} differ: {n_bytes} bytes after the end marker are cut off\n"


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "surrogateescape")
    lines = _LINE.findall(text)
    if max(map(len, lines), default=0) > LONG_LINE:
        lines = _LINE.findall(re.sub(r"(?<=[}\]]),\s*(?=[{\[\"])", ",\n", text))
    return lines


def _common(a: list[str], b: list[str]) -> int:
    """Return how many lines are the same from the start."""
    n = min(len(a), len(b))
    return next((k for k in range(n) if a[k] != b[k]), n)


def _moved(hunk: str, by: int) -> str:
    """Return the head of a hunk with its line numbers moved."""
    return re.sub(r"([-+])(\d+)", lambda m: f"{m[1]}{int(m[2]) + by}", hunk)


def _shown(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _is_archive(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")

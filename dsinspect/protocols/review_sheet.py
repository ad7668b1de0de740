"""What the review workbook and its reader agree on: names of sheets and columns.

A sheet is known by its headers, never by its name or place, so that sheets may be renamed and columns moved or hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

FINDINGS_SHEET = "Findings"
"""Sheets of findings are called this, then `Findings (2)`, ..."""
BY_CHECK_SHEET, ADD_SHEET, EARLIER_SHEET, ABOUT_SHEET = "By check", "Add", "Earlier decisions", "About"
MAX_ROWS = 1_048_576
"""Rows of a sheet, the header included."""
MAX_TEXT = 32_767
"""Characters of a cell."""

THUMBNAIL, DECISION, NEW_VALUE, COMMENT, REVIEWER = "Thumbnail", "Decision", "New value", "Comment", "Reviewer"
MESSAGE, CLASS, IMAGE, ANNOTATION, SOURCE, LINE, INDEX = (
    "Message", "Class", "Image", "Annotation", "Source", "Line", "Index")
SEVERITY, CODE, CHECK, FIX, SPLIT, FINGERPRINT = "Severity", "Code", "Check", "Fix", "Split", "Fingerprint"
AS_FOUND = "As found"
"""Header of a hidden column with box and class as they were written, so that a cell that was edited is known."""
BOX_HEADERS = ("x min", "y min", "x max", "y max")
REASON = "Not applied because"
"""Header of the column that says why a decision came back."""
FINDING_COLUMNS = (THUMBNAIL, DECISION, NEW_VALUE, COMMENT, MESSAGE, CLASS, IMAGE, *BOX_HEADERS, SEVERITY, CODE, CHECK, FIX, SPLIT,
                   REVIEWER, ANNOTATION, SOURCE, LINE, INDEX, FINGERPRINT, AS_FOUND)
"""Of a sheet of findings; without images there is no Thumbnail."""
INPUT_COLUMNS = (DECISION, NEW_VALUE, COMMENT, REVIEWER)
"""What a reviewer fills in."""

EARLIER_DECISION = "Earlier decision"
"""Header of decisions whose finding is gone; another word than Decision, so that nothing applies them."""
OLD_HEADERS = ("Category", "Picture")
"""What columns of findings were called before."""
OF_FINDINGS = frozenset((*FINDING_COLUMNS, REASON, EARLIER_DECISION, *OLD_HEADERS))
"""Headers of ours on sheets of findings; any other column there was added by a reviewer."""
MAX_OWN_COLUMNS = 50
"""Columns that reviewers added and that are carried over, at most."""

FINDINGS = "Findings"
CHECK_COLUMNS = (DECISION, COMMENT, REVIEWER, CODE, CHECK, FINDINGS)
"""Of the sheet on which a decision stands for all findings of a check."""
ACTION = "What to add or change"
ADD_COLUMNS = (ACTION, IMAGE, CLASS, NEW_VALUE, COMMENT, REVIEWER, ANNOTATION, SOURCE, INDEX)
"""Of the sheet for missed boxes, and for classes."""
HINTS = "What goes where"
"""Header of the sheet Add that says what its columns take."""
KEY_HEADERS = {BY_CHECK_SHEET: CODE, "Classes": CLASS, "Splits": SPLIT, "Images": IMAGE}
"""Sheets on which columns that a reviewer added are kept as well, and the header of what each of their rows is about."""
HEADERS_OF = "headers of "
"""Begins the name of a setting: the headers that a report wrote on a sheet, so that those of a reviewer are told apart."""
KEYS_OF = "keys of "
"""Begins the name of a setting: the headers that tell the rows of a check's table apart."""
REVIEW_HEADERS = frozenset((*CHECK_COLUMNS, REASON))
"""Headers that are ours wherever they stand."""
TO_FILL_IN = (ACTION, DECISION, EARLIER_DECISION, NEW_VALUE, COMMENT, REVIEWER, IMAGE, CLASS, *BOX_HEADERS, ANNOTATION, SOURCE,
              INDEX)
"""Headers whose cells a decision is read from."""
OF_ADDITIONS = frozenset((*ADD_COLUMNS, REASON, HINTS))
"""Headers of ours on the sheet for missed boxes."""
SETTING, VALUE = "Setting of this report", "Value"
"""Headers of the table that holds the settings, as JSON."""


def row_key(values: Mapping[str, Any]) -> str:
    """Return what a row of a table is about as a text: the cells that tell its rows apart, by header.

    >>> row_key({"Width": 640.0, "Height": 480})
    '{"Width":"640","Height":"480"}'
    """
    return msgspec.json.encode({h: _cell_text(v) for h, v in values.items()}).decode()


def _cell_text(value: Any) -> str:
    """Return a cell as a text, the same whatever program wrote the file."""
    if value is None or value != value:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{float(value):.9g}"
    return str(value).encode("utf-8", "replace").decode()

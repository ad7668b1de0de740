"""What the review workbook and its reader agree on: names of sheets and columns, and the decisions a reviewer takes."""

from __future__ import annotations

from collections.abc import Mapping

FINDINGS_SHEET = "Findings"
"""Sheets of findings are called this, then `Findings (2)`, ..."""
MAX_ROWS = 1_048_576
"""Rows of a sheet, the header included."""
MAX_TEXT = 32_767
"""Characters of a cell."""

FINDING_COLUMNS = (
    "Severity", "Code", "Check", "Message", "Image", "Split", "Category", "Annotation", "Source", "Line", "Index",
    "x min", "y min", "x max", "y max", "Fix")
DECISION, NEW_VALUE, REVIEWER, COMMENT, FINGERPRINT = "Decision", "New value", "Reviewer", "Comment", "Fingerprint"
REVIEW_COLUMNS = (DECISION, NEW_VALUE, REVIEWER, COMMENT, FINGERPRINT)

DECISIONS: Mapping[str, str] = {
    "keep": "it is right as it is; can be added to the baseline",
    "fix": "do what the column Fix says",
    "drop": "remove the annotation",
    "set-box": "New value is the right box: x min, y min, x max, y max in px",
    "set-category": "New value is the right category",
    "drop-image": "remove the image with all its annotations",
}
"""Decision to what it does; an empty cell decides nothing."""

"""The plugins, checks and columns that the core knows by name, each with its reason; it knows no others (a test looks).

They are what a command takes when nobody names another, and what the contract of an output says. The plugins of these names can be
left out (`--no-plugin`) or exchanged; a command that needs one says so then.
"""

SUMMARY_REPORT = "terminal"
"""Report that `report` prints."""
FINDINGS_REPORT = "text"
"""Report that `check` prints where `--output-format` names none."""
PAGE_REPORT = "html"
"""Report that a notebook shows."""
TARGET_FORMAT = "coco"
"""Format that `transform` writes where `--to` names none: it has a place for all that the tables hold."""
COLUMNS_FORMAT = "table"
"""Format whose option `columns` the option `--columns` sets."""
SERIAL, THREAD, PROCESS = "serial", "thread", "process"
"""Executors that are chosen where `--executor` names none."""
MISSING, UNDECODABLE, TRUNCATED = "IMG001", "IMG002", "IMG003"
"""Checks that report an image which `transform` leaves out, as its messages and its manifest name them: a code never changes its
meaning."""
SECOND_RECORD = "REC002"
"""Check that reports two records of one image, which `convert` names where it counts them."""
TRUNCATED_COLUMN = "is_truncated"
"""Column, of whichever probe measures it, that says whether a file ends early; without one, files are taken as they are decoded."""

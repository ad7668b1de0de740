"""Severities of findings, ordered."""

from __future__ import annotations

import enum


class Severity(enum.StrEnum):
    """How bad a finding is: an error breaks or silently spoils training, a warning often does, info is good to know."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for error."""
        return list(Severity).index(self)

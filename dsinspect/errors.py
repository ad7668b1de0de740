"""What can go wrong outside the dataset, and the exit codes that say so."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable


class ExitCode(enum.IntEnum):
    """Exit codes of every command."""

    OK = 0
    FINDINGS = 1
    """`check`: there is a finding at or above `--fail-on`."""
    USER_ERROR = 2
    CRASHED = 3
    """A check or plugin raised; the others still reported."""
    INTERRUPTED = 130


class UserError(Exception):
    """A mistake in the input or the command line, told in one line: what, where, what to change.

    Args:
        message: the line.
        details: lines that follow it, when there are many places (cells of a workbook).
    """

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message, details)
        self.details = details

    def __str__(self) -> str:
        return str(self.args[0])


class PluginError(UserError):
    """A plugin that cannot be loaded or breaks the protocol; names the plugin and the way to go on without it."""


class PluginCrashedError(PluginError):
    """A plugin that raised or broke its protocol while it ran; the command exits 3."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the closest known word, or an empty string.

    >>> nearest("flipp", ["flip", "resize"])
    " (did you mean 'flip'?)"
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""

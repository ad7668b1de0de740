"""What a run met and did not read, remembered until it is told: outside of the dataset, in it, and datasets beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dsinspect.errors import os_reason
from dsinspect.io.reading import is_regular

_left_alone: dict[str, None] = {}
_passed_over: dict[str, None] = {}
_forbidden: dict[str, str] = {}
_special: dict[str, str] = {}


def leave_alone(path: str) -> None:
    """Remember something outside of the dataset that is not read, for `left_alone` to report."""
    _left_alone[path] = None


def left_alone() -> list[str]:
    """Return what was not read since the last call."""
    return sorted(_taken(_left_alone))


def pass_over(what: str) -> None:
    """Remember a dataset beside the one that is read, in words, for `passed_over` to report."""
    _passed_over[what] = None


def passed_over() -> list[str]:
    """Return what `pass_over` was told since the last call."""
    return _taken(_passed_over)


def _taken(remembered: dict[str, None]) -> list[str]:
    found = list(remembered)
    remembered.clear()
    return found


def note_forbidden(path: str | os.PathLike[str], error: OSError | ValueError) -> None:
    """Remember a folder or a file of text that nobody here may read, for `unread_below`: without it the set looks whole."""
    if isinstance(error, PermissionError):
        _forbidden[os.path.abspath(path)] = os_reason(error, "permission denied")  # noqa: PTH100


def note_unread(path: str | os.PathLike[str], why: str) -> None:
    """Remember what is in a dataset and is not read at all, as `note_forbidden` does; there is no such file."""
    _forbidden[os.path.abspath(path)] = why  # noqa: PTH100


def note_special(path: str | os.PathLike[str], what: str) -> None:
    """Remember something with the name of an annotation file that is none, and what it is in words, for `unread_below`."""
    _special[os.path.abspath(path)] = what  # noqa: PTH100


def special(path: str | os.PathLike[str]) -> str:
    """Return what a path is that is neither a regular file nor a folder, in words; nothing is opened. Empty for those two."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except FileNotFoundError:
        return "is a link that leads nowhere"
    except OSError as e:
        return os_reason(e)
    except ValueError as e:
        return str(e)
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    kinds = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))
    return f"is a {next((word for test, word in kinds if test(mode)), 'device')}, no regular file"


def unread_below(folder: Path, seen_from: Path | None = None) -> dict[str, str]:
    """Return what could not be read below a folder so far in this process, and why; what may be read by now is left out.

    Args:
        folder: where it lies.
        seen_from: the folder to which the paths returned are relative; `folder` itself when None.
    """
    home = os.path.join(os.path.abspath(folder), "")  # noqa: PTH100, PTH118
    found = {path: why for path, why in _forbidden.items() if path.startswith(home) and not os.access(path, os.R_OK)}
    found |= {path: why for path, why in _special.items()
              if path.startswith(home) and os.path.lexists(path) and not is_regular(path)}
    return {Path(os.path.relpath(path, seen_from or folder)).as_posix(): found[path] for path in sorted(found)}

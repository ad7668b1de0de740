"""What can go wrong outside the dataset, and the exit codes that say so."""

from __future__ import annotations

import difflib
import enum
import re
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


def no_opencv(error: ImportError) -> str:
    """Return in one line that OpenCV cannot be imported, with the way out as commands to paste."""
    return (f"OpenCV cannot be imported ({error}); run `apt-get install libgl1`, or `pip uninstall -y opencv-python && pip install "
            "opencv-python-headless`")


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
    """A mistake in the input or the command line, reported in one line: what, where, what to change.

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
    """A plugin that raised or broke its protocol while it ran; the command exits 3.

    Attributes:
        fault: what happened, without who and where it comes from.
    """

    fault = ""


PLUGIN_FAULTS = (Exception, SystemExit)
"""What costs a plugin its part when it raises it: `sys.exit()` of a plugin ends no command, least of all with exit code 0."""


def os_reason(error: OSError, otherwise: str = "") -> str:
    """Return why the system refuses something, to stand within a line; `otherwise`, or all there is, where it says nothing.

    >>> os_reason(OSError(27, "File too large")), os_reason(OSError(27, "30 MB, more than the 20 MB that are read"))
    ('file too large', '30 MB, more than the 20 MB that are read')
    """
    reason = error.strerror or otherwise or str(error)
    return reason[:1].lower() + reason[1:]


def how(error: BaseException) -> str:
    """Say how something failed, and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"failed with {type(error).__name__}: {' '.join(str(error).split())[:300]}{place}"


@dataclass(frozen=True)
class Blame:
    """Names something that a plugin offers, in whatever worker it breaks its protocol.

    Attributes:
        plugin: its name, as `--no-plugin` takes it.
        origin: the distribution or the file it comes from.
        what: what is offered: `format acme`.
    """

    plugin: str
    origin: str
    what: str

    def line(self, fault: str) -> str:
        """Return one line that names the plugin, its fault, and the way to go on."""
        return f"plugin {self.plugin!r} ({self.origin}): {self.what} {fault}; go on with --no-plugin {self.plugin}"

    def reason(self, fault: str) -> str:
        """Return what a report keeps of it: no place on this machine is in an output."""
        return f"plugin {self.plugin}: {self.what} {fault}"

    def broke(self, fault: str) -> PluginCrashedError:
        """Return the error for a protocol that was broken."""
        error = PluginCrashedError(self.line(fault))
        error.fault = fault
        return error


class Watched:
    """While something of a plugin runs, what it raises names it; mistakes of the user's and trouble with files stay as they are.

    >>> with Watched(Blame("acme", "acme 1.0", "format acme")):
    ...     {}["boxes"]
    Traceback (most recent call last):
        ...
    dsinspect.errors.PluginCrashedError: ...plugin 'acme' (acme 1.0): format acme failed with KeyError: 'boxes' ...
    """

    def __init__(self, blame: Blame, at: str = "") -> None:
        """Take what names the plugin, and what it is working on."""
        self._blame, self._at = blame, at and f" on {at}"
        self._ours: BaseException | None = None

    def ours(self, error: E) -> E:
        """Return an error that is not the plugin's, though it comes through it."""
        self._ours = error
        return error

    def handed(self, items: Iterable[T]) -> Iterator[T]:
        """Yield what the plugin is handed: an error that comes from there is not the plugin's."""
        try:
            yield from items
        except BaseException as e:
            self.ours(e)
            raise

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Raise a PluginCrashedError in place of what the plugin raised."""
        is_ours = error is self._ours or isinstance(error, UserError | OSError | MemoryError)
        if isinstance(error, PLUGIN_FAULTS) and not is_ours:
            raise self._blame.broke(how(error) + self._at) from error


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the closest known word, or an empty string.

    >>> nearest("flipp", ["flip", "resize"])
    " (did you mean 'flip'?)"
    """
    by_lower = {k.lower(): k for k in reversed(list(known))}
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f" (did you mean {by_lower[close[0]]!r}?)" if close else ""


def nearest_or_all(word: str, known: Iterable[str], most: int = 8) -> str:
    """Return what `nearest` says, or else what there is: `; there are a, b and 7 more`.

    >>> nearest_or_all("zebra", ["car", "tram"]), nearest_or_all("carr", ["car", "tram"]), nearest_or_all("a", "bcdefghijkl")
    ('; there are car, tram', " (did you mean 'car'?)", '; there are b, c, d, e, f, g, h, i and 3 more')
    """
    known = list(known)
    close = nearest(word, known)
    if close or not known:
        return close
    rest = len(known) - most
    return f"; there are {', '.join(k[:60] for k in known[:most])}" + (f" and {rest:,} more" if rest > 0 else "")


def nearest_path(path: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the file that a path may mean, or an empty string.

    A file of the same name in another folder comes first; one of another number is another file, however alike the names are.

    >>> nearest_path("a_02.jpg", ["train/a_15.jpg", "train/a_02.jpg"])
    " (did you mean 'train/a_02.jpg'?)"
    >>> nearest_path("a_03.jpg", ["train/a_15.jpg", "train/a_02.jpg"])
    ''
    """
    known = list(known)
    name = path.rpartition("/")[2]
    same = [k for k in known if k.rpartition("/")[2].lower() == name.lower()]
    if len(same) == 1:
        return f" (did you mean {same[0]!r}?)"
    numbers = _numbers(name)
    of_number = [k for k in same or known if _numbers(k.rpartition("/")[2]) == numbers]
    close = difflib.get_close_matches(path, of_number, n=1, cutoff=0.8)
    if not close:
        by_name = {k.rpartition("/")[2]: k for k in reversed(of_number)}
        close = [by_name[n] for n in difflib.get_close_matches(name, list(by_name), n=1, cutoff=0.8)]
    return f" (did you mean {close[0]!r}?)" if close else ""


def _numbers(name: str) -> list[str]:
    return [n.lstrip("0") for n in re.findall(r"\d+", name)]

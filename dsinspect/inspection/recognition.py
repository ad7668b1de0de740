"""Recognise the format of a path: by what is in it, weighed by how many records each format finds there.

One format that finds most is taken, and the others are named in a note. Where two find about as much, the user chooses:
two sets are never merged, and never is one of them taken in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from dsinspect.errors import PluginCrashedError, UserError, Watched, nearest
from dsinspect.inspection.sets_below import named, sets_below
from dsinspect.inspection.what_is_there import archives_in, what_is_there
from dsinspect.io.unread import pass_over
from dsinspect.loader import Plugins
from dsinspect.protocols.formats import Detection, Format

CLOSE = 10
"""A format that finds at least one record for so many of the first one's may be meant."""
UNSURE = 0.1
"""Of formats that do not count, one whose confidence is less by so much at most may be meant."""

SHOWN = 10
"""Formats that are listed, of those from which the user has to choose."""
FOLDERS_SHOWN = 30
"""Folders that are listed, of those that are datasets."""
LONGEST = 100
"""Characters of a reason in that list."""


class Recognised(msgspec.Struct, frozen=True):
    """The format of a path.

    Attributes:
        format: its class.
        notes: why, and what else was seen; empty when the user named the format and nothing else was seen.
    """

    format: type[Format]
    notes: tuple[str, ...] = ()


class _Seen(msgspec.Struct, frozen=True):
    name: str
    detection: Detection

    @property
    def records(self) -> int | None:
        return self.detection.records

    def __str__(self) -> str:
        return f"{self.name} ({self.detection.reason}{self.counted})"

    @property
    def counted(self) -> str:
        n = self.records
        if n is None:
            return ""
        return ", no record" if n == 0 else f", about {_rounded(n):,} {'record' if n == 1 else 'records'}"


def recognise(root: Path, path: str, plugins: Plugins, name: str | None = None) -> Recognised:
    """Return the format of a path.

    Args:
        root: the path; it exists.
        path: as the user named it.
        plugins: with the formats; one that raises is left out, and kept among their faults.
        name: of the format, when the user names it.

    Raises:
        UserError: no format knows it, several find about as much there, or the named one finds nothing and another does.
    """
    if name is not None:
        return _named(root, path, plugins, name)
    seen = _look(root, plugins, plugins.formats)
    if not seen or all(s.records == 0 for s in seen):
        known = _look(root, plugins, plugins.unread)
        if known:
            raise UserError(f"{path}: {_not_read(known[0])}")
    if not seen:
        for fault in plugins.faults.values():
            raise PluginCrashedError(fault)
        raise UserError(f"{path}: no dataset format recognised; {what_is_there(root)}; `dsinspect plugins` lists the formats that "
                        "are read")
    best = seen[0]
    rivals = [s for s in seen[1:] if _is_close(best, s)]
    if rivals:
        raise _below(root, path, plugins, [best, *rivals]) or _several(path, [best, *rivals])
    others = [f"also there, and not read: {s}; --format {s.name} reads it" for s in seen[1:] if s.records != 0]
    others += [f"also there, and not read: {a}; name the archive to read it" for a in archives_in(root)]
    for other in others:
        pass_over(other)
    return Recognised(plugins.formats[best.name], (f"read as {best.name}: {best.detection.reason}", *others))


def _below(root: Path, path: str, plugins: Plugins, these: list[_Seen]) -> UserError | None:
    """Return the error of a path whose datasets lie in folders of their own, which are named; None where they do not."""
    def look(folder: Path) -> list[tuple[str, str]]:
        seen = [s for s in _look(folder, plugins, plugins.formats) if s.records != 0]
        return [(s.name, s.counted) for s in seen[:1] + [s for s in seen[1:] if _is_close(seen[0], s)]]

    below = sets_below(root, look)
    if len(below) < 2 or not {s.name for s in these} <= {name for b in below for name in b.formats}:
        return None
    return UserError(f"{path}: holds {len(below):,} datasets; name one of them:", named(root, path, below, FOLDERS_SHOWN))


def _several(path: str, these: list[_Seen]) -> UserError:
    """Return the error of a path that holds datasets of several formats: two in one line, more as a list."""
    if len(these) == 2:
        choices = " or ".join(f"--format {s.name}" for s in these)
        return UserError(f"{path}: holds two datasets: {'; '.join(map(str, these))}; choose one with {choices}, or name its own "
                         "folder or file")
    lines = [f"--format {s.name} ({s.counted.removeprefix(', ') or 'records not counted'}): {_cut(s.detection.reason)}"
             for s in these[:SHOWN]]
    if rest := these[SHOWN:]:
        lines.append(f"and {len(rest):,} more: {', '.join(s.name for s in rest)}")
    return UserError(f"{path}: holds datasets of {len(these)} formats; choose one, or name its own folder or file:", tuple(lines))


def _cut(reason: str) -> str:
    return reason if len(reason) <= LONGEST else f"{reason[:LONGEST - 4].rpartition(' ')[0] or reason[:LONGEST - 4]} ..."


def named_format(name: str, formats: Mapping[str, type[Format]]) -> type[Format]:
    """Return the format of that name, or raise a UserError that suggests the nearest."""
    if name not in formats:
        raise UserError(f"--format {name}: no such format{meant(name, formats)}; there are {', '.join(formats)}")
    return formats[name]


def meant(name: str, formats: Mapping[str, type[Format]]) -> str:
    """Return ` (did you mean 'x'?)` for the format that people know by such a name, or whose own name is near."""
    letters = _letters(name)
    for own, kind in formats.items():
        if letters in (_letters(n) for n in (own, *kind.also_called)):
            return f" (did you mean {own!r}?)"
    return nearest(name, formats)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _named(root: Path, path: str, plugins: Plugins, name: str) -> Recognised:
    """Return the named format, unless it finds nothing where another one does: all would be called clean."""
    own = named_format(name, plugins.formats)
    with Watched(plugins.blame(own)):
        found = own().detect(root)
    if found is None or found.records == 0:
        others = [s for s in _look(root, plugins, plugins.formats) if s.name != name and s.records != 0]
        if others:
            raise UserError(f"--format {name}: {path} holds no record of {name}; it looks like {others[0]}")
        known = _look(root, plugins, plugins.unread)
        if known:
            raise UserError(f"--format {name}: {path} holds no record of {name}; it {_not_read(known[0])}")
    return Recognised(own)


def _look(root: Path, plugins: Plugins, formats: Mapping[str, type[Format]]) -> list[_Seen]:
    """Return the formats that know a path, the one that finds most first; a format that raises costs itself only."""
    seen = []
    for name, kind in formats.items():
        with plugins.costs_itself(kind):
            detection = kind().detect(root)
            if detection is not None:
                if not isinstance(detection, Detection):
                    raise TypeError(f"detect returned {detection!r:.40}, which is no Detection")
                seen.append(_Seen(name, detection))
    seen = [s for s in seen if not any(_reads_better(o, s) for o in seen)]
    counted = all(s.records is not None for s in seen)
    return sorted(seen, key=lambda s: (s.records == 0, -(s.records or 0) if counted else 0, -s.detection.confidence, s.name))


def _reads_better(other: _Seen, seen: _Seen) -> bool:
    """Say whether another format reads the same file, and is surer of it: a dialect of the one seen."""
    a, b = other.detection, seen.detection
    return a.found is not None and a.found == b.found and a.confidence > b.confidence


def _is_close(best: _Seen, other: _Seen) -> bool:
    if best.records is None or other.records is None:
        return other.detection.confidence >= best.detection.confidence - UNSURE and other.records != 0
    if best.records == 0:
        return best.detection.confidence == other.detection.confidence
    return other.records * CLOSE >= best.records


def _not_read(seen: _Seen) -> str:
    return (f"looks like {seen.detection.reason}; dsinspect does not read that; convert it to a format that `dsinspect plugins` "
            "lists")


def _rounded(n: int) -> int:
    """Return a count to two digits: it was estimated from a few files."""
    return n if n < 100 else round(n, 2 - len(str(n)))

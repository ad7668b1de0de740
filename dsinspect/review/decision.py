"""Decisions as `decisions.json`, and the decisions of several reviewers as one, with what they disagree on by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dsinspect import __version__
from dsinspect.errors import UserError, nearest, os_reason
from dsinspect.io.json_text import encoded
from dsinspect.io.limits import limits, too_large
from dsinspect.io.reading import read_regular
from dsinspect.protocols.decisions import (
    ADDITIONS,
    MEANINGS,
    NO_SETTINGS,
    OF_ANNOTATIONS,
    OF_CHECKS,
    OF_FINDINGS,
    SCHEMA_VERSION,
    Decision,
    Decisions,
    NewBox,
    Settings,
)


@dataclass(frozen=True)
class Conflict:
    """Decisions on one record that contradict each other; none of them may be applied.

    Attributes:
        decisions: all of them.
    """

    decisions: tuple[Decision, ...]

    def __str__(self) -> str:
        first = self.decisions[0]
        return f"{about(first)}: {', '.join(map(wanted, self.decisions))}"


@dataclass(frozen=True)
class Merged:
    """The decisions of several reviewers.

    Attributes:
        decisions: that agree or stand alone; their settings are those of the first.
        conflicts: what contradicts.
    """

    decisions: Decisions
    conflicts: tuple[Conflict, ...]


def encode_decisions(decisions: Decisions) -> bytes:
    """Return the document, one decision a line, so that versions of it can be compared.

    >>> encode_decisions(Decisions("set", decisions=(Decision("keep", finding="0" * 16),))).decode().splitlines()[-1]
    '  {"action":"keep","finding":"0000000000000000"}]}'
    """
    head = msgspec.to_builtins(msgspec.structs.replace(
        decisions, decisions=(), schema_version=SCHEMA_VERSION, tool={"name": "dsinspect", "version": __version__}))
    parts = [f'"{k}": {encoded(head[k]).decode()}' for k in ("schema_version", "tool", "dataset", "settings")]
    lines = ",\n".join("  " + encoded(d).decode() for d in decisions.decisions)
    return ("{" + ",\n ".join(parts) + f',\n "decisions": [{chr(10) if lines else ""}{lines}]}}\n').encode()


def decode_decisions(content: bytes, name: str) -> Decisions:
    """Read a document of decisions.

    Args:
        content: of the file.
        name: of the file, for messages and the places of decisions.

    Raises:
        UserError: it is none, or of another version; what in it is wrong and where.
    """
    if len(content) > limits().decisions_mb << 20:
        raise UserError(f"{name}: {too_large(name, len(content), 'decisions_mb').strerror}")
    try:
        read = msgspec.json.decode(content, type=Decisions)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise UserError(f"{name}: is no file of decisions: {e}") from None
    if read.schema_version != SCHEMA_VERSION:
        raise UserError(f"{name}: made by another version of dsinspect (schema_version {read.schema_version}; "
                        f"this one reads {SCHEMA_VERSION}); save the decisions again from a new report")
    if not read.decisions and "decisions" not in msgspec.json.decode(content, type=dict[str, msgspec.Raw]):
        raise UserError(f"{name}: is no file of decisions: it has no list named decisions")
    made = []
    for k, decision in enumerate(read.decisions, 1):
        place = f"{name}, decision {k}"
        check_address(decision, place)
        made.append(msgspec.structs.replace(decision, place=place))
    return msgspec.structs.replace(read, decisions=tuple(made))


def check_address(decision: Decision, place: str) -> None:
    """Raise a UserError unless a decision says what it is about, once, and its action fits that."""
    if decision.action not in MEANINGS:
        raise UserError(f"{place}: no such decision: {decision.action[:40]!r}{nearest(decision.action, MEANINGS)}; there are "
                        f"{', '.join(MEANINGS)}")
    given = [name for name in ("finding", "record", "check") if getattr(decision, name) is not None]
    if len(given) != 1:
        raise UserError(f"{place}: {' and '.join(given) if given else 'nothing'} given; expected one of finding, record, check")
    of_record = OF_ANNOTATIONS if decision.record is not None and decision.record.source is not None else ADDITIONS
    fitting = {"finding": OF_FINDINGS, "record": of_record, "check": OF_CHECKS}[given[0]]
    if decision.action not in fitting:
        raise UserError(f"{place}: {decision.action} cannot be about a {given[0]}; it takes {', '.join(fitting)}")


def read_decisions(path: Path) -> Decisions:
    """Read `decisions.json`.

    Raises:
        UserError: it cannot be read, or is none.
    """
    try:
        content = read_regular(path, "decisions_mb")
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e)}") from None
    return decode_decisions(content, path.name)


def merge_decisions(several: Sequence[Decisions]) -> Merged:
    """Bring the decisions of several files together.

    Decisions on one thing that want the same become one, which names all its reviewers and comments. Where they differ, all of
    them become one conflict.

    Raises:
        UserError: the files come from reports with different settings.
    """
    groups: dict[tuple[object, ...], list[Decision]] = {}
    for decisions in several:
        for decision in decisions.decisions:
            groups.setdefault(decision.key, []).append(decision)
    kept: list[Decision] = []
    conflicts: list[Conflict] = []
    for group in groups.values():
        if len({d.choice for d in group}) > 1:
            conflicts.append(Conflict(tuple(group)))
        else:
            kept.append(_joined(group))
    first = several[0] if several else Decisions()
    return Merged(msgspec.structs.replace(first, settings=common_settings(several), decisions=tuple(kept)), tuple(conflicts))


def common_settings(several: Sequence[Decisions]) -> Settings:
    """Return the settings that all files share; those of files without any do not count, nor does the name of a configuration.

    Raises:
        UserError: they differ.
    """
    found = [d.settings for d in several if d.settings != NO_SETTINGS]
    for other in found[1:]:
        differing = [name for name in Settings.__struct_fields__
                     if name != "config" and getattr(other, name) != getattr(found[0], name)]
        if differing:
            raise UserError(f"the decisions come from reports with different settings ({', '.join(differing)}); apply the first "
                            "file to the dataset, and the next one to what that wrote: review apply SECOND OUT -o OUT2")
    return found[0] if found else NO_SETTINGS


def _joined(group: Sequence[Decision]) -> Decision:
    """Return one decision for several that agree."""
    if len(group) == 1:
        return group[0]
    return msgspec.structs.replace(group[0], reviewer=_listed((d.reviewer for d in group), ", "),
                                   comment=_listed((d.comment for d in group), "; "))


def _listed(texts: Iterable[str | None], between: str) -> str | None:
    return between.join(dict.fromkeys(t for t in texts if t)) or None


def about(decision: Decision) -> str:
    """Return what a decision is about, in words."""
    seen = decision.seen
    if decision.check is not None:
        return f"all of {decision.check}"
    if decision.finding is not None and seen is not None and (seen.image or seen.code):
        which = seen.annotation
        mark = f" (annotation {which.id})" if which is not None and which.id is not None else ""
        return " ".join(t for t in (seen.code, seen.image or (which.source if which else None)) if t) + mark
    if decision.finding is not None:
        return f"finding {decision.finding}"
    record = decision.record
    if record is not None and record.category is not None:
        return f"class {record.category}"
    if record is not None and record.source is not None:
        number = f"annotation {record.id}" if record.id is not None else f"record {record.index}"
        return f"{number} of {record.image or record.source}"
    return f"image {record.image if record else None}"


def wanted(decision: Decision) -> str:
    """Return what a decision wants, who wants it, and where that is written."""
    value = value_text(decision.value)
    by = f" by {decision.reviewer}" if decision.reviewer else ""
    at = f" ({decision.place})" if decision.place else ""
    return f"{decision.action}{' ' + value if value else ''}{by}{at}"


def value_text(value: object) -> str:
    """Return a value as a reviewer writes it.

    >>> value_text((1.0, 2.5, 3.0, 4.0)), value_text(NewBox((0, 0, 9, 9), "cat"))
    ('1, 2.5, 3, 4', 'cat 0, 0, 9, 9')
    """
    if isinstance(value, NewBox):
        return f"{value.category} {value_text(value.bbox_xyxy)}"
    if isinstance(value, tuple):
        return ", ".join(f"{v:.10g}" for v in value)
    return "" if value is None else str(value)

"""One finding: the fix that is known for it, what it shares with others of its kind, and lists of findings with their messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dsinspect.findings.severity import Severity

if TYPE_CHECKING:
    from numpy.typing import NDArray

Safety = Literal["safe", "unsafe"]


@dataclass(frozen=True)
class Fix:
    """What would fix a finding. `safe` loses nothing a trainer could use."""

    safety: Safety
    action: str


@dataclass(frozen=True)
class Template:
    """What findings of one kind share.

    Attributes:
        message: a `str.format` template over the values (see `wording`), naming the limit and its option.
        values: name and kind of each value: `i`nteger, `f`loat, `s`tring (or several, given as tuples of texts).
        constants: the values that are the same in all findings (limits, mostly), by name; they have no column.
        fix: what would fix them, or None.
        severity: overrides the check's severity, for a milder or harder case.
        has_annotation: True when each finding is about one annotation record.
    """

    message: str
    values: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, Any], ...] = ()
    fix: Fix | None = None
    severity: Severity | None = None
    has_annotation: bool = False


@dataclass(frozen=True)
class Finding:
    """One finding with its message made, as the reports show it."""

    code: str
    severity: Severity
    message: str
    image: str | None
    split: str | None
    category: str | None
    annotation_id: int | None
    source: str | None
    line: int | None
    index: int | None
    bbox_xyxy: tuple[float, float, float, float] | None
    values: dict[str, Any]
    fingerprint: str
    fix: Fix | None
    subject: str | None


@dataclass(frozen=True)
class Chunk:
    """Some findings of one check in lists of one length; the fields are those of `Finding`."""

    code: str
    severity: list[Severity]
    message: list[str]
    image: list[str | None]
    split: list[str | None]
    category: list[str | None]
    annotation_id: list[int | None]
    source: list[str | None]
    line: list[int | None]
    index: list[int | None]
    bbox_xyxy: list[list[float] | None]
    values: list[dict[str, Any]]
    fingerprint: list[str]
    fix: list[Fix | None]
    subject: list[str | None]

    def columns(self) -> tuple[list[Any], ...]:
        """Return the lists in the order of the fields, the code left out."""
        return tuple(value for name, value in vars(self).items() if name != "code")

    def findings(self) -> Iterator[Finding]:
        """Yield the findings."""
        for severity, message, image, split, category, annotation_id, source, line, index, box, values, fingerprint, fix, \
                subject in zip(*self.columns(), strict=True):
            yield Finding(self.code, severity, message, image, split, category, annotation_id, source, line, index,
                          None if box is None else tuple(box), values, fingerprint, fix, subject)


def plain(values: NDArray[Any], kind: str) -> list[Any]:
    """Return values as plain Python ones; what is missing (None, NaN) is None."""
    if kind == "s":
        return [None if v is None or v != v else list(v) if isinstance(v, tuple) else str(v) for v in values.tolist()]
    if values.dtype.kind in "iub":
        numbers: list[Any] = values.astype(np.int64).tolist()
        return numbers
    missing = np.isnan(values.astype(np.float64))
    if kind == "i":
        return with_gaps(np.where(missing, 0, values).astype(np.int64), missing)
    return with_gaps(values.astype(np.float64), missing)


def with_gaps(values: NDArray[Any], gaps: NDArray[np.bool_]) -> list[Any]:
    """Return an array as a list with None in the gaps."""
    listed: list[Any] = values.tolist()
    for k in np.flatnonzero(gaps).tolist():
        listed[k] = None
    return listed

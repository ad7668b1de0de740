"""The check protocol: judge tables, never open a file.

A check maps each batch to a state, states merge in any grouping, and the last state finishes into a result.
A check that looks at one row at a time is a `RowCheck` and writes only `find`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from dsinspect.findings.findings import Findings, Fix
from dsinspect.findings.severity import Severity
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.columns import Table
from dsinspect.tables.dataset import DatasetInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray


S = TypeVar("S")
O = TypeVar("O", bound=BaseOptions)  # noqa: E741


__all__ = ["BaseOptions", "Batch", "Chart", "Check", "Dispute", "Findings", "Fix", "Fold", "Result", "RowCheck", "Severity",
           "option"]


@dataclass(frozen=True)
class Fold:
    """Findings of other checks that one finding of this check explains and therefore replaces.

    Attributes:
        codes: codes whose findings fold.
        images: only those on these images; None for all.
        messages: only those whose template holds one of these texts; empty for all.
    """

    codes: tuple[str, ...]
    images: frozenset[str] | None = None
    messages: tuple[str, ...] = ()

    def covers(self, findings: Findings) -> NDArray[np.bool_]:
        """Return the mask of the findings (of a check with one of the codes) that fold."""
        covered = np.ones(len(findings), bool)
        if self.images is not None:
            covered &= np.array([image in self.images for image in findings.columns["image"].tolist()], bool)
        if self.messages:
            told = np.array([any(m in t.message for m in self.messages) for t in findings.templates] or [False])
            covered &= told[findings.columns["template"]]
        return covered


@dataclass(frozen=True)
class Dispute:
    """Images whose size, frame or convention a finding puts in doubt: a fix that moves or drops their boxes is unsafe.

    Attributes:
        images: paths; None for all.
    """

    images: frozenset[str] | None = None


@dataclass(frozen=True)
class Result:
    """What a check found out.

    Attributes:
        findings: what is wrong.
        metrics: numbers and short texts, JSON-ready (dict, list, str, int, float, bool, None), measured either way.
        tables: by title, for all reports that people read: `Columns` or frames, or functions that make them.
        charts: charts as data.
        folds: findings of other checks that these findings explain; the count is added as value `folded`.
        disputes: images on which no fix of a box is safe any more; say `can_dispute` too.
        does_not_apply: why the set has nothing that could be judged, where only its records tell; nothing else is said then.
    """

    findings: Findings = field(default_factory=Findings.none)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Table | Callable[[], Table]] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    folds: tuple[Fold, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    does_not_apply: str = ""


class Check(ABC, Generic[S, O]):
    """A check with a mergeable state.

    Laws (run by `dsinspect.testing`): any sharding gives the same result; `merge` is associative and changes
    neither argument; states pickle; a batch with no rows is fine.

    Attributes:
        code: three letters and three digits; never changes its meaning.
        name: the fault, in kebab case.
        severity: of a finding whose template says nothing else.
        options_type: the struct of its options.
        needs: probe columns and format columns without which the check is skipped.
        can_dispute: its result may hold `disputes`; `dsinspect fix` asks it even when it is not selected.
        wants: probe columns and format columns it uses when they can be had; look with `in batch.image_columns`.
        describes_set: its metrics, tables and charts describe the set; reports show them even when it is not selected and so judges
            nothing. It is never a reason to measure a file then.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    options_type: ClassVar[type[BaseOptions]] = BaseOptions
    needs: ClassVar[tuple[str, ...]] = ()
    wants: ClassVar[tuple[str, ...]] = ()
    can_dispute: ClassVar[bool] = False
    describes_set: ClassVar[bool] = False

    def __init__(self, options: O | None = None) -> None:
        self.options: O = options if options is not None else self.options_type()  # type: ignore[assignment]

    @abstractmethod
    def map(self, batch: Batch) -> S:
        """Summarise one batch."""

    @abstractmethod
    def merge(self, a: S, b: S) -> S:
        """Join two states into a new one; `a` comes before `b`."""

    @abstractmethod
    def finish(self, state: S, dataset: DatasetInfo) -> Result:
        """Turn the state of the whole set into findings, metrics, tables and charts."""


class RowCheck(Check[tuple[Findings, ...], O]):
    """A check that judges each row on its own, or rows within one image; write `find` only."""

    @abstractmethod
    def find(self, batch: Batch) -> Findings:
        """Return what is wrong in one batch."""

    def map(self, batch: Batch) -> tuple[Findings, ...]:
        """Return the findings of the batch as a state."""
        found = self.find(batch)
        if not isinstance(found, Findings):
            raise TypeError(f"find returned {found!r:.40}, which is no Findings")
        return (found,) if len(found) else ()

    def merge(self, a: tuple[Findings, ...], b: tuple[Findings, ...]) -> tuple[Findings, ...]:
        """Chain the findings."""
        return a + b

    def finish(self, state: tuple[Findings, ...], dataset: DatasetInfo) -> Result:
        """Join the findings."""
        return Result(Findings.concat(state))

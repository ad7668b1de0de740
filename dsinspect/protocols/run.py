"""The run: one finished inspection, as reports, fixes and reviews see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from dsinspect.findings.severity import Severity
from dsinspect.findings.wording import counted
from dsinspect.protocols.decisions import NO_SETTINGS, Decision, Settings
from dsinspect.tables.columns import Columns, Table

if TYPE_CHECKING:
    import pandas as pd

    from dsinspect.findings.findings import Chunk, Finding, Findings
    from dsinspect.protocols.chart import Chart
    from dsinspect.tables.dataset import DatasetInfo


Status = Literal["clean", "found", "skipped", "crashed"]


NO_CLASS = "(no known class or image)"
"""Stands in tables of classes for the boxes that belong to none."""


@dataclass(frozen=True)
class Outcome:
    """What one check came to.

    Attributes:
        code: of the check.
        name: of the check.
        severity: in force, after configuration.
        status: `skipped` and `crashed` say why in `metrics["reason"]`.
        findings: in their final order.
        metrics: JSON-ready.
        made: tables by title, or functions that make them; read `table_columns`, or `tables` for frames.
        charts: charts as data.
        limits: the options in force, by name.
        summary: the first line of the check's docstring.
        is_blind: it applies, but could not look at everything: nothing found does not mean clean.
        explanation: what `dsinspect explain` says of the check: why it matters, an example, when to ignore it.
    """

    code: str
    name: str
    severity: Severity
    status: Status
    findings: Findings
    metrics: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Table | Callable[[], Table]] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    explanation: str = ""
    is_blind: bool = False

    @property
    def applies(self) -> bool:
        """False where the check does not apply to the set: its format has no such thing, or no trainer is named."""
        return bool(self.metrics.get("applies", True)) or self.status != "skipped"

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the findings; None where there is none."""
        ranks = self.findings.severities(self.severity)
        return list(Severity)[int(ranks.max())] if len(ranks) else None

    @cached_property
    def table_columns(self) -> Mapping[str, Columns]:
        """The tables of the check as columns, by title."""
        return {title: Columns.of(table() if callable(table) else table) for title, table in self.made.items()}

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables of the check as frames, by title."""
        return {title: table.frame for title, table in self.table_columns.items()}

    def iterate(self) -> Iterator[Finding]:
        """Yield the findings one by one with their messages made."""
        return self.findings.iterate(self.code, self.severity)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the findings with their messages made, some thousand at a time."""
        return self.findings.chunks(self.code, self.severity)

    def first(self, count: int) -> list[Finding]:
        """Return the first findings, `count` at most."""
        return list(self.findings.iterate(self.code, self.severity, range(min(count, len(self.findings)))))


class Census:
    """Counts of the whole set.

    Attributes:
        images: number of image records.
        annotations: number of annotation records.
        category_columns: `category_id`, `name`, `annotations`, `images` (images with at least one box of it).
        split_columns: `name`, `images`, `annotations`.
        arrays: images that are arrays by their name (.npy, .npz), which nobody opens.
    """

    def __init__(self, images: int, annotations: int, categories: Columns | pd.DataFrame,
                 splits: Columns | pd.DataFrame, arrays: int = 0) -> None:
        """Take tables as columns or as frames."""
        self.images = images
        self.arrays = arrays
        self.annotations = annotations
        self.category_columns = Columns.of(categories)
        self.split_columns = Columns.of(splits)

    def largest_first(self) -> list[tuple[str, int, int]]:
        """Return name, boxes and images of each category, by boxes and then by name."""
        c = self.category_columns
        rows = zip(c["name"].tolist(), c["annotations"].tolist(), c["images"].tolist(), strict=True)
        return sorted(rows, key=lambda row: (-row[1], str(row[0])))

    @property
    def categories(self) -> pd.DataFrame:
        """The categories as a pandas frame."""
        return self.category_columns.frame

    @property
    def splits(self) -> pd.DataFrame:
        """The splits as a pandas frame."""
        return self.split_columns.frame


class KnownFinding(msgspec.Struct, frozen=True):
    """A finding as a baseline remembers it; `fingerprint` is what counts."""

    fingerprint: str
    code: str
    message: str
    image: str | None = None


@dataclass(frozen=True)
class BaselineSummary:
    """What a baseline did to a run.

    Attributes:
        known: number of findings that are hidden.
        stale: entries whose finding is gone.
    """

    known: int
    stale: tuple[KnownFinding, ...]


@dataclass(frozen=True)
class Run:
    """One finished inspection.

    Attributes:
        path: the dataset as the user named it.
        info: what the reader knew.
        census: counts.
        outcomes: one per selected check, by code.
        described: what checks that were not selected measured of the set; without findings. Reports show `measured`.
        image_columns: all images with their measurements, when a report asked for them.
        annotation_columns: all annotations with `path`, when a report asked for them.
        timings: stage, probe or check to seconds.
        baseline: what the baseline did, when there is one.
        troubles: why some measurements could not be had at all, for stderr.
        settings: in force, for reports whose decisions are applied later.
        no_place: actions of edits that the dataset's format has no place for; decisions that need them are not offered.
        fail_on: lowest severity that makes a gate of the run fail: `error`, `warning`, `info`, `skipped` (errors, and checks that
            could not look), or `never`.
        allow_empty: a set without images, boxes or image files lets a gate pass.
        positions: gives line and column, from 1, of the records of a file (its source, and `images`, `annotations` or `faults`), by
            their index; empty where the format's records are lines.
        decisions: of earlier reviews, which reports that take decisions show beside their findings.
        own_columns: of earlier reviews: header of a column that a reviewer added to fingerprint to the cell.
        own_cells: the same of other sheets: title to header to what the row is about (a class, an image, ...) to the cell.
    """

    path: str
    info: DatasetInfo
    census: Census
    outcomes: tuple[Outcome, ...]
    image_columns: Columns | None = None
    annotation_columns: Columns | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    baseline: BaselineSummary | None = None
    troubles: tuple[str, ...] = ()
    settings: Settings = NO_SETTINGS
    no_place: frozenset[str] = frozenset()
    decisions: tuple[Decision, ...] = ()
    own_columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own_cells: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    fail_on: str = "error"
    allow_empty: bool = False
    positions: Callable[[str, str], Sequence[tuple[int, int]]] | None = None
    described: tuple[Outcome, ...] = ()

    @property
    def measured(self) -> tuple[Outcome, ...]:
        """Everything whose metrics, tables and charts are shown: the outcomes and what was described, by code."""
        return tuple(sorted((*self.outcomes, *self.described), key=lambda o: o.code)) if self.described else self.outcomes

    @property
    def images(self) -> pd.DataFrame | None:
        """All images as a pandas frame, when a report asked for them."""
        return None if self.image_columns is None else self.image_columns.frame

    @property
    def annotations(self) -> pd.DataFrame | None:
        """All annotations as a pandas frame, when a report asked for them."""
        return None if self.annotation_columns is None else self.annotation_columns.frame

    def fails(self, outcome: Outcome) -> bool:
        """Say whether a check makes the gate fail."""
        if self.fail_on == "never":
            return False
        if self.fail_on == "skipped" and outcome.is_blind:
            return True
        limit = Severity.ERROR if self.fail_on == "skipped" else Severity(self.fail_on)
        return bool((outcome.findings.severities(outcome.severity) >= limit.rank).any())

    @property
    def emptiness(self) -> str | None:
        """What is missing altogether, so that no finding means nothing: boxes, images or their files; None when all are there."""
        images, boxes = self.census.images, self.census.annotations
        nothing = "" if images and boxes else f"{counted(images, 'image')} and {counted(boxes, 'box')}: there is nothing to judge"
        return "; ".join(filter(None, (nothing, self._unseen if images else None))) or None

    @property
    def extent(self) -> str:
        """How many images and boxes it is about, and what is missing altogether, in words; nothing twice."""
        images, boxes = self.census.images, self.census.annotations
        if self.emptiness and not (images and boxes):
            return self.emptiness
        return f"{counted(images, 'image')}, {counted(boxes, 'box')}" + (f"; {self.emptiness}" if self.emptiness else "")

    @property
    def _unseen(self) -> str | None:
        """Why nobody looked at any file of an image; None where one is there."""
        images = self.census.images
        if not self.info.has_files and self.census.arrays == images:
            return "images are arrays (.npy), which are not opened: nobody looked at them; judge the set they were made of"
        if not self.info.has_files and (same := next((p for p in self.info.problems if p.kind == "same-names"), None)):
            return f"{same.reason}: nobody looked at them; name the right folder with --images"
        if not self.info.has_files:
            if images == 1:
                return "the file of the image is not here: nobody looked at it; name its folder with --images"
            return f"no file of the {images:,} images is here: nobody looked at them; name their folder with --images"
        return None

    @property
    def fails_empty(self) -> bool:
        """Say whether a gate fails because there is nothing to judge, whatever was found."""
        return self.emptiness is not None and not self.allow_empty and self.fail_on != "never"

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(int((o.findings.severities(o.severity) == severity.rank).sum()) for o in self.outcomes)

    def outcome(self, code: str) -> Outcome | None:
        """Return what the check of that code came to, or None when it was not selected."""
        return next((o for o in self.outcomes if o.code == code), None)

    @property
    def crashed(self) -> tuple[Outcome, ...]:
        """The checks that crashed."""
        return tuple(o for o in self.outcomes if o.status == "crashed")

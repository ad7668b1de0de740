"""The check protocol: judge tables, never open a file.

A check maps each batch to a state, states merge in any grouping, and the last state finishes into a result.
A check that looks at one row at a time is a `RowCheck` and writes only `find`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from dsinspect.columns import Columns, at_rows, codes_of, distinct
from dsinspect.findings import Findings, Fix
from dsinspect.model import DatasetInfo, Tables, boxes_xyxy
from dsinspect.options import BaseOptions, option
from dsinspect.severity import Severity

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

S = TypeVar("S")
T = TypeVar("T")
O = TypeVar("O", bound=BaseOptions)  # noqa: E741

__all__ = ["BaseOptions", "Batch", "Chart", "Check", "Findings", "Fix", "Fold", "Result", "RowCheck", "Severity",
           "option"]


class Batch(Tables):
    """One shard, measured, as checks see it. Boxes are in px of the image as annotated.

    Each table is there as NumPy columns (`batch.image_columns["width"]`) and as a pandas frame over the same arrays
    (`batch.images`), made when a check asks for it. They are shared by all checks: never change them.

    Attributes:
        dataset: what is known of the whole set.
        image_columns: `model.IMAGE_COLUMNS`, the columns of the probes, and `frame_width` `frame_height`: the size the
            boxes live in, px: the measured one when there is a file (turned as EXIF says when only that fits the declared
            size, or the format says so), else the declared one; NaN when neither is known.
        annotation_columns: `model.ANNOTATION_COLUMNS`.
        problem_columns: `model.PROBLEM_COLUMNS`.
    """

    def __init__(self, dataset: DatasetInfo, images: Columns | pd.DataFrame, annotations: Columns | pd.DataFrame,
                 problems: Columns | pd.DataFrame) -> None:
        """Take tables as columns or as frames."""
        super().__init__(images, annotations, problems)
        self.dataset = dataset
        self._memo: dict[Any, Any] = {}

    def once(self, function: Callable[[Batch], T]) -> T:
        """Return `function(self)`, computed once per batch however many checks ask."""
        if function not in self._memo:
            self._memo[function] = function(self)
        result: T = self._memo[function]
        return result

    @cached_property
    def boxes_xyxy(self) -> NDArray[np.float64]:
        """(N, 4) float64 boxes, px: x_min, y_min, x_max, y_max."""
        return boxes_xyxy(self.annotation_columns)

    @cached_property
    def box_image_wh(self) -> NDArray[np.float64]:
        """(N, 2) float64 width and height of each annotation's image frame, px; NaN where unknown."""
        rows = self.annotation_columns["image_row"]
        return np.stack([at_rows(self.image_columns[c], rows) for c in ("frame_width", "frame_height")]).T

    @cached_property
    def category_codes(self) -> tuple[NDArray[np.intp], list[str]]:
        """Code of each annotation's category (-1 for an unknown one), and the names the codes stand for."""
        return codes_of(self.annotation_columns["category"])

    @cached_property
    def image_categories(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of images and codes of categories: each pair that occurs once, unknown images and categories left out."""
        codes, names = self.category_codes
        rows = self.annotation_columns["image_row"]
        known = (codes >= 0) & (rows >= 0)
        width = max(len(names), 1)
        pairs = distinct(rows[known] * width + codes[known])
        return pairs // width, pairs % width

    @cached_property
    def is_region(self) -> NDArray[np.bool_]:
        """Mask of crowd and ignored regions."""
        mask: NDArray[np.bool_] = self.annotation_columns["is_crowd"] | self.annotation_columns["is_ignored"]
        return mask

    @cached_property
    def has_unknown_size(self) -> NDArray[np.bool_]:
        """Mask of the annotations whose box in px is unknown: fractions of an image of unknown size."""
        if self.dataset.box_units == "px":
            return np.zeros(len(self.annotation_columns), bool)
        return np.asarray(np.isnan(self.box_image_wh).any(axis=1), bool)


@dataclass(frozen=True)
class Chart:
    """A chart as data; each report draws it in its own way.

    Attributes:
        kind: `bar`, `histogram`, `scatter` or `heatmap`.
        title: what it shows.
        x: categories, bin edges (one more than `y`), or x coordinates.
        y: heights or y coordinates; rows of values for a heatmap.
        x_label: name and unit of x.
        y_label: name and unit of y.
    """

    kind: str
    title: str
    x: tuple[Any, ...]
    y: tuple[Any, ...]
    x_label: str = ""
    y_label: str = ""


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
class Result:
    """What a check found out.

    Attributes:
        findings: what is wrong.
        metrics: numbers and short texts, JSON-ready (dict, list, str, int, float, bool, None), measured either way.
        tables: frames for the workbook and the web page, or functions that make them when a report asks.
        charts: charts as data.
        folds: findings of other checks that these findings explain; the count is added as value `folded`.
    """

    findings: Findings = field(default_factory=Findings.none)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame | Callable[[], pd.DataFrame]] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    folds: tuple[Fold, ...] = ()


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
        wants: probe columns and format columns it uses when they can be had; look with `in batch.image_columns`.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    options_type: ClassVar[type[BaseOptions]] = BaseOptions
    needs: ClassVar[tuple[str, ...]] = ()
    wants: ClassVar[tuple[str, ...]] = ()

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
        return (found,) if len(found) else ()

    def merge(self, a: tuple[Findings, ...], b: tuple[Findings, ...]) -> tuple[Findings, ...]:
        """Chain the findings."""
        return a + b

    def finish(self, state: tuple[Findings, ...], dataset: DatasetInfo) -> Result:
        """Join the findings."""
        return Result(Findings.concat(state))

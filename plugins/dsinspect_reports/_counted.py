"""What the reports for people share: one count of the boxes of a class, which tables and charts are shown, how numbers read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dsinspect.protocols.chart import Chart

if TYPE_CHECKING:
    from dsinspect.protocols.run import Outcome, Run
    from dsinspect.tables.columns import Columns

BOX_COLUMNS = ("boxes", "annotations")
CENSUS_COLUMNS = frozenset((*BOX_COLUMNS, "images", "share"))
"""Columns of a table per class that reports show already, counted over all records."""


def worst_first(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return checks in the order in which every report for people shows them: those with errors first, then by code."""
    return sorted(outcomes, key=lambda o: (1 if (worst := o.worst) is None else -worst.rank, o.code))


def words(name: str) -> str:
    """Return the name of a column as people write it.

    >>> words("repeat_factor"), words("car")
    ('Repeat factor', 'Car')
    """
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def is_matrix(table: Columns) -> bool:
    """Say whether a table has classes across and down: its headers are names of the dataset, and stay as they are."""
    first, *others = table
    return bool(others and set(others) & set(map(str, table[first].tolist())))


def is_per_class(table: Columns) -> bool:
    """Say whether a table has a row per class, and is no matrix of classes by classes."""
    names = list(table)
    if len(names) < 2 or names[0] != "class":
        return False
    classes = table["class"].tolist()
    return len(set(map(str, classes))) == len(classes) and not is_matrix(table)


def header(table: Columns, name: str) -> str:
    """Return the header of a column of a check's table."""
    return name if is_matrix(table) and name != next(iter(table)) else words(name)


@dataclass(frozen=True)
class PerClass:
    """A column of a check's table per class: its values by class, and whether they are parts of 1."""

    values: Mapping[Any, Any]
    outcome: Outcome
    is_share: bool


def per_class(run: Run) -> dict[str, PerClass]:
    """Return what checks say of each class, by header: the columns of their tables per class that the census does not have."""
    columns: dict[str, PerClass] = {}
    for outcome in run.measured:
        for one, table in outcome.table_columns.items():
            if not is_per_class(table):
                continue
            classes, *names = table
            own = [n for n in names if n not in CENSUS_COLUMNS]
            for name in own or names:
                title = (f"{one}, {words(name).lower()}" if not own else
                         words(one if name in one.lower().split() else name))  # Small objects, not Small
                title = title if title not in columns else f"{title} ({outcome.code})"
                columns[title] = PerClass(dict(zip(table[classes].tolist(), table[name].tolist(), strict=True)), outcome,
                                          is_share(name))
    return columns


def other_tables(run: Run) -> Iterator[tuple[Outcome, str, Columns]]:
    """Yield the tables of all checks that are not per class, with their titles."""
    for outcome in run.measured:
        for title, table in outcome.table_columns.items():
            if list(table) and not is_per_class(table):
                yield outcome, title, table


def is_share(name: str) -> bool:
    """Say whether a column holds parts of 1, which people read as per cent."""
    return name == "share" or name.endswith(("_share", " share"))


def class_chart(run: Run) -> Chart:
    """Return the boxes of each class, counted over all records."""
    rows = run.census.largest_first()
    return Chart("bar", "Boxes per class", tuple(n for n, _, _ in rows), tuple(b for _, b, _ in rows), "class", "boxes")


def draws_the_same(chart: Chart, census: Chart) -> bool:
    """Say whether a chart of a check draws what the census has, by its own count: bars of one title over classes."""
    return chart.kind == "bar" and chart.title == census.title and set(map(str, chart.x)) <= set(map(str, census.x))


def says_something(chart: Chart) -> bool:
    """Say whether a chart shows more than one number: all images of one size make a chart without any shape."""
    if chart.kind == "heatmap":
        return len(chart.y) > 0 and any(v for row in chart.y for v in row)
    if chart.kind == "scatter":
        return len(set(zip(chart.x, chart.y, strict=False))) > 1
    return sum(bool(v) for v in chart.y) > 1


def is_of_counts(chart: Chart) -> bool:
    """Say whether each column of a histogram is one whole number, which is then its name: 0 to 1 is 0, without 1."""
    edges = [float(v) for v in chart.x]
    return chart.kind == "histogram" and all(b - a == 1 and a.is_integer() for a, b in pairwise(edges))


def charts_of_checks(run: Run) -> Iterator[tuple[Outcome, Chart]]:
    """Yield the charts of all checks that are worth drawing, and do not draw again what the census does."""
    census = class_chart(run)
    return ((o, c) for o in run.measured for c in o.charts if says_something(c) and not draws_the_same(c, census))


def cell_text(value: Any, as_percent: bool = False) -> str:
    """Return the value of a cell as people write it.

    >>> cell_text(27980), cell_text(0.1234, True), cell_text(None), cell_text(True)
    ('27,980', '12.3%', '', 'yes')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    return percent(value) if as_percent else number_text(value)


def number_text(value: float) -> str:
    """Return a number with as many digits as say something.

    >>> number_text(27980), number_text(0.08881), number_text(1234.5)
    ('27,980', '0.08881', '1,234')
    """
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"


def percent(share: float) -> str:
    """Return a part of 1 in per cent; what is not none is not shown as none."""
    return f"{share:.1%}" if share >= 0.001 or not share else "<0.1%"


def counted_otherwise(run: Run, outcome: Outcome, table: Columns) -> str:
    """Say how many of all boxes a table per class counts; empty when it counts all, or no boxes."""
    name = next((c for c in BOX_COLUMNS if c in table), None)
    if name is None or next(iter(table)) != "class" or table[name].dtype.kind not in "iuf":
        return ""
    counted, boxes = int(table[name].sum()), run.census.annotations
    return "" if counted == boxes else (
        f"{outcome.code} counts {counted:,} of the {boxes:,} boxes: those that it can judge (a known class and image, and an area "
        "where it needs one).")

"""Counts and headers that page and workbook share: one count of the boxes of a class, and what a check counts otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dsinspect.protocols.chart import Chart

if TYPE_CHECKING:
    from dsinspect.protocols.run import Outcome, Run

BOX_COLUMNS = ("boxes", "annotations")


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


def is_matrix(table: Any) -> bool:
    """Say whether a table has classes across and down: its headers are names of the dataset, and stay as they are."""
    return bool(len(table.columns) > 1 and set(map(str, table.columns[1:])) & set(map(str, table.iloc[:, 0])))


def header(table: Any, name: str) -> str:
    """Return the header of a column of a check's table."""
    return name if is_matrix(table) and name != str(table.columns[0]) else words(name)


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


def counted_otherwise(run: Run, outcome: Outcome, table: Any) -> str:
    """Say how many of all boxes a table per class counts; empty when it counts all, or no boxes."""
    name = next((c for c in BOX_COLUMNS if c in table.columns), None)
    if name is None or str(table.columns[0]) != "class":
        return ""
    counted, boxes = int(table[name].sum()), run.census.annotations
    return "" if counted == boxes else (
        f"{outcome.code} counts {counted:,} of the {boxes:,} boxes: those that it can judge (a known class and image, and an area "
        "where it needs one).")

"""Charts as a few lines of text, for the terminal and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dsinspect.protocols.chart import Chart
from dsinspect_reports._counted import is_of_counts, number_text
from dsinspect_reports._terminal import bar, clipped, spark, speaks_unicode

MAX_BARS = 6
BAR_WIDTH = 24
NAME_WIDTH = 20
GRID_ROWS, GRID_COLUMNS = 8, 24
"""Cells of a heat map or a scatter plot; a character is about twice as high as it is wide."""


def lines_of(chart: Chart, unicode: bool | None = None) -> list[str]:
    """Return a chart as lines without its title; none for a kind that is not known.

    Args:
        chart: what to draw; its texts may be hostile.
        unicode: whether block characters can be shown; asks stdout when None.
    """
    kinds = {"bar": _bars, "histogram": _histogram, "heatmap": _heatmap, "scatter": _scatter}
    return kinds[chart.kind](chart, unicode) if chart.kind in kinds else []


def _bars(chart: Chart, unicode: bool | None) -> list[str]:
    """Draw the first bars, a line each."""
    heights = [_finite(v) for v in chart.y[:MAX_BARS]]
    names = [clipped(str(n), NAME_WIDTH, unicode) for n in chart.x[:MAX_BARS]]
    top = max((_finite(v) for v in chart.y), default=0.0) or 1.0
    width = max(map(len, names), default=0)
    lines = [f"{name:{width}}  {bar(max(value, 0.0) / top, BAR_WIDTH, unicode):{BAR_WIDTH}} {number_text(value)}"
             for name, value in zip(names, heights, strict=True)]
    more = len(chart.y) - len(lines)
    return [*lines, *([f"and {more:,} more"] if more > 0 else [])]


def _histogram(chart: Chart, unicode: bool | None) -> list[str]:
    """Draw all columns on one line, between the first edge and the last, or the first number and the last."""
    marks = spark([_finite(v) for v in chart.y], unicode)
    of = f"  {clipped(chart.x_label, 60, unicode)}" if chart.x_label else ""
    if not chart.x:
        return []
    low, high = chart.x[0], chart.x[-2 if is_of_counts(chart) and len(chart.x) > 1 else -1]
    return [f"{number_text(_finite(low))} {marks} {number_text(_finite(high))}{of}"]


def _heatmap(chart: Chart, unicode: bool | None) -> list[str]:
    """Draw the cells, those that share a character added up."""
    down, across = len(chart.y), max(map(len, chart.y), default=0)
    rows, columns = min(GRID_ROWS, down), min(GRID_COLUMNS, 2 * GRID_ROWS if across >= 2 * GRID_ROWS else across)
    cells = [[0.0] * columns for _ in range(rows)]
    for k, row in enumerate(chart.y):
        for i, value in enumerate(row):
            cells[k * rows // down][i * columns // across] += _finite(value)
    labels = [f"{clipped(chart.x_label, 24, unicode)} across, {clipped(chart.y_label, 24, unicode)} down"]
    return [*_grid(cells, unicode), *(labels if chart.x_label and chart.y_label else [])]


def _scatter(chart: Chart, unicode: bool | None) -> list[str]:
    """Draw how many points lie in each cell, on axes that begin at 0, y upwards."""
    points = [(float(x), float(y)) for x, y in zip(chart.x, chart.y, strict=False) if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return []
    top_x, top_y = (max(max(p[k] for p in points), 0.0) or 1.0 for k in (0, 1))
    cells = [[0.0] * GRID_COLUMNS for _ in range(GRID_ROWS)]
    for x, y in points:
        if x >= 0 and y >= 0:
            row = GRID_ROWS - 1 - min(int(y / top_y * GRID_ROWS), GRID_ROWS - 1)
            cells[row][min(int(x / top_x * GRID_COLUMNS), GRID_COLUMNS - 1)] += 1
    return [*_grid(cells, unicode), *(f"{clipped(label or name, 24, unicode)}: 0 to {number_text(top)}"
                                      for label, name, top in ((chart.x_label, "x", top_x), (chart.y_label, "y", top_y)))]


def _grid(cells: Sequence[Sequence[float]], unicode: bool | None) -> list[str]:
    """Return a frame around cells, darker the larger; the square root lets few be seen beside many."""
    unicode = speaks_unicode() if unicode is None else unicode
    shades = " ░▒▓█" if unicode else " .:+#"
    top = max((v for row in cells for v in row), default=0.0) or 1.0
    side, rule = ("│", "─") if unicode else ("|", "-")
    corners = "┌┐└┘" if unicode else "++++"
    width = len(cells[0]) if cells else 0
    steps = len(shades) - 1
    inside = ["".join(shades[0 if v <= 0 else max(1, math.ceil(math.sqrt(v / top) * steps))] for v in row) for row in cells]
    return [corners[0] + rule * width + corners[1], *(side + row + side for row in inside), corners[2] + rule * width + corners[3]]


def _finite(value: object) -> float:
    """Return a number, 0 for what is none."""
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else 0.0

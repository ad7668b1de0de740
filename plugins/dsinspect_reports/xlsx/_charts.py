"""Charts of the census and of every check, drawn with the spreadsheet program's own, which stay editable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl.chart import BarChart, Reference, ScatterChart, Series
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, OneCellAnchor
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties
from openpyxl.drawing.xdr import XDRPositiveSize2D
from openpyxl.formatting.rule import ColorScaleRule
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from dsinspect.protocols.chart import Chart
from dsinspect.protocols.run import Run
from dsinspect_reports._counted import charts_of_checks, class_chart, says_something
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._tables import print_layout, text_width

DATA_SHEET = "Chart data"
MAX_BARS = 30
"""Bars of a chart; the sheets of tables list all."""
MAX_LABEL = 24
"""Characters of a name at a bar."""
MAX_TICKS = 16
"""Labels at bars in the usual size of letters: more of them touch."""
MAX_POINTS = 1000
CHART_CM = (15.5, 8.6)
"""Width and height of a chart, cm."""
FRONT_PLACES = ((1, 0.0, 12.0), (5, 0.0, 8.6), (5, 8.9, 8.6))
"""Column, distance from its edge and width, cm, of the charts on the first sheet."""
EMU_PER_CM = 360_000
"""English Metric Units."""
ROWS_EACH = 20
"""Rows of the sheet Charts that a chart takes."""
DARK = 0.5
"""Share of the largest number from which on the ground of a cell is dark."""
PAGE_ROWS = 2
"""Rows of charts on a printed page."""


@dataclass(frozen=True)
class Drawn:
    """A chart and its data.

    Attributes:
        chart: to draw.
        origin: what it is of, for the sheet Charts.
    """

    chart: Chart
    origin: str


def charts_of(run: Run) -> list[Drawn]:
    """Return what is worth drawing: the classes by the census, then the charts of the checks; not one bar alone."""
    census = class_chart(run)
    drawn = [Drawn(census, "all records")] if says_something(census) else []
    return [*drawn, *(Drawn(chart, f"{o.code} {o.name}") for o, chart in charts_of_checks(run))]


def front_charts(drawn: Sequence[Drawn]) -> list[Drawn]:
    """Return those for the first sheet: the first of each kind that is drawn as a chart."""
    first: dict[str, Drawn] = {}
    for d in drawn:
        if d.chart.kind in ("bar", "histogram", "scatter"):
            first.setdefault(d.chart.kind, d)
    return list(first.values())[:3]


def write_charts(book: Any, front: Any, drawn: Sequence[Drawn], front_row: int) -> None:
    """Draw charts on the first sheet and on the sheet Charts, whose data stand on a hidden one.

    Args:
        book: gets both sheets.
        front: the first sheet.
        drawn: what to draw.
        front_row: row of the first sheet for the upper edges.
    """
    if not drawn:
        return
    shown = book.create_sheet("Charts")
    shown.sheet_view.showGridLines = False
    print_layout(shown)
    data = book.create_sheet(DATA_SHEET)
    data.sheet_state = "hidden"
    columns: list[list[Any]] = []
    places: list[tuple[Drawn, int]] = []
    grids = [d for d in drawn if d.chart.kind == "heatmap"]
    for d in drawn:
        if d.chart.kind != "heatmap":
            places.append((d, len(columns) + 1))
            columns += _columns(d.chart)
    for k in range(max(map(len, columns), default=0)):
        data.append([style.cell(data, c[k]) if k < len(c) else None for c in columns])
    for k, (d, at) in enumerate(places):
        row, column = divmod(k, 2)
        shown.add_chart(_made(d.chart, data, at, f"{d.chart.title} ({d.origin})"), f"{'BL'[column]}{2 + row * ROWS_EACH}")
    rows = (len(places) + 1) // 2
    for row in range(PAGE_ROWS, rows + 1, PAGE_ROWS):  # no chart over the edge of a page
        shown.row_breaks.append(Break(id=1 + row * ROWS_EACH))
    first = front_charts(drawn)
    for d, (column, offset_cm, width_cm) in zip(first, FRONT_PLACES, strict=False):
        chart = _made(d.chart, data, next(at for other, at in places if other is d), d.chart.title)
        chart.anchor = OneCellAnchor(
            _from=AnchorMarker(col=column, colOff=round(offset_cm * EMU_PER_CM), row=front_row - 1, rowOff=0),
            ext=XDRPositiveSize2D(round(width_cm * EMU_PER_CM), round(8.6 * EMU_PER_CM)))
        front._charts.append(chart)
    _write_grids(shown, grids, 2 + (len(places) + 1) // 2 * ROWS_EACH)


def _columns(chart: Chart) -> list[list[Any]]:
    """Return the data of a chart in two columns with headers; the least bars are left out beyond `MAX_BARS`."""
    if chart.kind == "scatter":
        return [[chart.x_label, *map(float, chart.x[:MAX_POINTS])], [chart.y_label, *map(float, chart.y[:MAX_POINTS])]]
    if chart.kind == "histogram":
        return [[chart.x_label, *(f"{float(a):,.4g}" for a in chart.x[:-1])], [chart.y_label, *map(float, chart.y)]]
    names = [shortened(str(name)) for name in chart.x[:MAX_BARS]]
    return [[chart.x_label, *names], [chart.y_label, *map(float, chart.y[:MAX_BARS])]]


def shortened(name: str) -> str:
    """Return a name that fits beside a bar, on one line: a longer one takes the room of the bars.

    >>> shortened("a" * 99)
    'aaaaaaaaaaaaaaaaaaaaaaa…'
    """
    name = " ".join(name.split())
    if text_width(name) <= MAX_LABEL:
        return name
    return next(name[:k] for k in range(len(name), -1, -1) if text_width(name[:k]) < MAX_LABEL) + "…"


def _made(chart: Chart, data: Any, at: int, title: str) -> Any:
    """Return a chart over two columns of the data."""
    count = min(len(chart.y), MAX_POINTS if chart.kind == "scatter" else 10**6 if chart.kind == "histogram" else MAX_BARS)
    made: Any
    x, y = (Reference(data, min_col=at + k, min_row=2, max_row=count + 1) for k in (0, 1))
    if chart.kind == "scatter":
        made = ScatterChart()
        made.style, made.scatterStyle = 13, "marker"
        series = Series(y, x, title=chart.title)
        series.marker.symbol, series.marker.size = "circle", 7
        series.marker.graphicalProperties = GraphicalProperties(solidFill=style.SERIES[1])
        series.graphicalProperties.line.noFill = True
        made.series.append(series)
        made.x_axis.scaling.min = made.y_axis.scaling.min = 0
    else:
        made = BarChart()
        lying = chart.kind == "bar" and (count > 8 or any(text_width(str(n)) > 9 for n in chart.x))
        made.type, made.style = "bar" if lying else "col", 10
        made.append(Series(y, title=chart.title))
        made.set_categories(x)
        made.gapWidth = 8 if chart.kind == "histogram" else 40
        made.series[0].graphicalProperties = GraphicalProperties(solidFill=style.SERIES[0 if chart.kind == "bar" else 2])
        made.y_axis.scaling.min = 0
        if lying:
            made.x_axis.scaling.orientation = "maxMin"
            made.y_axis.crosses = "max"  # the first bar is the upper one, and the numbers stay below
        if count > MAX_TICKS:
            made.x_axis.txPr = _small_text()
    made.title = title + (f", the {MAX_BARS} with the most" if chart.kind == "bar" and len(chart.y) > MAX_BARS else "")
    made.legend = None
    counts = all(float(v).is_integer() for v in chart.x) if chart.kind == "histogram" else True
    made.x_axis.title = chart.x_label + ("" if counts or not chart.x_label else ", from") or None  # bars begin at their labels
    made.y_axis.title = chart.y_label or None
    made.width, made.height = CHART_CM
    made.x_axis.delete = made.y_axis.delete = False  # which LibreOffice and newer Excels otherwise leave out
    made.y_axis.majorGridlines.spPr = GraphicalProperties(ln=None)
    return made



def _small_text() -> RichText:
    """Return properties of labels in small letters."""
    letters = ParagraphProperties(defRPr=CharacterProperties(sz=700))
    return RichText(p=[Paragraph(pPr=letters, endParaRPr=CharacterProperties())])


def _write_grids(sheet: Any, grids: Iterable[Drawn], row: int) -> None:
    """Write heat maps as coloured cells below the charts."""
    grids = list(grids)
    if not grids:
        return
    wide = max(len(r) for d in grids for r in d.chart.y)
    for k in range(wide):
        sheet.column_dimensions[get_column_letter(k + 2)].width = 8
    for _ in range(row - 1):
        sheet.append([])
    for d in grids:
        chart = d.chart
        sheet.append([None, style.cell(sheet, f"{chart.title} ({d.origin}): {chart.x_label} across, {chart.y_label} down".replace(
            ":  across,  down", ""), style.HEADING, alignment=style.MIDDLE)])
        first = row + 1
        most = max(float(v) for values in chart.y for v in values)
        for values in chart.y:
            sheet.append([None, *(style.cell(sheet, float(v), style.ON_DARK if v > DARK * most else style.ON_LIGHT,
                                             number_format="#,##0;;", border=style.GRID) for v in values)])
        last = first + len(chart.y) - 1
        rule: Any = ColorScaleRule
        sheet.conditional_formatting.add(f"B{first}:{get_column_letter(len(chart.y[0]) + 1)}{last}", rule(
            start_type="num", start_value=0, start_color="FFFFFF", end_type="max", end_color=style.SERIES[0]))
        sheet.append([])
        row = last + 2

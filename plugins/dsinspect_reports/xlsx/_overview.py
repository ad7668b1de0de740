"""The sheets a person reads first: Summary, Classes, Sizes, Splits and About."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openpyxl.chart import BarChart, Reference, ScatterChart, Series
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.formatting.rule import DataBarRule
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from dsinspect import __version__
from dsinspect.findings.severity import Severity
from dsinspect.protocols.review_sheet import DECISIONS
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._tables import print_layout

FIRST_CHECK_ROW = 26
HOW_TO = ("On the sheet Findings choose a Decision per row, and a New value where one is due; save; then run: "
          "dsinspect review apply WORKBOOK DATASET -o OUT")
CHART_CLASSES = 30
"""Classes drawn in the chart; the sheet lists all."""


def outcome_status(outcome: Outcome) -> str:
    """Return a status, or for findings their worst severity."""
    if outcome.status != "found":
        return outcome.status
    return str(list(Severity)[int(outcome.findings.severities(outcome.severity).max())])


def write_summary(sheet: Any, run: Run, starts: Mapping[str, int]) -> None:
    """Write facts, charts and the verdict per check; the charts' data are in other sheets."""
    widths = (3, 15, 25, 12, 12, 70, 14)
    for k, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(k)].width = width
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    sheet._get_writer()  # from here on the sheet's columns are written, and it takes links
    c = run.census
    sheet.append([])
    sheet.append([None, style.cell(sheet, run.path, style.TITLE, alignment=None)])
    facts = (f"{run.info.format.upper()}   {c.images:,} images   {c.annotations:,} boxes   {len(c.categories):,} classes"
             + (f"   {len(c.splits)} splits" if len(c.splits) else ""))
    sheet.append([None, style.cell(sheet, facts, style.SMALL)])
    sheet.append([])
    counts = [(s, run.count(s)) for s in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
    cells: list[Any] = [None]
    for severity, n in counts:
        text = f"{n:,} {severity}{'s' if n != 1 and severity is not Severity.INFO else ''}"
        name = str(severity) if n else "skipped"
        cells.append(style.cell(sheet, text, style.severity_font(name), fill=style.severity_fill(name)))
    sheet.append(cells)
    for _ in range(FIRST_CHECK_ROW - 8):  # room for the charts
        sheet.append([])
    sheet.append([None, style.cell(sheet, "Checks", style.HEADING)])
    header = ("Verdict", "Check", "Code", "Findings", "What it reports", "Go to")
    sheet.append([None, *(style.cell(sheet, h, style.HEADER_FONT, fill=style.HEADER_FILL) for h in header)])
    row = FIRST_CHECK_ROW - 1
    order = {"crashed": 0, "error": 1, "warning": 2, "info": 3, "skipped": 5, "clean": 4}
    links = []
    for outcome in sorted(run.outcomes, key=lambda o: (order[outcome_status(o)], o.code)):
        row += 1
        status = outcome_status(outcome)
        n = len(outcome.findings)
        told = outcome.summary if outcome.status != "skipped" else str(outcome.metrics.get("reason", ""))
        sheet.append([
            None, style.cell(sheet, style.MARK[status], style.severity_font(status), fill=style.severity_fill(status)),
            style.cell(sheet, outcome.name, style.BOLD if n else style.BODY), style.cell(sheet, outcome.code),
            style.cell(sheet, n, style.BOLD if n else style.SMALL, number_format="#,##0"),
            style.cell(sheet, told.replace("`", ""), style.BODY if n else style.SMALL, alignment=style.INDENT),
            style.cell(sheet, "findings →", style.LINK) if n else None])
        if n:
            links.append(Hyperlink(ref=f"G{row}", location=f"'Findings'!A{starts[outcome.code]}", display="findings"))
    sheet._hyperlinks.extend(links)


def add_charts(summary: Any, book: Any, run: Run) -> None:
    """Draw class balance and image sizes with Excel's own charts, which stay editable."""
    n = min(len(run.census.categories), CHART_CLASSES)
    if n and "Classes" in book.sheetnames:
        sheet = book["Classes"]
        chart: Any = BarChart()
        chart.type, chart.style, chart.title = "bar" if n > 8 else "col", 10, "Boxes per class"
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=n + 1), titles_from_data=True)
        chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=n + 1))
        chart.legend = None
        chart.gapWidth = 40
        chart.series[0].graphicalProperties = GraphicalProperties(solidFill=style.SERIES[0])
        if chart.type == "bar":
            chart.x_axis.scaling.orientation = "maxMin"
        finish_chart(chart, 13.0, 8.4)
        summary.add_chart(chart, "B6")
    outcome = run.outcome("SIZ001")
    sizes = outcome.tables.get("Sizes") if outcome else None
    if sizes is not None and len(sizes) and "Sizes" in book.sheetnames:
        sheet = book["Sizes"]
        chart = ScatterChart()
        chart.style, chart.title, chart.scatterStyle = 13, "Image sizes, px", "marker"
        last = min(len(sizes), 1000) + 1
        series = Series(Reference(sheet, min_col=2, min_row=2, max_row=last),
                        Reference(sheet, min_col=1, min_row=2, max_row=last), title="sizes")
        series.marker.symbol, series.marker.size = "circle", 7
        series.marker.graphicalProperties = GraphicalProperties(solidFill=style.SERIES[1])
        series.graphicalProperties.line.noFill = True
        chart.series.append(series)
        chart.legend = None
        chart.x_axis.title, chart.y_axis.title = "width", "height"
        chart.x_axis.scaling.min = chart.y_axis.scaling.min = 0
        finish_chart(chart, 14.0, 8.4)
        summary.add_chart(chart, "F6")


def finish_chart(chart: Any, width: float, height: float) -> None:
    """Set the size, cm, and show the axes, which LibreOffice and newer Excels otherwise leave out."""
    chart.width, chart.height = width, height
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=None)


def write_classes(sheet: Any, run: Run) -> None:
    """Write one row per class, largest first, with weights and repeat factors, and data bars."""
    headers = ("Class", "Boxes", "Images", "Share", "Inverse-frequency weight", "Effective-number weight", "Repeat factor")
    _table_top(sheet, headers, (30, 12, 12, 10, 26, 26, 16))
    outcome = run.outcome("CLS001")
    table = outcome.tables.get("Classes") if outcome else None
    weights = {} if table is None else {r["class"]: r for r in table.to_dict("records")}
    largest_first = run.census.largest_first()
    total = max(sum(boxes for _, boxes, _ in largest_first), 1)
    for name, boxes, images in largest_first:
        w = weights.get(name, {})
        sheet.append([
            style.cell(sheet, str(name), style.BOLD), style.cell(sheet, boxes, number_format="#,##0"),
            style.cell(sheet, images, number_format="#,##0"), style.cell(sheet, boxes / total, number_format="0.0%"),
            *(style.cell(sheet, _number(w.get(k)), number_format="0.000")
              for k in ("inverse_frequency_weight", "effective_number_weight", "repeat_factor"))])
    last = max(len(largest_first) + 1, 2)
    sheet.auto_filter.ref = f"A1:G{last}"
    for letter, colour in (("B", "8FB3DD"), ("C", "B7D3C6")):
        sheet.conditional_formatting.add(f"{letter}2:{letter}{last}", data_bar(colour))


def write_sizes(sheet: Any, run: Run) -> None:
    """Write one row per distinct image size, most frequent first; quantiles and advice beside."""
    outcome = run.outcome("SIZ001")
    table = outcome.tables.get("Sizes") if outcome else None
    _table_top(sheet, ("Width", "Height", "Images", "Share", "", "Measure", "Value"), (11, 11, 11, 10, 4, 34, 14))
    side = _size_facts(run)
    rows = [] if table is None else table.head(10_000).itertuples(index=False)
    rows = list(rows)
    for k in range(max(len(rows), len(side))):
        left: list[Any] = [None] * 4
        if k < len(rows):
            width, height, images, share = rows[k]
            left = [style.cell(sheet, float(width), number_format="0"), style.cell(sheet, float(height), number_format="0"),
                    style.cell(sheet, int(images), number_format="#,##0"),
                    style.cell(sheet, float(share), number_format="0.0%")]
        right: list[Any] = []
        if k < len(side):
            label, value, number_format = side[k]
            right = [None, style.cell(sheet, label), style.cell(sheet, value, style.BOLD, number_format=number_format)]
        sheet.append([*left, *right])
    last = max(len(rows) + 1, 2)
    sheet.conditional_formatting.add(f"C2:C{last}", data_bar("8FB3DD"))


def data_bar(colour: str) -> Any:
    """Return the rule of bars in cells, from 0 to the largest value."""
    rule: Any = DataBarRule
    return rule("num", 0, "max", None, color=colour, minLength=0)


def _size_facts(run: Run) -> list[tuple[str, Any, str]]:
    facts: list[tuple[str, Any, str]] = []
    outcome, aspect = run.outcome("SIZ001"), run.outcome("SIZ002")
    quantiles = outcome.metrics.get("quantiles") if outcome else None
    if outcome and quantiles:
        for name in ("width", "height", "side"):
            facts += [(f"{name}, {q} percentile, px", float(v), "0") for q, v in quantiles[name].items()]
        facts += [("spread of the side (p95 / p05)", float(outcome.metrics["spread"]), "0.00"),
                  ("distinct sizes", int(outcome.metrics["distinct"]), "#,##0"),
                  ("suggested training size, px", int(outcome.metrics["suggested_imgsz"]), "0")]
    if aspect and "padding_share" in aspect.metrics:
        facts.append(("padding when letterboxed to a square", float(aspect.metrics["padding_share"]), "0.0%"))
        facts += [(f"images, {b['bucket']} (width / height {b['mean_aspect']:.2f})", int(b["images"]), "#,##0")
                  for b in aspect.metrics["buckets"]]
    return facts


def write_splits(sheet: Any, run: Run) -> None:
    """Write images and boxes per split."""
    _table_top(sheet, ("Split", "Images", "Share", "Boxes", "Boxes per image"), (20, 12, 10, 12, 18))
    total = max(int(run.census.splits["images"].sum()), 1)
    for name, images, boxes in run.census.splits.itertuples(index=False):
        sheet.append([style.cell(sheet, str(name), style.BOLD), style.cell(sheet, int(images), number_format="#,##0"),
                      style.cell(sheet, images / total, number_format="0.0%"),
                      style.cell(sheet, int(boxes), number_format="#,##0"),
                      style.cell(sheet, boxes / max(images, 1), number_format="0.0")])


def write_about(sheet: Any, run: Run) -> None:
    """Write how to review, the version, and every limit in force."""
    for letter, width in zip("ABCD", (22, 30, 20, 80), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    sheet.append([style.cell(sheet, "How to review", style.HEADING)])
    sheet.append([style.cell(sheet, HOW_TO)])
    for word, meaning in DECISIONS.items():
        sheet.append([style.cell(sheet, word, style.BOLD), style.cell(sheet, meaning)])
    sheet.append([])
    sheet.append([style.cell(sheet, "Made by", style.HEADING)])
    sheet.append([style.cell(sheet, f"dsinspect {__version__}")])
    for note in run.info.notes:
        sheet.append([style.cell(sheet, note)])
    sheet.append([])
    sheet.append([style.cell(sheet, "Limits in force", style.HEADING)])
    sheet.append([style.cell(sheet, h, style.HEADER_FONT, fill=style.HEADER_FILL) for h in ("Check", "Limit", "Value", "")])
    for outcome in run.outcomes:
        for name, value in outcome.limits.items():
            sheet.append([style.cell(sheet, outcome.code), style.cell(sheet, name),
                          style.cell(sheet, value if isinstance(value, (int, float, str)) else str(value))])


def _table_top(sheet: Any, headers: tuple[str, ...], widths: tuple[float, ...]) -> None:
    for k, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(k)].width = width
    sheet.freeze_panes = "A2"
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    sheet.append([style.cell(sheet, h, style.HEADER_FONT, fill=style.HEADER_FILL,
                             alignment=style.RIGHT if k and h != "Measure" else style.TOP) if h else None
                  for k, h in enumerate(headers)])


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)

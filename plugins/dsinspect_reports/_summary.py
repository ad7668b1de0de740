"""The summary on the terminal: verdict, classes, sizes, the worst findings, what to do."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from textwrap import wrap

import numpy as np
from rich.console import Console, Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dsinspect.findings.rendering import printable
from dsinspect.findings.severity import Severity
from dsinspect.findings.wording import counted
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports._counted import charts_of_checks
from dsinspect_reports._drawn import lines_of
from dsinspect_reports._excerpts import Excerpt, excerpts, first_of_each, more_of_each
from dsinspect_reports._terminal import STYLES, bar, clipped, make_console, plain_ends, speaks_unicode, symbol

TOP_CLASSES = 12
WORST_CHECKS = 6
FINDINGS_EACH = 3
TABLE_ROWS, TABLE_COLUMNS = 6, 8
"""Of a table, shown at most."""
CELL_WIDTH, HEADER_WIDTH = 20, 16
GAP = 3
"""Between what stands side by side, columns."""
SIZE_METRICS = ("quantiles", "modal", "distinct")
"""Measures of image sizes, known by their names, whichever check gives all three."""


def summary(run: Run, width: int | None, colour: bool | None, written: Collection[str] = ()) -> str:
    """Return the summary, `width` columns wide; see `make_console`.

    Args:
        run: to sum up.
        width: columns.
        colour: whether to colour.
        written: suffixes of the reports that were written of the run, which are not suggested again.
    """
    console, file = make_console(width, colour)
    _title(console, run)
    _verdicts(console, run)
    _classes(console, run)
    _sizes(console, run)
    _distributions(console, run)
    _splits(console, run)
    _tables(console, run)
    _worst(console, run)
    _next_steps(console, run, written)
    return plain_ends(file.getvalue())


def _title(console: Console, run: Run) -> None:
    c = run.census
    facts = Text(run.info.format.upper(), "bold")
    for n, noun in ((c.images, "image"), (c.annotations, "box"), (len(c.category_columns), "class")):
        n_text, _, word = counted(n, noun).partition(" ")
        facts.append("   ").append(n_text, "bold").append(f" {word}", "not bold")
    if len(c.split_columns):
        facts.append(f"   {counted(len(c.split_columns), 'split')}", "not bold")
    console.print()
    console.print(Text(clipped(run.path, console.width - 2), "bold"))
    console.print(facts)
    for note in run.info.notes:
        console.print(Text(printable(note), "dim"))
    counts = [(s, run.count(s)) for s in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
    verdict = Text()
    if not any(n for _, n in counts) and not run.crashed:
        is_clean = run.emptiness is None
        verdict.append("clean: no finding" if is_clean else "no finding", "bold green" if is_clean else "bold")
    for severity, n in counts:
        if n:
            name = str(severity) if severity is Severity.INFO or n == 1 else f"{severity}s"
            verdict.append("   " if verdict.plain else "")
            verdict.append(f"{n:,} {name}", STYLES[severity])
    if run.crashed:
        verdict.append(f"   {counted(len(run.crashed), 'check')} crashed", "bold white on red")
    if run.emptiness is not None:
        verdict.append(f"   {run.emptiness}", "bold red")
    if run.baseline is not None:
        verdict.append(f"   {run.baseline.known:,} known (baseline)", "dim")
    console.print(verdict)


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Rule(Text(title, "bold"), align="left", style="dim", characters="─" if speaks_unicode() else "-"))


def _verdicts(console: Console, run: Run) -> None:
    found = sorted((o for o in run.outcomes if o.status in ("found", "crashed")), key=_rank)
    _section(console, "Checks")
    if found:
        table = Table(box=None, padding=(0, 1, 0, 0), show_header=False, expand=True)
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(ratio=1, style="dim")
        for o in found:
            if o.status == "crashed":
                table.add_row(Text("!", "bold white on red"), Text(o.code, "bold"), o.name, "crashed",
                              printable(str(o.metrics.get("reason", ""))))
            else:
                severity = _severity_of(o)
                count = Text(f"{len(o.findings):,}", STYLES[severity])
                table.add_row(symbol(severity), Text(o.code, "bold"), o.name, count, o.summary.replace("`", ""))
        console.print(table)
    clean = [o.code for o in run.outcomes if o.status == "clean"]
    if clean:
        console.print(Text.assemble(("clean ", "green"), (f"{len(clean)}: ", "green"), (_ranges(clean), "dim")))
    outside = [o.code for o in run.outcomes if not o.applies]
    if outside:
        console.print(Text.assemble((f"do not apply {len(outside)}: {_ranges(outside)}", "dim")))
    for reason in dict.fromkeys(str(o.metrics.get("reason")) for o in run.outcomes if o.status == "skipped" and o.applies):
        codes = [o.code for o in run.outcomes if o.status == "skipped" and o.metrics.get("reason") == reason]
        console.print(Text.assemble((f"skipped {len(codes)}: ", "yellow"), (_ranges(codes), "dim"), f" ({printable(reason)})"))


def _severity_of(outcome: Outcome) -> Severity:
    """Return the worst severity among the findings."""
    return outcome.worst or Severity.INFO


def _rank(outcome: Outcome) -> tuple[int, str]:
    return (-3 if outcome.status == "crashed" else -_severity_of(outcome).rank, outcome.code)


def _ranges(codes: list[str]) -> str:
    """Return codes by family: `BOX001-004 006, CLS001`."""
    families: dict[str, list[int]] = {}
    for code in codes:
        families.setdefault(code[:3], []).append(int(code[3:]))
    parts = []
    for family, numbers in families.items():
        runs: list[list[int]] = []
        for n in numbers:
            if runs and n == runs[-1][-1] + 1:
                runs[-1].append(n)
            else:
                runs.append([n])
        parts.append(family + " ".join(f"{r[0]:03d}" if len(r) == 1 else f"{r[0]:03d}-{r[-1]:03d}" for r in runs))
    return ", ".join(parts)


def _classes(console: Console, run: Run) -> None:
    classes = run.census.largest_first()
    if not classes:
        return
    with_boxes = [boxes for _, boxes, _ in classes if boxes]
    ratio = with_boxes[0] / with_boxes[-1] if with_boxes else 1.0
    of = "   all splits" if len(run.census.split_columns) > 1 else ""
    spread = f"{',' if of else '  '} largest to smallest {ratio:,.4g} to 1" if len(with_boxes) > 1 else ""
    _section(console, f"Classes{of}{spread}")
    shown = classes if len(classes) <= TOP_CLASSES + 2 else [*classes[:TOP_CLASSES - 3], *classes[-3:]]
    top = max(classes[0][1], 1)
    name_width = min(max(len(str(n)) for n, _, _ in shown), 28, console.width // 3)
    room = max(console.width - name_width - 40, 8)
    total = max(sum(boxes for _, boxes, _ in classes), 1)
    for k, (name, boxes, images) in enumerate(shown):
        if len(shown) < len(classes) and k == TOP_CLASSES - 3:
            console.print(Text(f"{'':{name_width}}  and {len(classes) - len(shown):,} more", "dim"))
        line = Text(f"{clipped(str(name), name_width):{name_width}}  ")
        line.append(f"{boxes:>10,} ", "bold")
        line.append(f"{boxes / total:>6.1%} ", "dim")
        line.append(f"{bar(boxes / top, room):{room}}", "cyan" if boxes * 50 >= top else "red")
        line.append(f" {images:>7,} image{'s' if images != 1 else ''}", "dim")
        console.print(line, no_wrap=True, overflow="crop")
    unknown = run.census.annotations - sum(boxes for _, boxes, _ in classes)
    if unknown:
        console.print(Text(f"{unknown:,} {'box is' if unknown == 1 else 'boxes are'} of no known class or image", "dim"))


def _sizes(console: Console, run: Run) -> None:
    """Show what the check of image sizes, whichever it is, measured; other checks have a `spread` too, of something else."""
    measured = next((o.metrics for o in run.measured if all(o.metrics.get(k) for k in SIZE_METRICS)), None)
    if measured is None:
        return
    q, modal, distinct = (measured[k] for k in SIZE_METRICS)
    padding = next((o.metrics["padding_share"] for o in run.measured if "padding_share" in o.metrics), None)
    _section(console, "Image sizes")
    line = Text()
    if distinct == 1:
        line.append(f"all {modal['width']:,g} x {modal['height']:,g} px", "bold")
    else:
        line.append(f"{distinct:,} sizes", "bold")
        line.append(f", most often {modal['width']:,g} x {modal['height']:,g} px ({modal['share']:.0%}); side "
                    f"{q['side']['p05']:,.0f} to {q['side']['p95']:,.0f} px (5th to 95th percentile)")
        if "spread" in measured:
            line.append(", spread ").append(f"{measured['spread']:.3g}", "bold")
    console.print(line)
    if "suggested_imgsz" in measured:
        text = (f"suggested training size {measured['suggested_imgsz']:,} px: the median longer side, as a multiple of 32 from 320 "
                "to 1,536")
        if isinstance(padding, float):
            text += f"; letterboxed to a square {padding:.0%} is padding"
        console.print(Text(text, "dim"))


def _distributions(console: Console, run: Run) -> None:
    """Show the charts of all checks, those of plugins too: histograms a line each, then the others, side by side."""
    shown = [(o.code, c) for o, c in first_of_each(charts_of_checks(run))]
    if not shown:
        return
    _section(console, "Distributions")
    histograms = [(code, c) for code, c in shown if c.kind == "histogram"]
    width = min(max((len(c.title) for _, c in histograms), default=0), 24)
    for code, chart in histograms:
        low, rest = lines_of(chart)[0].split(" ", 1)
        head = Text.assemble((f"{code} ", "dim"), f"{clipped(chart.title, width):{width}}  ", (f"{low:>9} ", "dim"))
        marks, label = rest, ""
        if head.cell_len + len(rest) > console.width and "  " in rest:  # what it counts has a line of its own then
            marks, _, label = rest.rpartition("  ")
        console.print(head.append(marks, "cyan"), no_wrap=True, overflow="ellipsis")
        if label:
            console.print(Text(f"{'':{len(code) + width + 3}}{label}", "dim"), no_wrap=True, overflow="ellipsis")
    if len(histograms) not in (0, len(shown)):
        console.print()
    _side_by_side(console, [_titled(code, c.title, Text("\n".join(drawn), "cyan"), console) for code, c in shown
                            if c.kind != "histogram" and (drawn := lines_of(c))])


def _tables(console: Console, run: Run) -> None:
    """Show the first rows of the tables of all checks, those of plugins too."""
    shown = list(excerpts(run, TABLE_ROWS, TABLE_COLUMNS))
    if not shown:
        return
    _section(console, "Tables")
    _side_by_side(console, [_excerpt(e, console) for e in shown])
    if more := more_of_each(run):
        console.print(Text(more, "dim"))


def _excerpt(excerpt: Excerpt, console: Console) -> Group:
    """Return a table with as many columns as there is room for."""
    table = _table(excerpt)
    without_limit = console.options.update(max_width=10_000)
    while console.measure(table, options=without_limit).maximum > console.width and len(excerpt.headers) > 1:
        excerpt = excerpt.narrower()
        table = _table(excerpt)
    return _titled(excerpt.origin, excerpt.title, table, console, excerpt.left_out)


def _table(excerpt: Excerpt) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, is_number in zip(excerpt.headers, excerpt.numbers, strict=True):
        head = "\n".join(wrap(clipped(name, 3 * HEADER_WIDTH), HEADER_WIDTH)[:2])
        table.add_column(Text(head), justify="right" if is_number else "left", vertical="bottom", overflow="ellipsis", no_wrap=True)
    for row in excerpt.rows:
        table.add_row(*(Text(clipped(cell, CELL_WIDTH)) for cell in row))
    return table


def _titled(code: str, title: str, block: Text | Table, console: Console, note: str = "") -> Group:
    head = Text.assemble((f"{code} " if code else "", "dim"), clipped(title, console.width // 2))
    return Group(head, block, *([Text(note, "dim")] if note else []))


def _side_by_side(console: Console, blocks: list[Group]) -> None:
    """Print blocks from left to right, as many in a row as there is room for."""
    rows: list[list[Group]] = []
    room = 0
    for block in blocks:
        width = console.measure(block).maximum + GAP
        if width > room or not rows:
            rows.append([])
            room = console.width + GAP
        rows[-1].append(block)
        room -= width
    for k, row in enumerate(rows):
        if k:
            console.print()
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_row(*row)
        console.print(grid)


def _splits(console: Console, run: Run) -> None:
    splits = run.census.split_columns
    if not len(splits):
        return
    _section(console, "Splits")
    total = max(int(splits["images"].sum()), 1)
    width = min(max(len(str(n)) for n in splits["name"]), 20)
    for name, images, boxes in zip(*(splits[k].tolist() for k in ("name", "images", "annotations")), strict=True):
        console.print(Text.assemble(f"{clipped(str(name), width):{width}}  ", (f"{images:>8,}", "bold"),
                                    " image  " if images == 1 else " images ",
                                    (f"{images / total:>5.0%}", "dim"), f"   {boxes:>10,} boxes"))
    rest = run.census.annotations - int(splits["annotations"].sum())
    if rest:
        console.print(Text(f"{rest:,} {'box is' if rest == 1 else 'boxes are'} of no image in a split", "dim"))


def _worst(console: Console, run: Run) -> None:
    found = sorted((o for o in run.outcomes if o.status == "found" and _severity_of(o) is not Severity.INFO), key=_rank)
    if not found:
        return
    _section(console, "Worst findings")
    for outcome in found[:WORST_CHECKS]:
        ranks = outcome.findings.severities(outcome.severity)
        worst = np.argsort(-ranks, kind="stable")[:FINDINGS_EACH]
        for f in islice(outcome.findings.iterate(outcome.code, outcome.severity, worst), FINDINGS_EACH):
            place = f.image or f.source or ""
            if f.line is not None and f.source:
                place = f"{f.source}:{f.line}"
            head = Text.assemble(symbol(f.severity), " ", (f.code, "bold"), " ")
            if place:
                head.append(clipped(place, max(console.width - 12, 20)), "cyan")
            console.print(head)
            console.print(Padding(Text(clipped(f.message, 3 * console.width)), (0, 0, 0, 9), expand=False))
        more = len(outcome.findings) - len(worst)
        if more > 0:
            console.print(Text(f"         and {more:,} more of {outcome.code} {outcome.name}", "dim"))
    if len(found) > WORST_CHECKS:
        rest = ", ".join(o.code for o in found[WORST_CHECKS:])
        console.print(Text(f"and findings of {rest}", "dim"))


def _next_steps(console: Console, run: Run, written: Collection[str]) -> None:
    found = sorted((o for o in run.outcomes if o.status == "found"), key=_rank)
    if not found:
        return
    _section(console, "What next")
    steps = [(f"dsinspect explain {found[0].code}", "why it matters, and its limits")]
    if ".xlsx" not in written:
        steps.append((f"dsinspect report {clipped(run.path, 40)} -o report.xlsx", "all findings, to filter and review"))
    if run.count(Severity.ERROR):
        steps.append((f"dsinspect check {clipped(run.path, 40)}", "exits 1: the gate before training"))
    if any(t.fix for o in found for t in o.findings.templates):
        steps.append((f"dsinspect fix {clipped(run.path, 40)} --diff", "what can be fixed, and how"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(style="dim")
    for step in steps:
        table.add_row(*step)
    console.print(table)
    console.print()

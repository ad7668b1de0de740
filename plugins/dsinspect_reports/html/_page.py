"""Puts the page together: template, style and script from files, what it shows from the run, within its size."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dsinspect import __version__
from dsinspect.errors import UserError
from dsinspect.findings.severity import Severity
from dsinspect.protocols.decisions import EDIT_OF, choices_without_finding
from dsinspect.render import web
from dsinspect_reports._counted import cell_text, charts_of_checks, class_chart, counted_otherwise, header, is_share, percent
from dsinspect_reports._places import Places
from dsinspect_reports.html import _charts, _distributions, _findings
from dsinspect_reports.html._crops import Crops, by_turns, make_crops

if TYPE_CHECKING:
    from dsinspect.findings.findings import Finding
    from dsinspect.protocols.run import Outcome, Run

SCRIPTS = ("tabs.js", "data.js", "decisions.js", "list.js", "lightbox.js", "main.js")
TEXT_SHARE = 0.6
"""Share of the page that findings may take before some are left out."""
FINDING_BYTES = 420
"""About what a finding takes in the page."""
MAX_ROWS = 200
"""Rows of a check's table that are shown."""


@dataclass(frozen=True)
class _Table:
    """A table of a check."""

    code: str
    title: str
    columns: list[str]
    numbers: frozenset[str]
    rows: list[list[tuple[str, str]]]
    more: int
    note: str


def page(run: Run, max_bytes: int) -> str:
    """Return the page.

    Args:
        run: with images and annotations, where it has any.
        max_bytes: size of the page at most, in UTF-8; what has no room is left out and counted.
    """
    places = Places(run)
    style = web.read("base.css") + _file("page.css")
    script = web.joined([*map(web.read, web.MODULES), *map(_file, SCRIPTS)])
    outcomes = _findings.worst_first(run)
    shown, notes = run.info.notes, []
    try:
        maps = _distributions.heat_maps(places)
    except UserError as e:
        maps, notes = [], [str(e)]
    splits = run.census.split_columns
    classes = _distributions.class_rows(run, places)
    census = class_chart(run)
    charts = [*_distributions.charts(places), census, *(c for _, c in charts_of_checks(run))]
    values: dict[str, Any] = {
        "run": run, "version": __version__, "style": Markup(style), "script": Markup(script), "style_hash": _hash(style),
        "script_hash": _hash(script), "counts": [(str(s), run.count(s)) for s in reversed(Severity)],
        "total": sum(len(o.findings) for o in run.outcomes), "outcomes": [(o, _findings.status(o)) for o in outcomes],
        "found": [(o, _findings.status(o)) for o in outcomes if o.status == "found"],
        "clean": [o for o in outcomes if o.status == "clean"], "crashed": _by_reason(o for o in outcomes if o.status == "crashed"),
        "skipped": _by_reason(o for o in outcomes if o.status == "skipped" and o.applies),
        "outside": _by_reason(o for o in outcomes if not o.applies),
        "splits": list(zip(*(splits[k].tolist() for k in ("name", "images", "annotations")), strict=True)),
        "classes": classes, "more_classes": len(run.census.category_columns) - len(classes),
        "census_note": _census_note(run, places), "charts": [d for c in charts if (d := _charts.draw(c))],
        "maps": maps, "tables": list(_tables(run)), "notes": [*shown, *notes], "data": Markup(""), "left_out": ""}
    template = _environment().get_template("page.html")
    bare = len(template.render(values).encode("utf-8", "replace")) + 1000
    data, left_out = _data(run, places, outcomes, max_bytes - bare)
    return template.render({**values, "data": Markup(data), "left_out": left_out})


def _data(run: Run, places: Places, outcomes: Sequence[Outcome], room: int) -> tuple[str, str]:
    """Return what the script reads, as JSON of `room` bytes at most, and what was left out, in words."""
    total = sum(len(o.findings) for o in outcomes)
    limit = max(int(room * TEXT_SHARE / FINDING_BYTES), 1)
    while True:
        counts = _findings.shares([len(o.findings) for o in outcomes], min(total, limit))
        listed = [list(_findings.first_of(o, n)) for o, n in zip(outcomes, counts, strict=True)]
        text = _document(run, places, outcomes, listed, Crops())
        if len(text.encode()) <= room * 0.9 or limit <= 1:
            break
        limit = int(min(limit, total) * 0.7)
    starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
    wanted = [(starts[check] + rank, shown) for check, rank in by_turns(counts) if (shown := places.of(listed[check][rank]))]
    why = ""
    crops = Crops()
    if run.info.has_files and wanted:
        try:
            crops = make_crops(places, wanted, room - len(text.encode()) - 120 * len(wanted))
        except UserError as e:
            why = f"No images are shown: {e}."
    parts = []
    if sum(counts) < total:
        parts.append(f"The page holds {sum(counts):,} of {total:,} findings, the worst of each check; report.xlsx or report.json "
                     "has all.")
    if crops.without_crop:
        parts.append(f"{crops.without_crop:,} of them have no image here for want of room.")
    if parts:
        parts.append("Option --max-mb allows a larger page.")
    return _document(run, places, outcomes, listed, crops), " ".join([*parts, *([why] if why else [])])


def _document(run: Run, places: Places, outcomes: Sequence[Outcome], listed: Sequence[Sequence[Finding]],
              made: Crops) -> str:
    texts = {name: _findings.Texts() for name in ("split", "class", "source", "choices")}
    for name in [*(run.census.split_columns["name"].tolist())]:
        texts["split"](name)
    for name, _, _ in run.census.largest_first():
        texts["class"](name)
    images: dict[int, int] = {}

    def image_number(row: int) -> int:
        return images.setdefault(row, len(images))

    rows = []
    for check, findings in enumerate(listed):
        for f in findings:
            row = places.row_of.get(f.image) if f.image is not None else None
            rows.append(_findings.finding_row(f, check, f.image if row is None else image_number(row), texts,
                                              run.no_place))
    crops = {n: [{**c, "image": image_number(c["image"]), **({} if "src" in c else {"reason": made.unreadable[c["image"]]})}
                 for c in records] for n, records in made.crops.items()}
    own = [texts["class"](n) for n in places.categories[1]]
    whole = {image_number(r): {**w, "boxes": [[*b[:4], own[b[4]] if b[4] >= 0 else -1, b[5], texts["source"](b[6]), b[7], b[8] or 0]
                                              for b in w["boxes"]]} for r, w in made.whole.items()}
    return _findings.as_json({
        "tool": {"name": "dsinspect", "version": __version__}, "dataset": run.path, "settings": msgspec.to_builtins(run.settings),
        "fields": _findings.FIELDS,
        "checks": [_findings.check_record(o, len(f), run.no_place) for o, f in zip(outcomes, listed, strict=True)],
        "images": [[str(places.record(row)["path"]), int(row >= len(places.images))] for row in images],
        "splits": texts["split"].listed, "classes": texts["class"].listed,
        "sources": texts["source"].listed, "choices": [c.split(" ") for c in texts["choices"].listed], "findings": rows,
        "crops": crops, "whole": whole, "canAdd": EDIT_OF["add-box"] not in run.no_place, **choices_without_finding(run.no_place)})


def _by_reason(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Return the checks that crashed, were skipped or do not apply, by reason."""
    reasons: dict[str, list[Outcome]] = {}
    for o in outcomes:
        reasons.setdefault(str(o.metrics.get("reason", "")), []).append(o)
    return list(reasons.items())


def _census_note(run: Run, places: Places) -> str:
    """Say why rows and columns do not add up to all boxes, when they do not."""
    lost = run.census.annotations - int(np.sum(run.census.category_columns["annotations"], initial=0))
    if lost <= 0:
        return ""
    return f"{lost:,} {'box is' if lost == 1 else 'boxes are'} of no known class or image, and in no row."


def _tables(run: Run) -> Iterable[_Table]:
    """Yield the tables of all checks."""
    for o in run.measured:
        for title, table in o.table_columns.items():
            shown = {n: header(table, n) for n in table}
            numbers = frozenset(shown[n] for n in table if table[n].dtype.kind in "iuf")
            rows = [[(shown[n], cell_text(v, is_share(n))) for n, v in record.items()]
                    for record in table.take(slice(0, MAX_ROWS)).records()]
            yield _Table(o.code, title, list(shown.values()), numbers, rows, max(len(table) - MAX_ROWS, 0),
                         counted_otherwise(run, o, table))


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


@cache
def _environment() -> Environment:
    environment = Environment(loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)
    environment.filters.update(counted=_counted, percent=percent, plain=_findings.plain)
    return environment


def _file(name: str) -> str:
    return (files("dsinspect_reports.html") / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

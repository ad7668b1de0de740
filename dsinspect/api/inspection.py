"""`dsinspect.inspect`: a finished inspection, its findings as a frame, its reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.api._asked import StrPath, requested
from dsinspect.api._words import in_python_words
from dsinspect.config import Config
from dsinspect.errors import UserError
from dsinspect.findings.severity import Severity
from dsinspect.inspection.reporting import configured, named_report, report_for
from dsinspect.known_names import FINDINGS_REPORT, PAGE_REPORT, THREAD
from dsinspect.loader import Plugins
from dsinspect.tables.hostile_numbers import of_any_size

if TYPE_CHECKING:
    import pandas as pd

    from dsinspect.protocols.run import Run

VIEWED_BYTES = 2 << 20
"""Size of the page that a notebook shows, about."""


@in_python_words()
@of_any_size()
def inspect(path: StrPath, *, select: Iterable[str] = (), ignore: Iterable[str] = (),
            options: Mapping[str, Mapping[str, Any]] | None = None, format: str | None = None, images: StrPath | None = None,
            imgsz: int | None = None, config: StrPath | None = None, jobs: int | None = None, executor: str = THREAD,
            cache: bool = True) -> Inspection:
    """Inspect a dataset.

    Args:
        path: a folder, an annotation file, or a table.
        select: codes of checks or their prefixes; all when empty.
        ignore: codes or prefixes to leave out.
        options: code to its options: `{"BOX005": {"min_side": 4}}`.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        imgsz: training size that checks assume, px.
        config: configuration file; the nearest one to the dataset when None.
        jobs: workers; all cores when None.
        executor: `thread`, `process` (a script then needs `if __name__ == "__main__"`), `serial` or `dask`.
        cache: remember measurements of image files.

    Raises:
        UserError: nothing there is readable, or a setting is wrong.
    """
    from dsinspect.inspection.inspect import inspect as run

    request, plugins = requested(path, select=select, ignore=ignore, options=options, format=format, images=images, imgsz=imgsz,
                                  config=config, jobs=jobs, executor=executor, cache=cache)
    whole = replace(request, describe=True, keep_images=True, keep_annotations=True)
    return Inspection(run(whole, plugins), plugins, request.config)


class Inspection:
    """A finished inspection."""

    def __init__(self, run: Run, plugins: Plugins, config: Config) -> None:
        """Keep a run; `dsinspect.inspect` makes one."""
        self.run = run
        self._plugins = plugins
        self._config = config

    @property
    def findings(self) -> Findings:
        """What was found."""
        return Findings(self.run)

    @property
    def verdict(self) -> str:
        """The findings counted, in one line."""
        counts = [(s, self.run.count(s)) for s in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
        found = ", ".join(f"{n:,} {s}{'' if n == 1 or s is Severity.INFO else 's'}" for s, n in counts if n)
        return f"{found or 'no findings'} in {self.run.extent}"

    def metrics(self, code: str) -> Mapping[str, Any]:
        """Return what a check measured, JSON-ready.

        Raises:
            UserError: no check of that code ran.
        """
        outcome = self.run.outcome(code)
        if outcome is None:
            raise UserError(f"{code}: no check of that code ran; there are {', '.join(o.code for o in self.run.outcomes)}")
        return outcome.metrics

    def tables(self, code: str) -> Mapping[str, pd.DataFrame]:
        """Return the tables of a check as pandas frames, by title."""
        self.metrics(code)
        outcome = self.run.outcome(code)
        return outcome.tables if outcome else {}

    def fails(self, severity: str = "error") -> bool:
        """Say whether there is a finding of a severity or a worse one: what makes `dsinspect check` exit 1.

        Raises:
            UserError: it is none of `info`, `warning` and `error`.
        """
        if severity not in {s.value for s in Severity}:
            raise UserError(f"severity {severity!r}: choose {', '.join(s.value for s in Severity)}")
        return any((o.findings.severities(o.severity) >= Severity(severity).rank).any() for o in self.run.outcomes)

    @in_python_words()
    def write(self, out: StrPath, **options: Any) -> None:
        """Write a report; the suffix chooses it: .xlsx, .html, .json, .csv, .md.

        Args:
            out: the file; replaced when it is there.
            options: of the report: of .xlsx `thumbnails=0` (findings of a check that get an image, at most), `thumbnails_mb=20` and
                `tables=True` (the table of annotations), of .html `max_mb=5`.

        Raises:
            UserError: no report has that suffix or an option, or the file cannot be written.
        """
        from dsinspect.io.atomic import atomic

        target = Path(out)
        report_type = report_for(target, self._plugins)
        report = configured(report_type, replace(self._config, reports={
            **self._config.reports, report_type.name: {**self._config.reports.get(report_type.name, {}), **options}}))
        try:
            with atomic(target) as partial:
                report.write(self.run, partial)
        except OSError as e:
            raise UserError(f"{target}: {e.strerror or e}") from None

    @in_python_words()
    def text(self, report: str = FINDINGS_REPORT, **options: Any) -> str:
        """Return a report of text: `text`, `concise`, `json`, `jsonl`, `csv`, `markdown`, `junit`, `sarif`, `github`, `html`.

        Args:
            report: its name.
            options: of the report: of `text` `max_findings=100`, `statistics=True`, `width=80` and `colour=True`, of `html`
                `max_mb=5`.

        Raises:
            UserError: there is no such report or option, or it is not text.
        """
        kind = named_report(report, self._plugins)
        if kind.is_binary:
            raise UserError(f"{report}: is not text; write it to a file")
        return "".join(configured(kind, self._config, **{"colour": False, "width": 120, **options}).stream(self.run))

    def to_html(self) -> str:
        """Return the web page: one document that needs nothing else."""
        return self.text(PAGE_REPORT)

    def _repr_html_(self) -> str:
        page = self.text(PAGE_REPORT, max_mb=VIEWED_BYTES >> 20)
        return (f"<p>{escape(self.verdict)}</p><iframe sandbox=\"allow-scripts\" style=\"width:100%;height:640px;border:0\" "
                f"srcdoc=\"{escape(page)}\"></iframe>")

    def __repr__(self) -> str:
        return f"<dsinspect.Inspection of {self.run.path!r}: {self.verdict}>"


class Findings:
    """The findings of an inspection."""

    def __init__(self, run: Run) -> None:
        """Keep a run."""
        self._run = run

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(len(o.findings) for o in self._run.outcomes)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per finding.

        Columns: code, severity, message, image, split, category, annotation_id, source, line, index, x_min, y_min, x_max,
        y_max (px), values (a dict: what was measured, and the limit), fingerprint, fix (`safe: set-box`, or None).
        """
        import pandas as pd

        names = ("severity", "message", "image", "split", "category", "annotation_id", "source", "line", "index")
        columns: dict[str, list[Any]] = {n: [] for n in ("code", *names, "bbox", "values", "fingerprint", "fix")}
        for outcome in self._run.outcomes:
            for chunk in outcome.chunks():
                columns["code"] += [chunk.code] * len(chunk.message)
                for name in names:
                    columns[name] += map(str, chunk.severity) if name == "severity" else getattr(chunk, name)
                columns["bbox"] += [box or [float("nan")] * 4 for box in chunk.bbox_xyxy]
                columns["values"] += chunk.values
                columns["fingerprint"] += chunk.fingerprint
                columns["fix"] += [f and f"{f.safety}: {f.action}" for f in chunk.fix]
        boxes = columns.pop("bbox")
        made: dict[str, Any] = {}
        for name, values in columns.items():
            if name == "values":
                made.update({edge: pd.Series([b[k] for b in boxes], dtype="float64")
                             for k, edge in enumerate(("x_min", "y_min", "x_max", "y_max"))})
            kind = "Int64" if name in ("annotation_id", "line", "index") else object
            made[name] = pd.Series(values, dtype=kind)
        return pd.DataFrame(made)

"""The Python API: what the commands do, for notebooks and scripts.

Nothing is printed, nothing exits, no dataset is changed. Mistakes in the input raise `dsinspect.errors.UserError`, whose text
says what, where, and what to change.

    import dsinspect

    run = dsinspect.inspect("my_dataset")
    run.verdict                                  # "3 errors, 12 warnings in 5,000 images, 37,120 boxes"
    run.findings.to_frame()                      # a pandas frame, one row per finding
    run.metrics("CLS001")["classes"]
    run.write("report.xlsx")

    ds = dsinspect.open("my_dataset")
    ds.images, ds.annotations, ds.categories     # pandas frames

    dsinspect.fix("my_dataset", "corrected")
    dsinspect.convert("my_dataset", "yolo_set", to="yolo")
    dsinspect.convert("my_dataset", "for_mmdet", trainer="mmdet")
    for sample in dsinspect.iter("my_dataset", ops=["letterbox:size=640", "flip"]):
        sample.image, sample.boxes_xyxy, sample.categories
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.config import Config, load_config
from dsinspect.errors import UserError
from dsinspect.findings.severity import Severity
from dsinspect.findings.wording import counted
from dsinspect.inspection.reporting import configured, named_report, report_for
from dsinspect.inspection.request import Request
from dsinspect.io.limits import put_in_force
from dsinspect.known_names import FINDINGS_REPORT, PAGE_REPORT, TARGET_FORMAT, THREAD, TRUNCATED_COLUMN
from dsinspect.loader import Plugins, load_plugins
from dsinspect.tables.hostile_numbers import of_any_size

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from dsinspect.conversion.pipeline import Conversion
    from dsinspect.fixing.apply import Applied
    from dsinspect.fixing.autofix import Comparison
    from dsinspect.protocols.formats import Source
    from dsinspect.protocols.run import Run
    from dsinspect.simulation.simulate import Simulation
    from dsinspect.tables.columns import Columns
    from dsinspect.tables.dataset import DatasetInfo
    from dsinspect.transformation.pipeline import Summary
    from dsinspect.transformation.samples import Sample

__all__ = ["Dataset", "Findings", "Fixed", "Inspection", "convert", "fix", "inspect", "iter", "open", "simulate", "transform"]

StrPath = str | os.PathLike[str]
Ops = Iterable[str | tuple[str, Mapping[str, Any]]]
"""Transforms in order: `"letterbox:size=640"`, or a name with its options: `("letterbox", {"size": 640})`."""
SHARD = 4096
VIEWED_BYTES = 2 << 20
"""Size of the page that a notebook shows, about."""


def open(path: StrPath, *, format: str | None = None, images: StrPath | None = None, config: StrPath | None = None) -> Dataset:
    """Open a dataset.

    Args:
        path: a folder, an annotation file, or a table.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.

    Raises:
        UserError: nothing there is readable.
    """
    request, plugins = _requested(path, format=format, images=images, config=config)
    return Dataset(request, plugins)


class Dataset:
    """An opened dataset: its tables as pandas frames, and its images drawn.

    The tables are read when they are first asked for. Boxes are in px; frames are shared, so never change them in place.
    """

    def __init__(self, request: Request, plugins: Plugins) -> None:
        """Open it; `dsinspect.open` does."""
        from dsinspect.inspection.opening import open_dataset

        self._request = request
        self._plugins = plugins
        self._source: Source = open_dataset(request, plugins)

    @property
    def info(self) -> DatasetInfo:
        """What is known before the records are read: format, categories, splits, notes."""
        return self._source.info

    @cached_property
    def _tables(self) -> tuple[Columns, Columns]:
        from dsinspect.inspection.measure import measure, measured_shard
        from dsinspect.tables.columns import Columns
        from dsinspect.tables.schema import FRAME_COLUMNS

        probes = _probes(self._plugins, FRAME_COLUMNS) if self.info.has_files else ()
        images, annotations, done = [], [], 0
        for ref in self._source.shards(SHARD):
            shard = ref.load()
            found = measure(shard.image_columns["file"].tolist(), probes, self._request.cache) if probes else None
            shard = measured_shard(shard, found, self.info.box_units)
            rows = shard.annotation_columns["image_row"]
            images.append(shard.image_columns)
            annotations.append(shard.annotation_columns.with_columns({"image_row": rows + done * (rows >= 0)}))
            done += len(shard.image_columns)
        return Columns.concat(tuple(images)), Columns.concat(tuple(annotations))

    @property
    def images(self) -> pd.DataFrame:
        """One row per image: `dsinspect.tables.schema.IMAGE_COLUMNS`, the measured size, and the frame of the boxes, px."""
        return self._tables[0].frame

    @property
    def annotations(self) -> pd.DataFrame:
        """One row per annotation: `dsinspect.tables.schema.ANNOTATION_COLUMNS`; boxes x_min, y_min, x_max, y_max in px.

        `image_row` is the row in `images`, -1 where the declared image does not exist.
        """
        return self._tables[1].frame

    @property
    def categories(self) -> pd.DataFrame:
        """One row per category: `category_id`, `name`, `supercategory`, and how many `annotations` it has in how many `images`.

        Annotations of an image that no record declares are not counted, as in reports.
        """
        import pandas as pd

        a = self.annotations
        known = a[a["category"].notna() & (a["image_row"] >= 0)]
        boxes = known.groupby("category", sort=False).size()
        images = known.groupby("category", sort=False)["image_row"].nunique()
        declared = [(c.category_id, c.name, c.supercategory) for c in self.info.categories]
        declared += [(-1, n, "") for n in boxes.index if n not in {c.name for c in self.info.categories}]
        frame = pd.DataFrame(declared, columns=["category_id", "name", "supercategory"])
        return frame.assign(annotations=[int(boxes.get(n, 0)) for n in frame["name"]],
                            images=[int(images.get(n, 0)) for n in frame["name"]])

    def view(self, limit: int = 16, *, category: str | None = None, side: int = 240) -> NDArray[np.uint8]:
        """Draw the first images with their boxes on one sheet.

        Args:
            limit: images at most.
            category: only images with a box of it.
            side: longer side of an image on the sheet, px.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            UserError: there is no image to show.
        """
        import numpy as np

        from dsinspect.inspection.opening import open_dataset
        from dsinspect.render.contact_sheet import Marked, sheet, tile
        from dsinspect.render.shapes import class_label, shapes_of
        from dsinspect.tables.columns import Columns
        from dsinspect.tables.schema import SHAPE_COLUMNS

        shown = []
        source = open_dataset(self._request, self._plugins, SHAPE_COLUMNS)
        for sample in _samples(source, (), self._plugins, {"keep_truncated": True}):
            if category is not None and category not in sample.categories:
                continue
            shapes = shapes_of(Columns.of(sample.annotations), range(len(sample.annotations)))
            labels = map(class_label, sample.categories, sample.annotations["category_id"].tolist())
            boxes = [Marked(s.box, label, shape=s) for s, label in zip(shapes, labels, strict=True)]
            shown.append(tile(np.ascontiguousarray(sample.image[..., ::-1]), side, boxes, sample.path))
            if len(shown) == limit:
                break
        if not shown:
            raise UserError(f"{self._request.path}: no image to show")
        return np.ascontiguousarray(sheet(shown)[..., ::-1])

    def __iter__(self) -> Iterator[Sample]:
        """Yield the images that can be read and are whole, as they stand, with their annotations."""
        return _samples(self._source, (), self._plugins)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._tables[0])

    def __repr__(self) -> str:
        return (f"<dsinspect.Dataset {self._request.path!r}: {self.info.format}, {counted(len(self.images), 'image')}, "
                f"{counted(len(self.annotations), 'annotation')}, {len(self.categories):,} "
                f"{'category' if len(self.categories) == 1 else 'categories'}>")


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

    request, plugins = _requested(path, select=select, ignore=ignore, options=options, format=format, images=images, imgsz=imgsz,
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
        census = self.run.census
        empty = f"; {self.run.emptiness}" if self.run.emptiness else ""
        return f"{found or 'no findings'} in {counted(census.images, 'image')}, {counted(census.annotations, 'box')}{empty}"

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

    def write(self, out: StrPath, **options: Any) -> None:
        """Write a report; the suffix chooses it: .xlsx, .html, .json, .csv, .md.

        Args:
            out: the file; replaced when it is there.
            options: of the report: `max_findings=100`.

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

    def text(self, report: str = FINDINGS_REPORT, **options: Any) -> str:
        """Return a report of text: `text`, `concise`, `json`, `jsonl`, `csv`, `markdown`, `junit`, `sarif`, `github`, `html`.

        Raises:
            UserError: there is no such report, or it is not text.
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


@dataclass(frozen=True)
class Fixed:
    """What `fix` came to.

    Attributes:
        changes: edits made.
        applied: files written, copied and left out.
        comparison: findings that are gone, left, changed and new, by code.
        after: the inspection of the corrected set.
    """

    changes: int
    applied: Applied
    comparison: Comparison
    after: Inspection


@of_any_size()
def fix(path: StrPath, out: StrPath, *, unsafe: bool = False, select: Iterable[str] = (), ignore: Iterable[str] = (),
        options: Mapping[str, Mapping[str, Any]] | None = None, format: str | None = None, images: StrPath | None = None,
        config: StrPath | None = None, jobs: int | None = None, annotations_only: bool = False, link: bool = False,
        force: bool = False) -> Fixed:
    """Write a corrected copy of a dataset: what findings say how to fix is fixed, every other byte is as it was.

    Args:
        path: a folder, an annotation file, or a table; it is never changed.
        out: a new folder.
        unsafe: also fixes that lose something.
        select: as in `inspect`; so are `ignore`, `options`, `format`, `images`, `config` and `jobs`.
        ignore: see `select`.
        options: see `select`.
        format: see `select`.
        images: see `select`.
        config: see `select`.
        jobs: see `select`.
        annotations_only: leave images out.
        link: make hard links of images, which share their bytes with the originals; copies are made otherwise.
        force: write into a folder that is not empty.

    Raises:
        UserError: nothing is readable, or the output cannot be written; nothing is written then.
    """
    from dsinspect.fixing.autofix import compare, write_fixed
    from dsinspect.fixing.from_findings import edits_from_findings
    from dsinspect.inspection.inspect import inspect as run
    from dsinspect.output.destination import require_new

    request, plugins = _requested(path, select=select, ignore=ignore, options=options, format=format, images=images,
                                  config=config, jobs=jobs)
    request = replace(request, keep_images=True)
    require_new(request.roots, Path(out), force=force)
    before = run(request, plugins)
    edits = edits_from_findings(before, unsafe=unsafe)
    applied, after = write_fixed(request, plugins, before, edits, Path(out), annotations_only=annotations_only, link=link,
                                 force=force)
    return Fixed(len(edits), applied, compare(before, after), Inspection(after, plugins, request.config))


@of_any_size()
def convert(path: StrPath, out: StrPath, to: str | None = None, *, trainer: str | None = None, format: str | None = None,
            images: StrPath | None = None, config: StrPath | None = None, jobs: int | None = None, strict: bool = False,
            annotations_only: bool = False, link: bool = False, force: bool = False) -> Conversion:
    """Write a dataset in another format, or for a trainer; what is not kept is counted in `losses`.

    Args:
        path: a folder, an annotation file, or a table; it is never changed.
        out: a new folder.
        to: name of the format to write.
        trainer: `NAME` or `NAME@RELEASE` instead: what it would leave out is left out, and ids, class order, folders and
            configuration are those it expects.
        format: name of the source's format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.
        jobs: workers; all cores when None.
        strict: raise, and write nothing, when anything would be lost.
        annotations_only: leave images out.
        link: make hard links of images; copies are made otherwise.
        force: write into a folder that is not empty.

    Raises:
        UserError: nothing is readable, the output cannot be written, or neither a format nor a trainer is named; nothing is
            written then.
    """
    from dsinspect.conversion.for_trainer import format_for
    from dsinspect.conversion.pipeline import ConvertRequest
    from dsinspect.conversion.pipeline import convert as run
    from dsinspect.protocols.trainers import chosen_trainer

    if to is None and trainer is None:
        raise UserError("convert: name the format to write (to=) or a trainer to write for (trainer=)")
    r, plugins = _requested(path, format=format, images=images, config=config, jobs=jobs)
    for_whom = None if trainer is None else chosen_trainer(trainer, plugins.trainers)
    kind = format_for(for_whom, to) if for_whom is not None else to or ""
    return run(ConvertRequest(**r.dataset, out=Path(out), to=kind, trainer=for_whom, jobs=r.jobs, strict=strict, force=force,
                              link=link, annotations_only=annotations_only), plugins)


@of_any_size()
def simulate(path: StrPath, *trainers: str, format: str | None = None, images: StrPath | None = None,
             config: StrPath | None = None, jobs: int | None = None) -> Simulation:
    """Say what trainers would make of a dataset; nothing of them is run.

    Args:
        path: a folder, an annotation file, or a table.
        trainers: `NAME` or `NAME@RELEASE` each: `ultralytics@8.4`.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.
        jobs: workers; all cores when None.

    Returns:
        per trainer what stops it, its losses by reason, and the fates of what is not kept as it stands
        (`.trainers[0].annotation_fates.frame`).

    Raises:
        UserError: nothing is readable, or no such trainer or release.
    """
    from dsinspect.protocols.trainers import chosen_trainer
    from dsinspect.simulation.simulate import simulate as run

    if not trainers:
        raise UserError("simulate: name a trainer: simulate(path, 'ultralytics@8.4')")
    request, plugins = _requested(path, format=format, images=images, config=config, jobs=jobs)
    return run(request, plugins, [chosen_trainer(t, plugins.trainers) for t in trainers], keep_fates=True)


@of_any_size()
def transform(path: StrPath, out: StrPath, ops: Ops, *, to: str = TARGET_FORMAT, format: str | None = None,
              images: StrPath | None = None, config: StrPath | None = None, jobs: int | None = None, resume: bool = False,
              force: bool = False, **settings: Any) -> Summary:
    """Write a dataset with transformed images, every box still right.

    Args:
        path: a folder, an annotation file, or a table; it is never changed.
        out: a new folder.
        ops: the transforms, in order.
        to: name of the format of the annotations.
        format: name of the source's format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.
        jobs: workers; all cores when None.
        resume: resume an interrupted run.
        force: write into a folder that is not empty.
        settings: fields of `dsinspect.transformation.shard_task.Settings`: `swap_mirrored=True`, `variants=True`, ...

    Raises:
        UserError: nothing is readable, the output cannot be written, or geometry would be lost.
    """
    from dsinspect.conversion.pipeline import writer_of
    from dsinspect.transformation.pipeline import TransformRequest
    from dsinspect.transformation.pipeline import transform as run

    r, plugins = _requested(path, format=format, images=images, config=config, jobs=jobs)
    return run(TransformRequest(**r.dataset, out=Path(out), settings=_settings(ops, plugins, settings), jobs=r.jobs, resume=resume,
                                force=force, to=to), plugins, writer_of(to, plugins, r.config))


def iter(path: StrPath, ops: Ops = (), *, format: str | None = None, images: StrPath | None = None,
         config: StrPath | None = None, **settings: Any) -> Iterator[Sample]:
    """Yield the images of a dataset with their boxes, transformed in memory; nothing is written.

    Args:
        path: a folder, an annotation file, or a table.
        ops: the transforms, in order; none leaves the images as they stand.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.
        settings: fields of `dsinspect.transformation.shard_task.Settings`: `drop_empty=True`, ...

    Yields:
        samples in the order of the dataset; images that cannot be read or end early are left out (`inspect` reports them;
        `keep_truncated=True` yields the latter, grey where they end).

    Raises:
        UserError: nothing is readable, or geometry would be lost.
    """
    from dsinspect.inspection.opening import open_dataset

    request, plugins = _requested(path, format=format, images=images, config=config)
    return _samples(open_dataset(request, plugins), ops, plugins, settings)


def _samples(source: Source, ops: Ops, plugins: Plugins, settings: Mapping[str, Any] | None = None) -> Iterator[Sample]:
    from dsinspect.tables.schema import FRAME_COLUMNS
    from dsinspect.transformation.samples import Sample, samples

    content = _probes(plugins, (TRUNCATED_COLUMN,))
    made = samples(source, _settings(ops, plugins, settings or {}), _probes(plugins, FRAME_COLUMNS), *content)
    return (s for s in made if isinstance(s, Sample))


def _settings(ops: Ops, plugins: Plugins, settings: Mapping[str, Any]) -> Any:
    from dsinspect.transformation.chain import build_chain, parse_op
    from dsinspect.transformation.shard_task import Settings

    named = [parse_op(op) if isinstance(op, str) else op for op in ([ops] if isinstance(ops, str) else ops)]
    try:
        return Settings(build_chain(named, plugins), **settings)
    except TypeError as e:
        raise UserError(f"transform: {str(e).partition('() ')[2] or e}") from None


def _probes(plugins: Plugins, columns: Sequence[str]) -> tuple[Any, ...]:
    from dsinspect.protocols.probes import column_owners

    owners = column_owners(plugins.probes)
    return tuple({owners[c].name: owners[c]() for c in columns if c in owners}.values())


def _requested(path: StrPath, *, select: Iterable[str] = (), ignore: Iterable[str] = (),
               options: Mapping[str, Mapping[str, Any]] | None = None, format: str | None = None, images: StrPath | None = None,
               imgsz: int | None = None, config: StrPath | None = None, jobs: int | None = None, executor: str | None = None,
               cache: bool = True) -> tuple[Request, Plugins]:
    """Return the request and the plugins for the arguments that all functions share."""
    from dsinspect.inspection.cache import default_path, made_ready
    from dsinspect.inspection.locate import located
    from dsinspect.protocols.trainers import configured_trainer

    if not isinstance(path, str | os.PathLike):
        raise UserError(f"{path!r:.80} is no path of a dataset")
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs={jobs}: at least 1")
    root = Path(path)
    found = load_config(root, Path(config) if config is not None else None)
    put_in_force(found.limits)
    found = found.overlay(select=_codes(select), ignore=_codes(ignore))
    for owner, values in (options or {}).items():
        found = replace(found, checks={**found.checks, owner: {**found.checks.get(owner, {}), **values}})
    plugins = load_plugins(found.disable_plugins, found.plugins)
    found = found.with_reports(plugins.formats, plugins.reports)
    found.chosen(plugins.checks)
    trainer = configured_trainer(found.trainer, plugins.trainers, found.path) if found.trainer else None
    cache_file = default_path() if cache else None
    place = located([os.fspath(path)])
    if cache_file is not None and made_ready(cache_file, [place.root]) is not None:
        cache_file = None  # as good a result, only slower the next time
    return Request(place.path, place.root, found, format, Path(images) if images is not None else None,
                   jobs=jobs or os.cpu_count() or 1, executor=executor, cache=cache_file, cache_by_content=place.is_temporary,
                   trainer=trainer, shared_options={"imgsz": imgsz} if imgsz is not None else {}), plugins


def _codes(codes: Iterable[str]) -> list[str]:
    return [codes] if isinstance(codes, str) else list(codes)

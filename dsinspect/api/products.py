"""What makes a new dataset, or says what a trainer makes of one: fix, convert, simulate, transform, and the samples of a chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.api._asked import Ops, StrPath, requested, samples_of, settings_of
from dsinspect.api._words import in_python_words
from dsinspect.api.inspection import Inspection
from dsinspect.errors import UserError
from dsinspect.known_names import TARGET_FORMAT
from dsinspect.tables.hostile_numbers import of_any_size

if TYPE_CHECKING:
    from dsinspect.conversion.pipeline import Conversion
    from dsinspect.fixing.apply import Applied
    from dsinspect.fixing.autofix import Comparison
    from dsinspect.simulation.simulate import Simulation
    from dsinspect.transformation.pipeline import Summary
    from dsinspect.transformation.samples import Sample


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


@in_python_words()
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

    request, plugins = requested(path, select=select, ignore=ignore, options=options, format=format, images=images,
                                  config=config, jobs=jobs)
    request = replace(request, keep_images=True)
    require_new(request.roots, Path(out), force=force)
    before = run(request, plugins)
    edits = edits_from_findings(before, unsafe=unsafe)
    applied, after = write_fixed(request, plugins, before, edits, Path(out), annotations_only=annotations_only, link=link,
                                 force=force)
    return Fixed(len(edits), applied, compare(before, after), Inspection(after, plugins, request.config))


@in_python_words()
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
    r, plugins = requested(path, format=format, images=images, config=config, jobs=jobs)
    for_whom = None if trainer is None else chosen_trainer(trainer, plugins.trainers)
    kind = format_for(for_whom, to) if for_whom is not None else to or ""
    return run(ConvertRequest(**r.dataset, out=Path(out), to=kind, trainer=for_whom, jobs=r.jobs, strict=strict, force=force,
                              link=link, annotations_only=annotations_only), plugins)


@in_python_words()
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
    request, plugins = requested(path, format=format, images=images, config=config, jobs=jobs)
    return run(request, plugins, [chosen_trainer(t, plugins.trainers) for t in trainers], keep_fates=True)


@in_python_words()
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
        settings: fields of `dsinspect.transformation.settings.Settings`: `swap_mirrored=True`, `variants=True`, ...

    Raises:
        UserError: nothing is readable, the output cannot be written, or geometry would be lost.
    """
    from dsinspect.conversion.pipeline import writer_of
    from dsinspect.transformation.pipeline import TransformRequest
    from dsinspect.transformation.pipeline import transform as run

    r, plugins = requested(path, format=format, images=images, config=config, jobs=jobs)
    asked = TransformRequest(**r.dataset, out=Path(out), settings=settings_of(ops, plugins, settings), jobs=r.jobs, resume=resume,
                             force=force, to=to)
    return run(asked, plugins, writer_of(to, plugins, r.config))


@in_python_words()
def iter(path: StrPath, ops: Ops = (), *, format: str | None = None, images: StrPath | None = None,
         config: StrPath | None = None, **settings: Any) -> Iterator[Sample]:
    """Yield the images of a dataset with their boxes, transformed in memory; nothing is written.

    Args:
        path: a folder, an annotation file, or a table.
        ops: the transforms, in order; none leaves the images as they stand.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.
        settings: fields of `dsinspect.transformation.settings.Settings`: `drop_empty=True`, ...

    Yields:
        samples in the order of the dataset; images that cannot be read or end early are left out (`inspect` reports them;
        `keep_truncated=True` yields the latter, grey where they end).

    Raises:
        UserError: nothing is readable, or geometry would be lost.
    """
    from dsinspect.inspection.opening import open_dataset

    request, plugins = requested(path, format=format, images=images, config=config)
    return samples_of(open_dataset(request, plugins), ops, plugins, settings)

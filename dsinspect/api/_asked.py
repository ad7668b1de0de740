"""What the functions of the Python API share: their arguments as a request, and the samples of a chain."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.config import load_config
from dsinspect.errors import UserError
from dsinspect.inspection.request import Request
from dsinspect.io.embedded import allow_files
from dsinspect.io.limits import put_in_force
from dsinspect.known_names import TRUNCATED_COLUMN
from dsinspect.loader import Plugins, load_plugins

if TYPE_CHECKING:
    from dsinspect.protocols.formats import Source
    from dsinspect.transformation.samples import Sample

StrPath = str | os.PathLike[str]
SMALLEST_IMGSZ = 32
"""Training size that checks assume, px, at least; of the option --imgsz too."""
Ops = Iterable[str | tuple[str, Mapping[str, Any]]]
"""Transforms in order: `"letterbox:size=640"`, or a name with its options: `("letterbox", {"size": 640})`."""


def requested(path: StrPath, *, select: Iterable[str] = (), ignore: Iterable[str] = (),
               options: Mapping[str, Mapping[str, Any]] | None = None, format: str | None = None, images: StrPath | None = None,
               imgsz: int | None = None, config: StrPath | None = None, jobs: int | None = None, executor: str | None = None,
               cache: bool = True) -> tuple[Request, Plugins]:
    """Return the request and the plugins for the arguments that all functions share."""
    from dsinspect.inspection.cache import default_path, made_ready, source_around
    from dsinspect.inspection.locate import located
    from dsinspect.protocols.trainers import configured_trainer

    if not isinstance(path, str | os.PathLike):
        raise UserError(f"{path!r:.80} is no path of a dataset")
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs={jobs}: at least 1")
    if imgsz is not None and imgsz < SMALLEST_IMGSZ:
        raise UserError(f"imgsz={imgsz}: write a whole number of at least {SMALLEST_IMGSZ}")
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
    allow_files(allowed=source_around(default_path(), [place.root]) is None)
    if cache_file is not None and made_ready(cache_file, [place.root]) is not None:
        cache_file = None  # as good a result, only slower the next time
    return Request(place.path, place.root, found, format, Path(images) if images is not None else None,
                   jobs=jobs or os.cpu_count() or 1, executor=executor, cache=cache_file,
                   cache_by="member" if place.is_temporary else "stat", trainer=trainer,
                   shared_options={"imgsz": imgsz} if imgsz is not None else {}), plugins


def _codes(codes: Iterable[str]) -> list[str]:
    return [codes] if isinstance(codes, str) else list(codes)


def samples_of(source: Source, ops: Ops, plugins: Plugins, settings: Mapping[str, Any] | None = None) -> Iterator[Sample]:
    """Yield the samples of an opened set, without the images that cannot be read."""
    from dsinspect.tables.schema import FRAME_COLUMNS
    from dsinspect.transformation.samples import Sample, samples

    content = probes_of(plugins, (TRUNCATED_COLUMN,))
    made = samples(source, settings_of(ops, plugins, settings or {}), probes_of(plugins, FRAME_COLUMNS), *content)
    return (s for s in made if isinstance(s, Sample))


def settings_of(ops: Ops, plugins: Plugins, settings: Mapping[str, Any]) -> Any:
    """Return the settings of a chain; a setting that there is not is named."""
    from dsinspect.transformation.chain import build_chain, parse_op
    from dsinspect.transformation.settings import Settings

    named = [parse_op(op) if isinstance(op, str) else op for op in ([ops] if isinstance(ops, str) else ops)]
    try:
        return Settings(build_chain(named, plugins), **settings)
    except TypeError as e:
        raise UserError(f"transform: {str(e).partition('() ')[2] or e}") from None


def probes_of(plugins: Plugins, columns: Sequence[str]) -> tuple[Any, ...]:
    """Return the probes that measure some columns, as far as there are any."""
    from dsinspect.protocols.probes import column_owners

    owners = column_owners(plugins.probes)
    return tuple({owners[c].name: owners[c]() for c in columns if c in owners}.values())

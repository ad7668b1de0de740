"""Open a dataset: detect or name its format, read its options, find its images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dsinspect.errors import UserError, nearest
from dsinspect.inspection.request import Request
from dsinspect.inspection.trainer_fates import wanted_columns
from dsinspect.io.places import remembered_listings
from dsinspect.loader import Plugins
from dsinspect.protocols.checks import Check
from dsinspect.protocols.formats import Format, OpenRequest, Source
from dsinspect.protocols.options import BaseOptions, make
from dsinspect.protocols.trainers import Trainer
from dsinspect.tables.schema import is_extra_column


def detect_format(root: Path, formats: dict[str, type[Format]]) -> type[Format]:
    """Return the one format whose detection is surest.

    Raises:
        UserError: the path does not exist, no format knows it, or two are equally sure.
    """
    if not root.exists():
        near = nearest(root.name, [p.name for p in root.parent.iterdir()]) if root.parent.is_dir() else ""
        raise UserError(f"{root}: no such file or folder{near}")
    seen: list[tuple[float, str, str]] = []
    for name, format_type in formats.items():
        detection = format_type().detect(root)
        if detection:
            seen.append((detection.confidence, name, detection.reason))
    seen.sort(key=lambda s: (-s[0], s[1]))
    if not seen:
        raise UserError(f"{root}: no dataset format recognised; name one with --format ({', '.join(formats)})")
    best = [s for s in seen if s[0] == seen[0][0]]
    if len(best) > 1:
        what = "; ".join(f"{name}: {reason}" for _, name, reason in best)
        raise UserError(f"{root}: could be {' or '.join(n for _, n, _ in best)} ({what}); choose with --format NAME")
    return formats[best[0][1]]


def named_format(name: str, formats: dict[str, type[Format]]) -> type[Format]:
    """Return the format of that name, or raise a UserError that suggests the nearest."""
    if name not in formats:
        raise UserError(f"--format {name}: no such format{nearest(name, formats)}; there are {', '.join(formats)}")
    return formats[name]


def format_options(values: Mapping[str, Any], format_type: type[Format], *, writer: bool = False) -> BaseOptions:
    """Build the options of a format's reader, or of its writer, from configuration values; both stand in one table."""
    own, other = format_type.options_type, format_type.writer_options_type
    if writer:
        own, other = other, own
    theirs = set(other.__struct_fields__) - set(own.__struct_fields__)
    return make(own, {k: v for k, v in values.items() if k not in theirs}, f"format {format_type.name}")


def open_dataset(request: Request, plugins: Plugins, checks: Mapping[str, Check[Any, Any]] | None = None,
                 trainers: Iterable[Trainer] = ()) -> Source:
    """Detect the format and open the dataset with the format columns that the checks and trainers ask for."""
    with remembered_listings():
        return _open_dataset(request, plugins, checks, trainers)


def _open_dataset(request: Request, plugins: Plugins, checks: Mapping[str, Check[Any, Any]] | None,
                  trainers: Iterable[Trainer]) -> Source:
    formats = plugins.formats
    for name in request.config.formats:
        if name not in formats:
            raise UserError(f"formats.{name}: no such format{nearest(name, formats)}; there are {', '.join(formats)}")
    if request.format and not request.root.exists():
        raise UserError(f"{request.root}: no such file or folder")
    format_type = named_format(request.format, formats) if request.format else detect_format(request.root, formats)
    columns = {c for check in (checks or {}).values() for c in (*check.needs, *check.wants) if is_extra_column(c)}
    columns.update(wanted_columns(trainers, format_type.name))
    options = format_options(dict(request.config.formats.get(format_type.name, {})), format_type)
    if request.images is not None and not request.images.is_dir():
        raise UserError(f"--images {request.images}: no such folder")
    try:
        return format_type().open(OpenRequest(request.root, request.images, options, frozenset(columns)))
    except OSError as e:
        raise UserError(f"{e.filename or request.root}: {e.strerror or e}") from None

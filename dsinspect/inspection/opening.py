"""Open a dataset: the one place where formats are recognised, their options read, and files found.

Every command that reads a dataset comes through here, so that each refuses the same mistakes in the same words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.errors import UserError, Watched, nearest
from dsinspect.inspection.combined import combined
from dsinspect.inspection.parts import Part, parts_of
from dsinspect.inspection.recognition import Recognised, meant, named_format, recognise
from dsinspect.inspection.request import DatasetRequest
from dsinspect.inspection.trainer_fates import wanted_columns
from dsinspect.inspection.watched import opened
from dsinspect.io.brought import as_named
from dsinspect.io.limits import limits, option
from dsinspect.io.places import remembered_listings
from dsinspect.io.unread import unread_below
from dsinspect.loader import Plugins
from dsinspect.protocols.checks import Check
from dsinspect.protocols.edits import FILE_ACTIONS
from dsinspect.protocols.formats import Format, OpenRequest, Patch, Source
from dsinspect.protocols.options import BaseOptions, make
from dsinspect.tables.schema import is_extra_column

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits
    from dsinspect.protocols.trainers import Trainer

_NAMED = 3
"""Files that could not be read that an error names."""


def open_dataset(request: DatasetRequest, plugins: Plugins, columns: Collection[str] = (),
                 trainers: Collection[Trainer] = ()) -> Source:
    """Recognise the format and open the dataset.

    Args:
        request: which dataset.
        plugins: with the formats.
        columns: optional and format-specific columns that are wanted; `*:pose` stands for `pose` of whichever format.
        trainers: whose columns are wanted too.

    Raises:
        UserError: there is nothing there, no format or several know it, a setting is wrong, or nothing is readable.
    """
    with remembered_listings(), _places_named(), _unread_named(request):
        _require_good(request, plugins)
        if request.parts:
            opened = {split: _open(replace(request, root=root, images=request.part_images.get(split, request.images)), plugins,
                                   columns, trainers)
                      for split, root in request.parts.items()}
            return combined(request, opened)
        return _open(request, plugins, columns, trainers)


def patch_dataset(request: DatasetRequest, plugins: Plugins, edits: Edits) -> Iterator[Patch]:
    """Yield the annotation files that edits change; what changes image files (`FILE_ACTIONS`) is done to their copies.

    Raises:
        UserError: the format cannot be edited, or an edit names what is not there.
    """
    if request.parts:
        for part in edited_parts(request, plugins, edits):
            for patch in patch_dataset(part.request, plugins, part.edits):
                yield replace(patch, path=part.place + patch.path)
        return
    with remembered_listings(), _places_named(), _unread_named(request):
        _require_good(request, plugins)
        kind = _recognised(request, plugins).format
        if not kind.patchable:
            can = ", ".join(n for n, f in plugins.formats.items() if f.patchable)
            raise UserError(f"{request.path}: the format {kind.name} cannot be edited without loss; these can: {can}")
        blame = plugins.blame(kind)
        with Watched(blame):
            for patch in kind().patch(_open_request(request, kind, ()), edits.without(*FILE_ACTIONS)):
                if not isinstance(patch, Patch):
                    raise blame.broke(f"yielded {patch!r:.40} from patch, which is no Patch")
                yield patch


def edited_parts(request: DatasetRequest, plugins: Plugins, edits: Edits) -> Iterator[Part]:
    """Yield the parts of a set that is made of several, each with its edits; see `parts_of`."""
    yield from parts_of(request, edits, lambda one: open_dataset(one, plugins))


def formats_of(request: DatasetRequest, plugins: Plugins) -> list[str]:
    """Return the name of the format, of each part where there are several; nothing is read yet.

    Raises:
        UserError: as `open_dataset` for what can be seen without reading.
    """
    with remembered_listings(), _places_named(), _unread_named(request):
        _require_good(request, plugins)
        return [_recognised(replace(request, root=root, parts={}), plugins).format.name for root in request.roots]


def columns_of(checks: Mapping[str, Check[Any, Any]]) -> frozenset[str]:
    """Return the optional and format-specific columns that checks ask for."""
    return frozenset(c for check in checks.values() for c in (*check.needs, *check.wants) if is_extra_column(c))


def format_options(values: Mapping[str, Any], format_type: type[Format], *, writer: bool = False) -> BaseOptions:
    """Build the options of a format's reader, or of its writer, from configuration values; both stand in one table."""
    own, other = format_type.options_type, format_type.writer_options_type
    if writer:
        own, other = other, own
    theirs = set(other.__struct_fields__) - set(own.__struct_fields__)
    return make(own, {k: v for k, v in values.items() if k not in theirs}, f"format {format_type.name}")


@contextmanager
def _places_named() -> Iterator[None]:
    """Let errors name an archive or a URL as the user did, not the temporary folder it was brought into."""
    try:
        yield
    except UserError as e:
        told = as_named(str(e))
        if told == str(e):
            raise
        raise type(e)(told, e.details) from None


@contextmanager
def _unread_named(request: DatasetRequest) -> Iterator[None]:
    """Let an error name the files that could not be read: they may be why a set is not what it should be."""
    try:
        yield
    except UserError as e:
        unread = {name: why for root in request.roots for name, why in unread_below(root).items()}
        more = [f"{name} {why}" for name, why in unread.items() if name not in str(e)]
        if not more:
            raise
        shown = "; ".join(more[:_NAMED]) + (f"; and {len(more) - _NAMED:,} more" if len(more) > _NAMED else "")
        raise type(e)(f"{e}; not read: {shown}", e.details) from None


def _require_good(request: DatasetRequest, plugins: Plugins) -> None:
    """Raise a UserError for settings of formats that are wrong, whether they concern this dataset or not."""
    formats = plugins.formats
    for name, values in request.config.formats.items():
        if name not in formats:
            where = f" (in {request.config.path})" if request.config.path else ""
            raise UserError(f"formats.{name}: no such format{meant(name, formats)}; there are {', '.join(formats)}{where}")
        format_options(values, formats[name])
    if request.format:
        named_format(request.format, formats)
    for root in request.parts.values() if request.parts else (request.root,):
        require_there(root)
    if request.images is not None and not request.images.is_dir():
        raise UserError(f"--images {request.images}: {'is a file' if request.images.exists() else 'no such folder'}")


def require_there(root: Path) -> None:
    """Raise a UserError that suggests the nearest name unless there is such a file or folder."""
    try:
        there = root.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        there = False
    if not there:
        near = nearest(root.name, [p.name for p in root.parent.iterdir()]) if root.parent.is_dir() else ""
        raise UserError(f"{root}: no such file or folder{near}")


def _recognised(request: DatasetRequest, plugins: Plugins) -> Recognised:
    return recognise(request.root, str(request.root) if request.parts else request.path, plugins, request.format)


def _open_request(request: DatasetRequest, kind: type[Format], columns: Collection[str]) -> OpenRequest:
    own = frozenset(f"{kind.name}:{c[2:]}" if c.startswith("*:") else c for c in columns)
    return OpenRequest(request.root, request.images, format_options(request.config.formats.get(kind.name, {}), kind), own)


def _open(request: DatasetRequest, plugins: Plugins, columns: Collection[str], trainers: Collection[Trainer]) -> Source:
    recognised = _recognised(request, plugins)
    kind = recognised.format
    columns = {*columns, *wanted_columns(trainers, kind.name)}
    try:
        source = opened(kind, _open_request(request, kind, columns), plugins.blame(kind), recognised.notes)
    except OSError as e:
        raise UserError(f"{e.filename or request.root}: {e.strerror or e}") from None
    if (n := len(source.info.categories)) > (most := limits().classes):  # each is a row, or more, of many checks and sheets
        raise UserError(f"{request.path}: declares {n:,} classes, more than {most:,} ({option('classes')}); raise it to read them")
    return source

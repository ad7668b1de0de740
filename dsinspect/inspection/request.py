"""Which dataset to read, and what to do with it: what all commands ask for in the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from dsinspect.config import Config
from dsinspect.findings.severity import Severity
from dsinspect.protocols.decisions import NO_SETTINGS, Settings

if TYPE_CHECKING:
    from dsinspect.inspection.cache import CacheBy
    from dsinspect.protocols.trainers import Trainer


@dataclass(frozen=True)
class DatasetRequest:
    """Which dataset to read, and how.

    Attributes:
        path: the dataset as the user named it; results show this text.
        root: the folder or file on disk; of several, the folder that holds them all.
        config: the settings in force; those of formats are under `formats`.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        parts: folder or file by the name of the split it is, when the set is made of several; else empty.
        part_images: folder of the images of a part by its name, where it is not `images`.
        prefixes: what the paths of a part begin with in results, by its name; else the way from `root` to it.
    """

    path: str
    root: Path
    config: Config = field(default_factory=Config)
    format: str | None = None
    images: Path | None = None
    parts: Mapping[str, Path] = field(default_factory=dict)
    part_images: Mapping[str, Path] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[Path, ...]:
        """All folders and files that the set is made of, and those of its images that were named."""
        images = dict.fromkeys(i for i in (self.images, *self.part_images.values()) if i is not None)
        return (*(tuple(self.parts.values()) or (self.root,)), *images)

    @property
    def dataset(self) -> dict[str, Any]:
        """The fields that say which dataset, for a request of another kind."""
        return {f.name: getattr(self, f.name) for f in fields(DatasetRequest)}


    def absolute(self) -> Self:
        """Return the request with absolute places on disk; what results show stays as the user named it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        places: dict[str, Any] = {name: value.absolute() for name, value in values.items() if isinstance(value, Path)}
        return replace(self, **places, parts={s: root.absolute() for s, root in self.parts.items()},
                       part_images={s: folder.absolute() for s, folder in self.part_images.items()})


@dataclass(frozen=True)
class WorkRequest(DatasetRequest):
    """A dataset, and by whom the work on it is done.

    Attributes:
        jobs: number of workers.
        executor: name of the executor; chosen by the work when None.
        progress: called with the stage, the images done and the images there are.
    """

    jobs: int = 1
    executor: str | None = None
    progress: Callable[[str, int, int], None] | None = None


@dataclass(frozen=True)
class Request(WorkRequest):
    """What to inspect, and how.

    Attributes:
        cache: database of measurements, or None for none.
        cache_by: what files are known by in it.
        keep_images: keep the table of images in the run.
        keep_annotations: keep the table of annotations in the run.
        keep_columns: optional columns of annotations that are wanted besides those that checks ask for.
        trainer: whose fates the checks that need one judge by, and whose limits are the defaults of others.
        beside: trainers that judge one after the other instead; a finding's code says for which of them it is.
        shared_options: options given once for every check that has one of that name (`imgsz`).
        settle_disputes: ask every check that can dispute an image's size or frame, selected or not: fixes rest on it.
        describe: ask every check that describes the set, selected or not: reports show it.
    """

    cache: Path | None = None
    cache_by: CacheBy = "stat"
    keep_images: bool = False
    keep_annotations: bool = False
    keep_columns: frozenset[str] = frozenset()
    trainer: Trainer | None = None
    beside: tuple[Trainer, ...] = ()
    shared_options: Mapping[str, Any] = field(default_factory=dict)
    settle_disputes: bool = False
    describe: bool = False


def settings_of(request: Request, format_name: str) -> Settings:
    """Return the settings of a request as a report keeps them.

    Args:
        request: what was inspected.
        format_name: named or detected.
    """
    config = request.config
    return Settings(
        format=format_name, images=None if request.images is None else request.images.as_posix(), select=config.select,
        extend_select=config.extend_select, ignore=config.ignore, severity={k: str(v) for k, v in config.severity.items()},
        per_split_ignores=dict(config.per_split_ignores), checks=_plain(config.checks), formats=_plain(config.formats),
        shared_options=dict(request.shared_options), config=config.path.name if config.path else None,
        trainer=",".join(t.label for t in request.beside) or (request.trainer.label if request.trainer else None))


def recorded(config: Config, settings: Settings) -> Config:
    """Return a configuration with the settings of a report in place of its own.

    Plugins are not among them: they come from the configuration of whoever applies, never from what arrives by mail.
    """
    if settings == NO_SETTINGS:
        return config
    return replace(
        config, select=settings.select, extend_select=settings.extend_select, ignore=settings.ignore,
        severity={k: Severity(v) for k, v in settings.severity.items() if v in set(Severity)},
        per_split_ignores=settings.per_split_ignores, checks=settings.checks, formats=settings.formats,
        trainer=settings.trainer)


def _plain(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return options with values that JSON can hold."""
    plain: dict[str, dict[str, Any]] = msgspec.to_builtins(
        {k: dict(v) for k, v in options.items()}, enc_hook=str, str_keys=True)
    return plain

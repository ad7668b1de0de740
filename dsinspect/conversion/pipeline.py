"""Convert a dataset to another format, with every loss counted.

open -> load and measure shards -> boxes in px -> give each image its place -> the target's writer -> conversion.json.
The output is built beside its place under a temporary name and renamed when it is whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from dsinspect import __version__
from dsinspect.config import Config
from dsinspect.conversion.for_trainer import FittedPlaces, Fitting, bake_upright, finish, stand_ins
from dsinspect.errors import UserError, nearest
from dsinspect.geometry.annotations import OUTLINE_FIELDS
from dsinspect.geometry.exif import BY_DECLARED_SIZE, Frame
from dsinspect.geometry.exif_frames import with_sizes
from dsinspect.inspection.choose_executor import choose_executor, for_workers
from dsinspect.inspection.frames import SetFrame
from dsinspect.inspection.measure import Measurements, measure, measured_shard
from dsinspect.inspection.opening import format_options, open_dataset
from dsinspect.inspection.recognition import meant
from dsinspect.inspection.request import WorkRequest
from dsinspect.inspection.trainer_fates import wanted_probes
from dsinspect.inspection.watched import written
from dsinspect.io.containment import NAMES_LOST, NAMES_PLAIN, SECOND_RECORDS, SplitNames, held, is_no_text, plain_stem
from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.io.files import place_file
from dsinspect.io.json_text import encoded
from dsinspect.output.destination import Apart, require_new, staged
from dsinspect.output.image_layout import Places
from dsinspect.output.manifest import write_manifest
from dsinspect.protocols.formats import Format, ShardRef, Source
from dsinspect.protocols.probes import Probe, column_owners
from dsinspect.protocols.trainers import Trainer
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import FRAME_COLUMNS, NO_POSITION, OPTIONAL_ANNOTATION_COLUMNS, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.loader import Plugins

SHARD = 256
"""Images per shard: what is in memory for each worker."""
COLUMNS = (*OPTIONAL_ANNOTATION_COLUMNS, *(f"*:{f}" for f in (
    *OUTLINE_FIELDS, "truncated", "occluded", "pose", "shape", "group", "z_order", "source", "depth", "header", "beyond",
    "left_out", "annotator", "project")))
"""Columns that some format can write, or that are counted as lost."""
LOST_PROBLEMS = {"malformed-record": "records that cannot be read", "orphan-label": "label files of no image",
                 "overlapping-lists": "places of images in the list of a second split"}
"""Kinds of problems that mean something is not in the output, and how they are counted."""
DROPPED_BY_WRITER = "annotations "
"""How the losses of a writer begin that are annotations which are not in the output."""
KEPT_PROBLEMS = 1000
"""Problems that are kept for the manifest and stderr; all are counted."""


@dataclass(frozen=True, kw_only=True)
class ConvertRequest(WorkRequest):
    """What to convert, and how; settings of the target's format are its writer's options.

    Attributes:
        out: a new folder.
        to: name of the target's format.
        strict: refuse when anything would be lost.
        force: write into a folder that is not empty; files of the same names are replaced.
        link: make hard links of images, which share their bytes with the originals.
        annotations_only: leave the images out.
        trainer: whom to fit the set to; `to` is its format then.
        frame: of the boxes of images with an EXIF orientation; `auto` goes by the declared sizes and the whole set.
    """

    out: Path
    to: str
    strict: bool = False
    force: bool = False
    link: bool = False
    annotations_only: bool = False
    trainer: Trainer | None = None
    frame: Frame = "auto"


@dataclass
class Conversion:
    """What a conversion came to.

    Attributes:
        source: name of the source's format.
        target: name of the target's format.
        images: images of the set.
        annotations: annotations of the set.
        placed: images by what became of their files: `linked`, `copied`, `there` (placed before), `missing`.
        renamed: images whose name changed, for another one's place is the same.
        repeated: image records that name a file which another record of the set names too.
        losses: what the target does not have, and how many.
        problems: the first `KEPT_PROBLEMS` records that are not in the output.
        notes: what is to be known of the output.
        written: images and annotations in the output.
        renumbered: images to which the format gives names of its own.
        renumbered_first: path and place of the first of them.
        fitted: images and annotations that are left once the set is fitted to a trainer; None where no trainer is named.
        again: images and annotations of a split that the trainer reads for another one too, which the set lacks.
        guessed_frames: images with an EXIF orientation taken as upright, for nothing in the set shows it.
    """

    source: str
    target: str
    images: int = 0
    annotations: int = 0
    placed: Counter[str] = field(default_factory=Counter)
    renamed: int = 0
    repeated: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: tuple[int, int] = (0, 0)
    renumbered: int = 0
    renumbered_first: tuple[str, str] = ("", "")
    fitted: tuple[int, int] | None = None
    again: tuple[int, int] = (0, 0)
    guessed_frames: int = 0

    def count(self, problems: Iterable[Problem]) -> None:
        """Count the problems that mean something is lost."""
        for problem in problems:
            if problem.kind in LOST_PROBLEMS:
                self.losses[LOST_PROBLEMS[problem.kind]] += 1
                if len(self.problems) < KEPT_PROBLEMS:
                    self.problems.append(problem)


@quiet_decoders()  # masks of a format are decoded while it is read
def convert(request: ConvertRequest, plugins: Plugins) -> Conversion:
    """Convert a dataset.

    Raises:
        UserError: nothing is readable, the output cannot be written, or `strict` and something would be lost; nothing is
            left in the output then.
    """
    target = writer_of(request.to, plugins, request.config)
    require_new(request.roots, request.out, force=request.force)
    request = for_workers(request, plugins)
    source = open_dataset(request, plugins, COLUMNS)
    with staged(request.roots, request.out, force=request.force, last=True) as stage:
        done = _Run(request, plugins, source, target, stage).convert()
        if request.strict and done.losses:
            what = "; ".join(f"{what} ({n:,})" for what, n in done.losses.items())
            raise UserError(f"--strict: {done.target} cannot keep all of {request.path}: {what}")
    return done


def writer_of(name: str, plugins: Plugins, config: Config) -> Format:
    """Return a format that can be written, with the options of its writer.

    Raises:
        UserError: there is no such format, or it cannot be written.
    """
    formats = plugins.formats
    can = [n for n, f in formats.items() if f.writable]
    if name not in can:
        near = nearest(name, can) if name in formats else meant(name, {n: formats[n] for n in can})
        raise UserError(f"--to {name}: {'cannot be written' if name in formats else 'no such format'}{near}; there are "
                        f"{', '.join(can)}")
    target = formats[name]()
    target.options = format_options(config.formats.get(name, {}), formats[name], writer=True)
    return target


class PerSplit:
    """Counts images and annotations by split."""

    def __init__(self) -> None:
        self._images: Counter[str | None] = Counter()
        self._annotations: Counter[str | None] = Counter()

    def add(self, splits: Sequence[str | None], image_rows: NDArray[np.int64]) -> None:
        """Count a shard: the split of each image, and the image of each annotation."""
        self._images.update(splits)
        each = np.bincount(image_rows[image_rows >= 0], minlength=len(splits)).tolist()
        for split, n in zip(splits, each, strict=True):
            self._annotations[split] += n

    def total(self) -> tuple[int, int]:
        """Return all images and annotations."""
        return self._images.total(), self._annotations.total()

    def again(self, stand_ins: Mapping[str, str]) -> tuple[int, int]:
        """Return the images and annotations that are read once more because their split stands for another one."""
        whole = {*self._images} == {None}  # without splits the only one there is stands for all
        other = [None if whole else of for s, of in stand_ins.items() if s != of]
        again = other[1:] if whole and len(other) == len(stand_ins) else other  # the first to read it reads it for the first time
        return sum(self._images[o] for o in again), sum(self._annotations[o] for o in again)


class _Run:
    """One conversion into an empty folder."""

    def __init__(self, request: ConvertRequest, plugins: Plugins, source: Source, target: Format, out: Path) -> None:
        self._request, self._source, self._target, self._out = request, source, target, out
        self._blame = plugins.blame(type(target))
        self._executor = partial(choose_executor, request, plugins)
        owners = column_owners(plugins.probes)
        measures = source.info.has_files and all(c in owners for c in FRAME_COLUMNS)
        self._probes: tuple[Probe, ...] = tuple({owners[c].name: owners[c]() for c in FRAME_COLUMNS}.values()) if measures else ()
        self._fitting: Fitting | None = None
        self._is_in_memory = plugins.formats[source.info.format].holds_records()
        self._places = Places(target)
        if request.trainer is not None:
            self._probes = wanted_probes([request.trainer], source.info, plugins.probes)
            self._fitting = Fitting(request.trainer, plugins.blame(type(request.trainer)), source.info, source.shards(SHARD))
            self._places = Places(FittedPlaces(self._fitting.target, target))
        self._placing = target if self._fitting is None else FittedPlaces(self._fitting.target, target)
        self._written: dict[str, None] = {}
        self._splits = SplitNames()
        self._per_split = PerSplit()
        self._met: set[str] = set()
        self._handed = 0
        self._apart = Apart(request.out)
        self._done = Conversion(source.info.format, target.name)

    def convert(self) -> Conversion:
        """Write everything."""
        info, done = self._source.info, self._done
        done.count(info.problems)
        refs = self._refs()
        entries = self._out / ".conversion.part"
        categories: dict[tuple[int, str], None] = {}
        try:
            with entries.open("wb") as file:
                frame = SetFrame(refs, self._probes, info.box_units, self._request.frame)
                loaded = self._executor(len(refs)).results(partial(read, probes=self._probes), refs)
                shards = (self._placed(prepared(*found, info, frame), file, categories) for found in loaded)
                lost = written(self._target, self._blame, self._target_info(), shards, self._out.resolve())
            done.losses.update(lost)
            gone = sum(n for what, n in lost.items() if what.startswith(DROPPED_BY_WRITER) and "(left out" not in what)
            done.written = self._per_split.total()[0] - lost.get(SECOND_RECORDS, 0), self._handed - gone
            if self._fitting is not None:
                done.losses.update(self._fitting.losses)
                splits = list(dict.fromkeys((*self._target_info().splits, *self._written)))
                done.fitted = self._per_split.total()
                done.again = self._per_split.again(stand_ins(self._fitting.target, splits))
                done.notes += finish(self._out, self._fitting, splits, self._request.out.name)
        finally:
            if self._request.progress:
                self._request.progress("", 0, 0)
        done.guessed_frames = frame.guessed
        done.losses = Counter({k: n for k, n in done.losses.items() if n})
        write_manifest(self._out / "conversion.json", self._head(categories), _decoded(entries))
        entries.unlink()
        return done

    def _refs(self) -> Sequence[ShardRef]:
        """Cut the set; not at all where records of a trainer's set name one file, for these are joined."""
        refs = self._source.shards(SHARD)
        if self._fitting is None or not self._is_in_memory or len(refs) < 2:
            return refs
        paths = [p for ref in refs for p in ref.load().image_columns["path"].tolist()]
        return refs if len(set(paths)) == len(paths) else self._source.shards(len(paths))

    def _placed(self, shard: Shard, entries: IO[bytes], used: dict[tuple[int, str], None]) -> Shard:
        """Put the images of a shard in their places and return it with these."""
        done = self._done
        done.count(_problems(shard.problems))
        done.images += len(shard.images)
        done.annotations += len(shard.annotations)
        if self._fitting is not None:
            shard = self._fitting.fitted(shard)
        self._handed += len(shard.annotations)
        images = shard.images
        paths = images["path"].tolist()
        splits = [self._splits.of(s) for s in images["split"].tolist()]
        self._apart.require(images["file"].tolist())
        again = []
        for path in paths:
            again.append(path in self._met)
            self._met.add(path)
        done.repeated += sum(again)
        self._per_split.add(splits, shard.annotations["image_row"].to_numpy())
        places = [self._places.of(path, split) for path, split in zip(paths, splits, strict=True)]
        self._written.update(dict.fromkeys(s for s in splits if s is not None))
        done.losses[NAMES_LOST] += sum(map(is_no_text, paths))
        done.losses[NAMES_PLAIN] += sum(plain_stem(p) != p and plain_stem(a) == a for a, p in zip(places, paths, strict=True))
        for place, path, split, is_again in zip(places, paths, splits, again, strict=True):
            if is_again:
                continue  # a second record of an image, whose name was counted
            if place != self._placing.place(path, split):
                done.renamed += 1
            elif stem_of(place) != stem_of(plain_stem(path)) and not is_no_text(path):
                done.renumbered += 1
                done.renumbered_first = done.renumbered_first if done.renumbered > 1 else (path, place)
        if not self._request.annotations_only:
            turns = self._turns(images)
            for file, place, orientation in zip(images["file"].tolist(), places, turns, strict=True):
                if file is None:
                    continue
                if orientation > 1 and bake_upright(file, held(self._out, place), orientation):
                    done.placed["turned upright"] += 1
                else:
                    done.placed[place_file(file, held(self._out, place), link=self._request.link)] += 1
        for path, place, own in zip(paths, places, images["image_id"].tolist(), strict=True):
            entries.write(encoded({"path": place, "source": path, "image_id": own}) + b"\n")
        for name, own in shard.annotations[["category", "category_id"]].drop_duplicates().itertuples(index=False):
            if name is not None:
                used[own, name] = None
        if self._request.progress:
            self._request.progress("converting", done.images, 0)
        column = pd.Series(places, dtype=object)
        named = pd.Series(splits, dtype=object)
        return shard.replace(images=images.assign(path=column, declared_path=column, split=named))

    def _turns(self, images: pd.DataFrame) -> list[int]:
        """Return the orientation by which each image is turned: 1 where the trainer turns it itself, or nobody asked."""
        if self._fitting is None or not self._fitting.target.upright or "orientation" not in images:
            return [1] * len(images)
        return [1 if np.isnan(o) else int(o) for o in images["orientation"].tolist()]

    def _target_info(self) -> DatasetInfo:
        """Return what the writer learns of the set: boxes in px, and splits whose names can be files."""
        info = self._source.info if self._fitting is None else self._fitting.info
        name = {s: self._splits.of(s) or s for s in (*info.splits, *info.split_categories)}
        return replace(info, box_units="px", splits=tuple(name[s] for s in info.splits),
                       split_categories={name[s]: c for s, c in info.split_categories.items()})

    def _head(self, used: Iterable[tuple[int, str]]) -> dict[str, Any]:
        info, done = self._source.info, self._done
        declared = {(c.category_id, c.name): c for c in info.categories}
        found = [*declared.values(), *(Category(*pair) for pair in used if pair not in declared)]
        for split, name in self._splits.changed.items():
            done.losses[f"name of the split {split!r}, now {name!r}: it can be no file"] += 1
        missing = done.placed["missing"]
        if missing:
            done.losses["images whose file cannot be read"] += missing
        return {
            "schema_version": 1, "tool": {"name": "dsinspect", "version": __version__},
            "dataset": {"path": self._request.path, "format": done.source}, "format": done.target,
            "images_read": done.images, "annotations_read": done.annotations, "losses": dict(done.losses),
            "problems": [{"kind": p.kind, "source": p.source, "line": p.line, "index": p.index, "reason": p.reason}
                         for p in done.problems],
            "classes": [{"source_id": None if c.category_id == NO_POSITION else c.category_id, "name": c.name,
                         "supercategory": c.supercategory} for c in found]}


def stem_of(path: str) -> str:
    """Return the name of an image without folder and suffix."""
    return path.rpartition("/")[2].rpartition(".")[0]


def read(ref: ShardRef, probes: Sequence[Probe]) -> tuple[Shard, Measurements | None]:
    """Load a shard and measure its images, in whatever worker the executor chose."""
    shard = ref.load()
    return shard, measure(shard.image_columns["file"].tolist(), probes, None) if probes else None


def prepared(shard: Shard, measurements: Measurements | None, info: DatasetInfo, frame: SetFrame | None = None) -> Shard:
    """Return a shard with boxes in px in the frame that a reader takes them for, and sizes where anybody knows them."""
    rule = frame.of(shard, measurements) if frame else BY_DECLARED_SIZE
    shard = with_sizes(measured_shard(shard, measurements, info.box_units, rule), info.box_units)
    if (shard.images["index"].to_numpy() == NO_POSITION).all():  # positions, not ids: files count from 1 by habit
        ids = shard.images["image_id"].to_numpy() + 1
        rows = shard.annotations["image_row"].to_numpy()
        shard = shard.replace(images=shard.images.assign(image_id=ids),
                              annotations=shard.annotations.assign(image_id=np.append(ids, NO_POSITION)[rows]))
    return shard


def _problems(frame: pd.DataFrame) -> Iterator[Problem]:
    for row in frame.to_dict("records"):
        yield Problem(**{str(k): v for k, v in row.items()})


def _decoded(entries: Path) -> Iterator[Mapping[str, Any]]:
    with entries.open("rb") as lines:
        yield from map(msgspec.json.decode, lines)

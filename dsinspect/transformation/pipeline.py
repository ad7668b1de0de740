"""Transform a whole dataset: pixels, boxes and a manifest, shard by shard, so that ^C costs nothing.

plan -> load -> measure -> route -> carry annotations -> read, apply, write pixels -> keep the part; when all parts are
there: annotations through the writer, manifest.json, and the folder of parts goes. `--resume` does the parts that are
missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dsinspect import __version__
from dsinspect.errors import Blame, UserError, nearest_or_all, os_reason
from dsinspect.geometry.annotations import OUTLINE_FIELDS
from dsinspect.inspection import watched
from dsinspect.inspection.choose_executor import choose_executor, for_workers
from dsinspect.inspection.frames import SetFrame
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import WorkRequest
from dsinspect.io import image_codec
from dsinspect.io.atomic import sweep_below
from dsinspect.io.brought import origins_of
from dsinspect.io.containment import NAMES_LOST, NAMES_PLAIN, SplitNames, held, is_no_text, plain_stem
from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.io.files import place_file
from dsinspect.io.folders import make_folder
from dsinspect.io.under_way import complete
from dsinspect.known_names import TRUNCATED_COLUMN
from dsinspect.output.destination import claimed, require_apart, require_folder_name, require_no_link_out
from dsinspect.output.image_layout import Places
from dsinspect.output.manifest import write_manifest
from dsinspect.protocols.formats import ShardRef, Source
from dsinspect.protocols.probes import column_owners
from dsinspect.tables.columns import constant, objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import FRAME_COLUMNS, NO_POSITION, OPTIONAL_ANNOTATION_COLUMNS
from dsinspect.transformation.checkpoints import Failure, Parts
from dsinspect.transformation.settings import Settings, swaps_of
from dsinspect.transformation.shard_task import BUSY, FOLDER, HALT, STAGE, PartTask

if TYPE_CHECKING:
    from dsinspect.loader import Plugins
    from dsinspect.protocols.executors import Executor

SHARD = 64
"""Images per shard: what is at most lost per worker when a run is broken off."""
COLUMNS = (*OPTIONAL_ANNOTATION_COLUMNS, *(f"*:{f}" for f in OUTLINE_FIELDS))
"""Columns that hold geometry or go along with it."""
METADATA = ("images that are written anew carry no EXIF, ICC or XMP; their pixels are in the frame of the boxes. "
            "Files that no transform changes are copied byte for byte, metadata and all")


class Writer(watched.Writer, Protocol):
    """Writes the annotations of transformed shards; the images are there already."""

    def place(self, path: str, split: str | None) -> str:
        """Return where an image belongs, relative to the output."""
        ...

    @property
    def by_stem(self) -> bool:
        """Whether label files are found by the stem of an image."""
        ...

    @property
    def by_file(self) -> bool:
        """Whether two records of one image would be read as one."""
        ...


@dataclass(frozen=True, kw_only=True)
class TransformRequest(WorkRequest):
    """What to transform, and where to.

    Attributes:
        out: the output folder.
        settings: what to do.
        resume: go on with a run that was broken off.
        force: write into a folder that is not empty.
        to: name of the format that is written; None for the one that leaves images where they are in the set.
    """

    out: Path
    settings: Settings
    resume: bool = False
    force: bool = False
    to: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes:
        images: images of the set.
        outputs: images written or copied.
        counts: what happened to annotations and images, by what.
        failures: images left out.
        losses: what the writer could not keep.
        guessed_frames: images with an EXIF orientation taken as upright, for nothing in the set shows it.
    """

    images: int
    outputs: int
    counts: Mapping[str, int]
    failures: Sequence[Failure]
    losses: Mapping[str, int]
    guessed_frames: int = 0


def transform(request: TransformRequest, plugins: Plugins, writer: Writer) -> Summary:
    """Transform a dataset.

    Raises:
        UserError: nothing is readable, the output cannot be written, or geometry would be lost that nobody agreed to lose.
    """
    image_codec.start_opencv()
    require_apart(request.roots, request.out, goes_on=request.resume and (request.out / FOLDER).is_dir())
    require_folder_name(request.out)
    request = for_workers(request, plugins)
    source = open_dataset(request, plugins, COLUMNS)
    refs = source.shards(SHARD)
    if not source.info.has_files:
        raise UserError(f"{request.path}: no image of the set is on disk; --images names their folder")
    require_classes(request.settings.only_classes, source.info)
    require_place(request)
    with claimed(request.out):
        return _claimed(request, plugins, writer, source, refs)


def require_classes(names: Sequence[str], info: DatasetInfo) -> None:
    """Raise a UserError for a class that a dataset which declares its classes does not have."""
    declared = [c.name for c in info.categories]
    for name in names:
        if declared and name not in declared:
            raise UserError(f"--only-classes {name}: the dataset has no such class{nearest_or_all(name, declared)}")


def _claimed(request: TransformRequest, plugins: Plugins, writer: Writer, source: Source, refs: Sequence[ShardRef]) -> Summary:
    parts = Parts(request.out / FOLDER)
    plan = plan_of(request, source.info, len(refs))
    if not claim(request, parts, plan):
        raise UserError(f"-o {request.out}: holds a finished run already; nothing is left to do")
    owners = column_owners(plugins.probes)
    if not all(c in owners for c in FRAME_COLUMNS):
        raise UserError("transform needs the size of each image, and no probe measures it; do without --no-plugin probes")
    probes = tuple({owners[c].name: owners[c]() for c in FRAME_COLUMNS}.values())
    frame = SetFrame(refs, probes, source.info.box_units, request.settings.frame)
    content = owners[TRUNCATED_COLUMN]() if TRUNCATED_COLUMN in owners else None
    task = PartTask(request.settings, source.info, request.out, probes, content, swaps_of(request.settings, source.info),
                    request.resume, request.to is not None, frame.whole)
    todo = [(k, ref) for k, ref in enumerate(refs) if not parts.done(k)]
    if todo:
        run_parts(choose_executor(request, plugins, len(todo)), task, todo, len(refs), request.progress)
    return replace(finish(request, source.info, parts, len(refs), writer, plugins.blame(type(writer))),
                   guessed_frames=frame.guessed)


def require_place(request: TransformRequest) -> None:
    """Raise a UserError unless the folder that is to hold the output can be written; it is made where it is not there."""
    out = request.out
    if request.resume and not out.is_dir():
        raise UserError(f"-o {out}: no run to resume there; leave --resume out")
    try:
        make_folder(out.parent)
    except OSError as e:
        raise UserError(f"-o {out}: {os_reason(e)}") from None
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"-o {out}: the folder {out.parent} cannot be written")
    require_no_link_out(out)


def finish(request: TransformRequest, info: DatasetInfo, parts: Parts, count: int, writer: Writer, blame: Blame) -> Summary:
    """Write annotations and manifest from the parts, and remove them."""
    totals: Counter[str] = Counter()
    failures: list[Failure] = []
    images_done = outputs = no_text = 0
    for k in range(count):
        part = parts.get(k)
        totals += part.counts
        failures += part.failures
        images_done += part.images_done
        outputs += len(part.images)
        no_text += sum(map(is_no_text, part.images["path"].tolist()))
    if not outputs:
        parts.end()
        with contextlib.suppress(OSError):  # others' files may lie there
            request.out.rmdir()
        raise UserError(nothing_left(images_done, totals, failures))
    renumber = not request.settings.is_one_to_one
    names = SplitNames()
    info = replace(info, box_units="px", splits=tuple(names.of(s) or s for s in info.splits),
                   split_categories={names.of(s) or s: c for s, c in info.split_categories.items()})
    if request.to is not None:
        put_in_place(request.out, parts, count, names, writer)
    changed: Counter[str] = Counter()
    shards = (with_places(shard, places, request.out, changed) for places in [Places(writer)]
              for shard in numbered_shards(parts, count, names, renumber=renumber))
    out = request.out.resolve()  # a `..` of the user's own is none of the set's
    losses = dict(watched.written(writer, blame, info, shards, out)) | {what: n for what, n in changed.items() if n}
    if no_text:
        losses[NAMES_LOST] = no_text
    places = Places(writer)
    entries = ({**entry, "path": places.of(entry["path"], split)}
               for entry, split in numbered_entries(parts, count, names, renumber=renumber))
    summary = Summary(images_done, outputs, dict(sorted(totals.items())), failures, losses)
    try:
        write_manifest(request.out / "manifest.json", {
            "schema_version": 1, "tool": {"name": "dsinspect", "version": __version__},
            "dataset": {"path": request.path, "format": info.format}, **request.settings.described(),
            "metadata": METADATA, "pictures": summary.images, "outputs_written": summary.outputs,
            "annotations": summary.counts, "losses": losses,
            "failures": [vars(f) for f in failures]}, entries)
    except OSError as e:
        raise UserError(f"{request.out}/manifest.json: {os_reason(e)}; change that and go on with "
                        "--resume") from None
    complete()
    parts.end()
    return summary


def nothing_left(images: int, counts: Mapping[str, int], failures: Sequence[Failure]) -> str:
    """Say why no image is left."""
    why = [f"{n:,} {what.replace('pictures ', '').replace('outputs ', '')}" for what, n in sorted(counts.items())
           if n and "left out" in what]
    if failures:
        first = failures[0]
        why.insert(0, f"{len(failures):,} failed, such as {first.image}: {first.code} {first.reason}")
    return f"transform: no image is left of {images:,} ({'; '.join(why) or 'none was chosen'}); nothing is written"


def numbered_shards(parts: Parts, count: int, names: SplitNames, *, renumber: bool) -> Iterator[Shard]:
    """Yield the transformed shards in order; with `renumber` images get the ids 1, 2, ..., and annotations none."""
    first = 1
    for k in range(count):
        part = parts.get(k)
        images, annotations = part.images, part.annotations
        images = images.with_columns({"split": objects([names.of(s) for s in images["split"].tolist()])})
        if renumber:
            images = images.with_columns({"image_id": np.arange(first, first + len(images))})
            first += len(images)
            annotations = annotations.with_columns({"annotation_id": constant(NO_POSITION, "int64", len(annotations))})
        rows = annotations["image_row"]
        yield Shard(images, annotations.with_columns({"image_id": images["image_id"][rows]}))


def with_places(shard: Shard, places: Places, out: Path, changed: Counter[str]) -> Shard:
    """Return a shard whose images have their places in the output as paths; count the names that are not held as they are."""
    images = shard.image_columns
    paths = images["path"].tolist()
    column = np.array([places.of(path, split) for path, split in zip(paths, images["split"].tolist(), strict=True)], object)
    changed[NAMES_PLAIN] += sum(plain_stem(p) != p and plain_stem(a) == a for a, p in zip(column.tolist(), paths, strict=True))
    files = np.array([str(out / place) for place in column.tolist()], object)
    return shard.replace(images=images.with_columns({"path": column, "declared_path": column, "file": files}))


def put_in_place(out: Path, parts: Parts, count: int, names: SplitNames, writer: Writer) -> None:
    """Move the images of all parts to their places; those that are there already stay.

    Raises:
        UserError: one cannot be moved.
    """
    places = Places(writer)
    first: dict[str, Path] = {}
    for shard in numbered_shards(parts, count, names, renumber=False):
        images = shard.image_columns
        for path, split in zip(images["path"].tolist(), images["split"].tolist(), strict=True):
            staged, target = out / STAGE / path, held(out, places.of(path, split))
            own = first.setdefault(path, target)
            try:
                if staged.exists():
                    make_folder(target.parent)
                    staged.replace(target)
                elif own != target:  # a further record of the image, which has a place of its own
                    place_file(own, target, link=False)
            except OSError as e:
                raise UserError(f"{target}: {os_reason(e)}; change that and go on with --resume") from None


def numbered_entries(parts: Parts, count: int, names: SplitNames, *,
                     renumber: bool) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yield the manifest's entries in order, with the ids that `numbered_shards` gives, and their splits."""
    number = 0
    for k in range(count):
        part = parts.get(k)
        for entry, split in zip(part.entries, part.images["split"].tolist(), strict=True):
            number += 1
            yield {**entry, "image_id": number if renumber else entry["source"]["image_id"]}, names.of(split)


def run_parts(executor: Executor, task: PartTask, todo: Sequence[tuple[int, ShardRef]], count: int,
              progress: Callable[[str, int, int], None] | None) -> None:
    """Make the missing parts; when it is broken off, wait for the images under way, so that nothing stays half written."""
    done = 0
    HALT.clear()

    def seen(images_done: int) -> None:
        nonlocal done
        done += images_done
        if progress:
            progress("transforming", done, max(done, len(todo) * SHARD if len(todo) > 1 else done))

    try:
        with quiet_decoders():
            executor.map_reduce(task, todo, _add, seen)
    except BaseException:
        HALT.set()
        BUSY.wait()
        task.parts.sweep()
        raise
    finally:
        if progress:
            progress("", 0, 0)


def _add(a: int, b: int) -> int:
    return a + b


def plan_of(request: TransformRequest, info: DatasetInfo, shards: int) -> dict[str, Any]:
    """Return all that decides the outputs, with a hash, to decide whether a run can be resumed."""
    import cv2

    plan = {"version": __version__, "opencv": cv2.__version__, "dataset": origins_of(request.root),
            "format": info.format, "to": request.to, "shards": shards, "settings": request.settings.described()}
    digest = hashlib.blake2b(json.dumps(plan, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
    return {"key": digest, "settings": plan["settings"]}


def claim(request: TransformRequest, parts: Parts, plan: Mapping[str, Any]) -> bool:
    """Begin a run in the output folder, or go on with the one there; False when it is finished already.

    Raises:
        UserError: the folder is not empty, or holds another run.
    """
    out = request.out
    if request.resume:
        if not parts.exists:
            if (out / "manifest.json").is_file():
                return False
            raise UserError(f"-o {out}: no run to resume there; leave --resume out")
        if parts.plan().get("key") != plan["key"]:
            raise UserError(f"-o {out}: the run there had other settings, another dataset, or another release of dsinspect or "
                            "OpenCV; give the same ones, or start over with --force")
        parts.sweep()
        sweep_below(out)
        parts.begin(plan)
        return True
    if out.exists() and not out.is_dir():
        raise UserError(f"-o {out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not request.force:
        hint = "go on with --resume, or start over with --force" if parts.exists else "name another one, or use --force"
        raise UserError(f"-o {out}: the folder is not empty; {hint}")
    if request.force:  # else it is empty
        parts.end()
        sweep_below(out)
    parts.begin(plan, anew=True)
    return True

"""The tiles of `dsinspect view`: which images are wanted, and each of them with its boxes, its findings and their messages."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.commands import common
from dsinspect.errors import UserError, nearest_or_all, nearest_path
from dsinspect.findings.members import members, partner
from dsinspect.render.palette import MARK, OTHER, RGB, colours_of
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import SHAPE_COLUMNS

if TYPE_CHECKING:
    from dsinspect.commands.common import Session
    from dsinspect.findings.findings import Finding
    from dsinspect.inspection.frames import SetFrame
    from dsinspect.protocols.formats import ShardRef
    from dsinspect.render.contact_sheet import Marked, Pixels

SHARD = 4096
NO_CLASS: RGB = (255, 255, 255)
"""Of boxes whose class nobody declared; no class has white."""
ARRAY = ".npy"
"""Suffix of the images of a set that holds what a network is fed."""
UNCHANGED = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
"""The matrix of an image that is as it was."""
MAX_MESSAGES = 3
"""Messages written below an image."""


@dataclass
class Found:
    """What was found in one image.

    Attributes:
        messages: of its findings, with their codes.
        records: source and index of the annotations the findings are about; boxes do not tell them apart.
        others: ids of the annotations that those boxes lie on.
        group: number of the finding that showed the image first: images of a group stay together.
    """

    group: int
    messages: list[str] = field(default_factory=list)
    records: set[tuple[str | None, int | None]] = field(default_factory=set)
    others: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Wanted:
    """Which images to show.

    Attributes:
        classes: those with a box of one of these; all when empty.
        split: those of this split; all when None.
        names: paths, ends of paths, or names without suffix; all when empty.
        found: those with findings, by path; all when None.
        labels: write class names.
        sample: that many at random; all when None.
        seed: of the sample.
    """

    classes: tuple[str, ...] = ()
    split: str | None = None
    names: tuple[str, ...] = ()
    found: dict[str, Found] | None = None
    labels: bool = True
    sample: int | None = None
    seed: int = 0


def marked_by(session: Session) -> dict[str, Found]:
    """Inspect with the selected checks, and return what was found by path of image, groups with all their images."""
    from dsinspect.inspection.inspect import inspect

    run = inspect(session.request(), session.plugins)
    found: dict[str, Found] = {}
    findings: Iterable[Finding] = (f for outcome in run.outcomes for f in outcome.iterate())
    for number, finding in enumerate(findings):
        if finding.image is None:
            continue
        own = found.setdefault(finding.image, Found(number))
        own.messages.append(f"{finding.code}: {finding.message}")
        if finding.annotation_id is not None:
            own.records.add((finding.source, finding.index))
        other = partner(finding.values)
        if other is not None:
            own.others.add(other)
        for path in members(finding.values):
            if path != finding.image:
                found.setdefault(path, Found(number)).messages.append(f"{finding.code}: with {finding.image}")
    return found


def dataset_tiles(session: Session, wanted: Wanted, limit: int, side: int) -> tuple[list[Pixels], int, list[int]]:
    """Return the tiles of the images wanted, how many more there are, and the number of the group that each belongs to.

    Raises:
        UserError: there is no image of a name.
    """
    source, shards = opened(session)
    require_wanted(source.info, shards, wanted)
    chosen = [(number, row) for number, shard in enumerate(shards) for row in chosen_rows(shard, wanted)]
    if wanted.found is not None:
        order = {p: f.group for p, f in wanted.found.items()}
        chosen.sort(key=lambda place: order[path_of(shards, place)])
    if wanted.sample is not None and wanted.sample < len(chosen):
        chosen = sorted(random.Random(wanted.seed).sample(chosen, wanted.sample))
    shown = chosen[:limit]
    colours = colours_of([c.name for c in source.info.categories] or class_names(shards))
    made: dict[tuple[int, int], Pixels] = {}
    frame = set_frame(session, shards, source.info.box_units)
    for number in sorted({n for n, _ in shown}):
        rows = [row for n, row in shown if n == number]
        part = measured(frame, sub_shard(shards[number], rows), source.info.box_units)
        made.update({(number, row): row_tile(part, k, wanted, colours, side, source.info.root) for k, row in enumerate(rows)})
    found = wanted.found
    groups = list(range(len(shown))) if found is None else [found[path_of(shards, place)].group for place in shown]
    return [made[place] for place in shown], len(chosen) - len(shown), groups


def pair_tiles(session: Session, originals: Path, images: Path | None, wanted: Wanted, limit: int,
               side: int) -> tuple[list[Pixels], int, int]:
    """Return tiles of originals, each followed by its first output that is changed, how many pairs more there are, and the columns.

    Args:
        session: of the transformed set.
        originals: the set before the transform.
        images: folder of its images when they lie elsewhere.
        wanted: which outputs.
        limit: tiles at most.
        side: of a tile, px.

    Raises:
        UserError: the originals are not those of the manifest.
    """
    from dsinspect.output.manifest import read_manifest

    root = Path(session.choices.dataset)
    outputs = read_manifest(root).outputs
    source_of = {e.path: e.source.path for e in outputs}
    size_of = {e.source.path: (e.source.width, e.source.height) for e in outputs}
    unchanged = {e.path for e in outputs if e.matrix == UNCHANGED}
    source, shards = opened(session)
    require_wanted(source.info, shards, wanted)
    chosen = [(n, row) for n, shard in enumerate(shards) for row in chosen_rows(shard, wanted)
              if path_of(shards, (n, row)) in source_of]
    if wanted.sample is not None and wanted.sample < len(chosen):
        chosen = sorted(random.Random(wanted.seed).sample(chosen, wanted.sample))
    first: dict[str, tuple[int, int]] = {}
    for place in sorted(chosen, key=lambda place: path_of(shards, place) in unchanged):  # `--variants` keeps the original too
        first.setdefault(source_of[path_of(shards, place)], place)
    first = dict(sorted(first.items(), key=lambda pair: pair[1]))
    pairs = sorted(first.items(), key=lambda pair: not has_boxes(shards, pair[1]))[:max(1, limit // 2)]  # the others prove nothing
    choices = replace(session.choices, datasets=(str(originals),), format=None, images=images)
    own = common.Session(choices, session.plugins, session.config)
    before, before_shards = opened(own)
    known = by_path([(shard, row, n) for n, shard in enumerate(before_shards) for row in range(len(shard.image_columns))])
    colours = colours_of([c.name for c in before.info.categories] or class_names(before_shards))
    tiles: list[Pixels] = []
    frame_before = set_frame(own, before_shards, before.info.box_units)
    frame_after = set_frame(session, shards, source.info.box_units)
    for path, (number, row) in pairs:
        at = known.get(path) or known.get(path.rpartition("/")[2])
        if at is None:
            continue
        original = measured(frame_before, sub_shard(before_shards[at[0]], [at[1]]), before.info.box_units)
        width, height = (original.image_columns[c][0] for c in ("file_width", "file_height"))
        if width > 0 and height > 0 and sorted((width, height)) != sorted(size_of[path]):
            raise UserError(f"--originals {originals}: {path} has {width:,.0f} x {height:,.0f} px, and {root.name} was made of one "
                            f"of {size_of[path][0]:,} x {size_of[path][1]:,} px; name the set that was transformed")
        output = measured(frame_after, sub_shard(shards[number], [row]), source.info.box_units)
        tiles += [row_tile(original, 0, wanted, colours, side, before.info.root, "before: "),
                  row_tile(output, 0, wanted, colours, side, source.info.root, "after: ")]
    if pairs and not tiles:
        raise UserError(f"--originals {originals}: has none of the images that {root.name}'s manifest names, such as "
                        f"{pairs[0][0]}; name the set that was transformed, and with --images the folder of its images")
    from dsinspect.render.contact_sheet import grid_shape

    columns = grid_shape(len(tiles))[0]
    return tiles, len(first) - len(pairs), columns + columns % 2


def by_path(images: Iterable[tuple[Shard, int, int]]) -> dict[str, tuple[int, int]]:
    """Return shard and row of images by path, and by name where only one image has it."""
    paths: dict[str, tuple[int, int]] = {}
    names: dict[str, list[tuple[int, int]]] = {}
    for shard, row, number in images:
        path = str(shard.image_columns["path"][row])
        paths.setdefault(path, (number, row))
        names.setdefault(path.rpartition("/")[2], []).append((number, row))
    return {**{n: places[0] for n, places in names.items() if len(places) == 1}, **paths}


def opened(session: Session) -> tuple[Any, list[Shard]]:
    """Open the dataset of a session; return its source and the tables of all shards, boxes as they are declared."""
    from dsinspect.inspection.choose_executor import choose_executor, for_workers
    from dsinspect.inspection.opening import open_dataset

    request = for_workers(session.request(), session.plugins)
    source = open_dataset(request, session.plugins, SHAPE_COLUMNS)
    refs = source.shards(SHARD)
    return source, list(choose_executor(request, session.plugins, len(refs)).results(_loaded, refs))


def _loaded(ref: ShardRef) -> Shard:
    return ref.load()


def sub_shard(shard: Shard, rows: Sequence[int]) -> Shard:
    """Return some images of a shard, in this order, with their annotations."""
    place = np.full(len(shard.image_columns) + 1, -1, np.int64)
    place[list(rows)] = np.arange(len(rows))
    image_rows = place[shard.annotation_columns["image_row"]]
    kept = np.flatnonzero(image_rows >= 0)
    annotations = shard.annotation_columns.take(kept).with_columns({"image_row": image_rows[kept]})
    return Shard(shard.image_columns.take(np.array(rows, np.int64)), annotations)


def measured(frame: SetFrame, shard: Shard, box_units: str) -> Shard:
    """Return a shard with boxes in px, and the size of each image measured."""
    from dsinspect.inspection.measure import measure, measured_shard

    measurements = measure(shard.image_columns["file"].tolist(), frame.probes, None)
    return measured_shard(shard, measurements, box_units, frame.of(shard, measurements))


def set_frame(session: Session, shards: Sequence[Shard], box_units: str) -> SetFrame:
    """Return the rule for the frame of turned images of a set."""
    from dsinspect.inspection.frames import Loaded, SetFrame
    from dsinspect.protocols.probes import column_owners
    from dsinspect.tables.schema import FRAME_COLUMNS

    owners = column_owners(session.plugins.probes)
    probes = tuple({owners[c].name: owners[c]() for c in FRAME_COLUMNS}.values())
    return SetFrame([Loaded(s) for s in shards], probes, box_units)


def path_of(shards: Sequence[Shard], place: tuple[int, int]) -> str:
    """Return the path of an image by its shard and row."""
    return str(shards[place[0]].image_columns["path"][place[1]])


def has_boxes(shards: Sequence[Shard], place: tuple[int, int]) -> bool:
    """Say whether an image has a box, by its shard and row."""
    return bool((shards[place[0]].annotation_columns["image_row"] == place[1]).any())


def class_names(shards: Sequence[Shard]) -> list[str]:
    """Return the names of the classes that occur."""
    return sorted({str(n) for shard in shards for n in shard.annotation_columns["category"].tolist() if n is not None})


def is_named(path: str, name: str) -> bool:
    """Say whether a name means an image: its path, the end of it, or its name without the suffix.

    >>> [is_named("train/a.b.jpg", n) for n in ("train/a.b.jpg", "a.b.jpg", "a.b", "b.jpg", "a")]
    [True, True, True, False, False]
    """
    last = path.rpartition("/")[2]
    return path == name or path.endswith("/" + name) or name in (last, last.rpartition(".")[0])


def require_wanted(info: DatasetInfo, shards: Sequence[Shard], wanted: Wanted) -> None:
    """Raise a UserError for a class, a split or an image that the dataset does not have."""
    classes = dict.fromkeys([*(c.name for c in info.categories), *class_names(shards)] if wanted.classes else ())
    for name in wanted.classes:
        if name not in classes:
            raise UserError(f"--class {name}: the dataset has no such class{nearest_or_all(name, classes)}")
    splits = sorted({str(s) for shard in shards for s in shard.image_columns["split"].tolist() if s is not None})
    if wanted.split is not None and wanted.split not in splits:
        raise UserError(f"--split {wanted.split}: the dataset has no such split{nearest_or_all(wanted.split, splits)}")
    require_names(shards, wanted.names)


def require_names(shards: Sequence[Shard], names: Iterable[str]) -> None:
    """Raise a UserError that names the nearest image when there is none of a name."""
    paths = [str(p) for shard in shards for p in shard.image_columns["path"].tolist()]
    for name in names:
        if not any(is_named(p, name) for p in paths):
            raise UserError(f"--image {name}: the dataset has no such image{nearest_path(name, paths)}")


def chosen_rows(shard: Shard, wanted: Wanted) -> list[int]:
    """Return the rows of the images wanted, in order."""
    images = shard.image_columns
    keep = np.ones(len(images), bool)
    paths = images["path"].tolist()
    if wanted.split is not None:
        keep &= np.array([s == wanted.split for s in images["split"].tolist()], bool)
    if wanted.classes:
        classes = set(wanted.classes)
        of_class = np.array([c in classes for c in shard.annotation_columns["category"].tolist()], bool)
        keep &= np.isin(np.arange(len(keep)), shard.annotation_columns["image_row"][of_class])
    if wanted.found is not None:
        found = wanted.found
        keep &= np.array([p in found for p in paths], bool)
    if wanted.names:
        keep &= np.array([any(is_named(str(p), n) for n in wanted.names) for p in paths], bool)
    return np.flatnonzero(keep).tolist()


def row_tile(shard: Shard, row: int, wanted: Wanted, colours: dict[str, RGB], side: int, root: Path, label: str = "") -> Pixels:
    """Return the tile of one image, with a label before its name; one that cannot be read is a grey tile that says why."""
    from dsinspect.io.image_codec import UnreadableError
    from dsinspect.render.contact_sheet import blank, tile
    from dsinspect.render.crops import open_framed

    image = shard.image_columns.take(np.array([row])).records()[0]
    path = str(image["path"])
    found = (wanted.found or {}).get(path)
    notes = [] if found is None else found.messages[:MAX_MESSAGES]
    if found is not None and len(found.messages) > MAX_MESSAGES:
        notes.append(f"and {len(found.messages) - MAX_MESSAGES:,} more")
    marks = marks_of(shard, row, wanted, colours)
    try:
        if path.endswith(ARRAY) and image["file"] is None:
            return tile(array_bgr(root, path), side, marks, label + path, None, notes)
        framed = open_framed(image)
    except UnreadableError as e:
        return blank(side, str(e), label + path, notes)
    return tile(framed.bgr, side, marks, label + path, framed.frame_wh, notes)


def array_bgr(root: Path, path: str) -> Pixels:
    """Return the pixels of an array that `transform --op tensor` wrote into a set, stretched from its least to its largest value.

    Three channels are taken as RGB.

    Raises:
        UnreadableError: it is not there, no array of pixels, or larger than what is decoded of an image.
    """
    from dsinspect.io.image_codec import UnreadableError
    from dsinspect.io.limits import limits
    from dsinspect.output.destination import is_within
    from dsinspect.render.contact_sheet import as_bgr, channel_tiles

    folder = root if root.is_dir() else root.parent
    if not is_within(folder / path, folder) or not (folder / path).is_file():
        raise UnreadableError("no such file")
    try:
        array = np.load(folder / path, mmap_mode="r", allow_pickle=False)
        if array.ndim not in (2, 3) or array.size > 4 * limits().pixels:
            raise UnreadableError("the array is no image")
        planes = channel_tiles(array, 3)
    except (OSError, ValueError, EOFError) as e:
        raise UnreadableError(str(e) or "cannot be read") from None
    return as_bgr(np.dstack(planes[::-1]) if len(planes) == 3 else planes[0])


def marks_of(shard: Shard, row: int, wanted: Wanted, colours: dict[str, RGB]) -> list[Marked]:
    """Return the boxes of one image; those with findings, and those they lie on, are marked."""
    from dsinspect.render.contact_sheet import Marked
    from dsinspect.render.shapes import class_label, shapes_of

    a = shard.annotation_columns
    rows = np.flatnonzero(a["image_row"] == row)
    found = (wanted.found or {}).get(str(shard.image_columns["path"][row])) or Found(0)
    made = []
    columns = zip(*(a[c][rows].tolist() for c in ("category", "category_id", "source", "index", "annotation_id")), strict=True)
    for shape, (name, category_id, source, index, number) in zip(shapes_of(a, rows), columns, strict=True):
        is_mark = (source, index) in found.records
        is_other = number in found.others and not is_mark
        colour = MARK if is_mark else OTHER if is_other else colours.get(str(name), NO_CLASS)
        label = class_label(name, category_id) if wanted.labels else ""
        made.append(Marked(shape.box, label, is_mark or is_other, colour, 8 if is_other else 2, shape))
    return made

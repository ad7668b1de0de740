"""Transform the images and annotations of one shard, in whatever worker, and keep the result as a part."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.geometry.affine import not_carried
from dsinspect.geometry.annotations import Carried, Output, carry, outlines_not_carried
from dsinspect.geometry.exif import BY_DECLARED_SIZE, Frame, FrameRule, turned_upright
from dsinspect.geometry.label_swap import mirrored_pairs
from dsinspect.inspection.measure import measure, measured_shard
from dsinspect.io import image_codec
from dsinspect.io.image_codec import Encoding, Outputs, UnreadableError
from dsinspect.io.limits import limits, option
from dsinspect.known_names import MISSING, TRUNCATED, TRUNCATED_COLUMN, UNDECODABLE
from dsinspect.output.destination import Apart
from dsinspect.protocols.formats import ShardRef
from dsinspect.protocols.probes import ImageFile, Probe
from dsinspect.protocols.transforms import ImageRow
from dsinspect.tables.columns import Columns, at_rows
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import BOX_COLUMNS, images_frame
from dsinspect.transformation.chain import Chain, Route, matrix_of, min_kept_of, routes
from dsinspect.transformation.checkpoints import Failure, Part, Parts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

FOLDER = ".dsinspect-transform"
"""Folder of the finished parts, in the output folder."""
STAGE = f"{FOLDER}/pictures"
"""Folder of images that the end of the run gives their places."""
COLUMNS = ("image_id", "path", "file", "width", "height", "file_width", "file_height", "orientation", "read_error",
           "boxes_upright")
HALT = threading.Event()
"""Set when the run is broken off: worker threads stop before the next image."""


class _Busy:
    """Counts the shards that threads of this process are at."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when no thread is at work; call with `HALT` set."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0)


BUSY = _Busy()
"""Every thread has ended its image before anything is swept up."""


@dataclass(frozen=True)
class _Routed(Output):
    """An output with the route of its pixels."""

    route: Route


@dataclass(frozen=True)
class Settings:
    """What to do to the images and boxes; picklable.

    Attributes:
        chain: the transforms.
        encoding: how images are written.
        frame: frame that boxes of an EXIF-rotated image are in: `auto` (see `FrameRule`), `stored` or `upright`.
        variants: keep each original beside its transformed copies.
        only_classes: transform only images with a box of these classes; with `variants` the others are copied.
        swap_mirrored: exchange class names that distinguish left from right in mirrored outputs.
        drop_empty: leave out outputs without any box of images that had some.
        drop_unsupported: go on without geometry that a transform cannot carry, instead of refusing.
        keep_truncated: transform images whose file ends early; the missing part is grey.
        repeat: how many times an image is to be in the set, by path, for those with more than once; the original that
            `variants` keeps counts.
    """

    chain: Chain
    encoding: Encoding = field(default_factory=Encoding)
    frame: Frame = "auto"
    variants: bool = False
    only_classes: tuple[str, ...] = ()
    swap_mirrored: bool = False
    drop_empty: bool = False
    drop_unsupported: bool = False
    keep_truncated: bool = False
    repeat: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_one_to_one(self) -> bool:
        """Say whether an image becomes one output, so that ids stay."""
        return not self.variants and not self.repeat and not any(t.gives_many for t in self.chain)

    def described(self) -> dict[str, Any]:
        """Return all that decides the outputs, JSON-ready."""
        return {
            "operations": [{"name": t.name, "options": msgspec.to_builtins(t.options)} for t in self.chain],
            "image_format": self.encoding.format or "as the source", "jpeg_quality": self.encoding.jpeg_quality,
            "png_level": self.encoding.png_level, "frame": self.frame, "variants": self.variants,
            "only_classes": list(self.only_classes), "swap_mirrored": self.swap_mirrored, "drop_empty": self.drop_empty,
            "drop_unsupported": self.drop_unsupported, "keep_truncated": self.keep_truncated,
            "repeated": len(self.repeat), "repeats": sum(self.repeat.values())}


def swaps_of(settings: Settings, info: DatasetInfo) -> dict[str, str]:
    """Return the class names to exchange in mirrored outputs: none unless the settings say so."""
    return mirrored_pairs(c.name for c in info.categories) if settings.swap_mirrored else {}


@dataclass(frozen=True)
class PartTask:
    """Transform one shard; picklable.

    Attributes:
        settings: what to do.
        info: of the dataset.
        out: the output folder.
        probes: measure size and orientation.
        content: measures whether a file ends early, or None.
        swaps: class names to exchange in mirrored outputs.
        resume: keep outputs that are there already and newer than their source.
        rule: for the frame of images with an EXIF orientation.
        staged: images go into a folder beside the parts; the end of the run gives them their places.
    """

    settings: Settings
    info: DatasetInfo
    out: Path
    probes: tuple[Probe, ...]
    content: Probe | None
    swaps: Mapping[str, str]
    resume: bool
    staged: bool = False
    rule: FrameRule = BY_DECLARED_SIZE

    @property
    def parts(self) -> Parts:
        """The folder of the parts."""
        return Parts(self.out / FOLDER)

    @property
    def image_folder(self) -> Path:
        """The folder that images are written into."""
        return self.out / STAGE if self.staged else self.out

    @of_any_size()
    def __call__(self, item: tuple[int, ShardRef]) -> int:
        """Make a part, and return how many images it has.

        Raises:
            UserError: the output cannot be written, or geometry cannot be carried.
        """
        with BUSY:
            return self._made(item)

    def _made(self, item: tuple[int, ShardRef]) -> int:
        number, ref = item
        if HALT.is_set():
            raise InterruptedError("broken off")
        image_codec.start_opencv()
        shard = ref.load()
        Apart(self.out).require(shard.image_columns["file"].tolist())
        measurements = measure(shard.image_columns["file"].tolist(), self.probes, None)
        shard = self.in_frame(measured_shard(shard, measurements, self.info.box_units, self.rule))
        n = len(shard.image_columns)
        boxes_of = np.bincount(shard.annotations["image_row"].to_numpy() + 1, minlength=n + 1)[1:]
        columns = {name: shard.image_columns[name].tolist() for name in COLUMNS}
        rows, failures = self.rows(columns)
        planned = self.outputs(shard, rows)
        self.require_carried(shard, planned)
        counts = Counter({"pictures left out: nothing is left of them": len(set(rows) - {o.image_row for o in planned})})
        if self.settings.drop_empty:
            filled = [o for o, is_empty in zip(planned, self._empty(shard, planned, boxes_of), strict=True) if not is_empty]
            counts["outputs left out: no box in them (--drop-empty)"] = len(planned) - len(filled)
            planned = filled
        outputs: list[_Routed] = []
        entries: list[dict[str, Any]] = []
        for row, group in itertools.groupby(planned, lambda o: o.image_row):
            if HALT.is_set():
                raise InterruptedError("broken off")
            of_row = list(group)
            try:
                entries += self._pixels({name: values[row] for name, values in columns.items()}, of_row)
                outputs += of_row
            except UnreadableError as e:
                failures[row] = (e.code, str(e))
        carried = self.carried(shard, outputs)
        counts["dropped: of a picture that failed"] = sum(int(boxes_of[r]) for r in failures)
        counts["pictures copied byte for byte"] = sum(bool(e["copied"]) for e in entries)
        told = [Failure(str(shard.images["path"].iloc[r]), code, reason, int(boxes_of[r]))
                for r, (code, reason) in sorted(failures.items())]
        self.parts.put(number, Part(Columns.of(self._images(shard, outputs, entries)),
                                    Columns.of(carried.annotations), entries, told,
                                    counts + carried.counts, n))
        return n

    def in_frame(self, shard: Shard) -> Shard:
        """Scale fractions anew when they are said to be of the stored image, not of the upright one."""
        if self.info.box_units != "fraction" or self.settings.frame != "stored":
            return shard
        rows = shard.annotations["image_row"].to_numpy()
        columns = {}
        for name in BOX_COLUMNS:
            side = "width" if name.startswith("x") else "height"
            stored, taken = (at_rows(shard.image_columns[f"{f}_{side}"], rows) for f in ("file", "frame"))
            columns[name] = shard.annotations[name].to_numpy() * (stored / taken)
        return shard.replace(annotations=shard.annotations.assign(**columns))

    def carried(self, shard: Shard, outputs: Sequence[_Routed]) -> Carried:
        """Return the annotations in the frames of the outputs."""
        return carry(shard, outputs, min_kept_of(self.settings.chain), self.swaps)

    def _empty(self, shard: Shard, outputs: Sequence[_Routed], boxes_of: NDArray[np.intp]) -> list[bool]:
        """Say for each output whether it has no box although its image has some."""
        left = np.bincount(self.carried(shard, outputs).annotations["image_row"].to_numpy(), minlength=len(outputs))
        return [bool(left[k] == 0 and boxes_of[o.image_row]) for k, o in enumerate(outputs)]

    def rows(self, columns: Mapping[str, list[Any]]) -> tuple[dict[int, ImageRow], dict[int, tuple[str, str]]]:
        """Return what the transforms know of each image, and the images that failed: code and reason."""
        rows: dict[int, ImageRow] = {}
        failures: dict[int, tuple[str, str]] = {}
        for k, values in enumerate(zip(*columns.values(), strict=True)):
            record = dict(zip(columns, values, strict=True))
            width, height = record["file_width"], record["file_height"]
            if record["file"] is None:
                failures[k] = (MISSING, "no such file")
            elif record["read_error"] is not None:
                failures[k] = (MISSING, str(record["read_error"]))
            elif not (width > 0 and height > 0):
                failures[k] = (UNDECODABLE, "no image: the header gives no size")
            elif width * height > limits().pixels:
                failures[k] = (UNDECODABLE, f"{width:,.0f} x {height:,.0f} px is more than the {limits().pixels:,} px that are "
                               f"decoded ({option('pixels')})")
            else:
                rows[k] = self.row(record)
        return rows, failures

    def row(self, record: Mapping[str, Any]) -> ImageRow:
        """Return what the transforms know of one image: its size in the frame of its boxes."""
        path, width, height = record["path"], int(record["file_width"]), int(record["file_height"])
        orientation = int(record["orientation"])
        if orientation == 1:
            return ImageRow(path, width, height)
        if not record["boxes_upright"]:
            return ImageRow(path, width, height, orientation)
        return ImageRow(path, *((height, width) if orientation >= 5 else (width, height)), was_turned=True)

    def outputs(self, shard: Shard, rows: Mapping[int, ImageRow]) -> list[_Routed]:
        """Return the outputs of the images in order, each with its route."""
        settings = self.settings
        chosen = None
        if settings.only_classes:
            has = shard.annotations["category"].isin(list(settings.only_classes)).to_numpy(bool)
            chosen = set(shard.annotations["image_row"].to_numpy()[has].tolist())
        outputs = []
        for k, row in rows.items():
            through = routes(settings.chain, row) if chosen is None or k in chosen else []
            again = settings.repeat.get(row.path, 1) - settings.variants
            through += [replace(r, tag="_".join(t for t in (r.tag, f"repeat{n}") if t))
                        for n in range(2, again + 1) for r in through]
            if settings.variants or (chosen is not None and k not in chosen):
                original = Route(row)
                named = [replace(r, tag="_".join(t for t in (_label(settings.chain), r.tag) if t)) for r in through]
                through = [original, *named]
            outputs += [_Routed(k, r.matrix, *r.window, r.size_wh, r) for r in through]
        return outputs

    def require_carried(self, shard: Shard, outputs: Sequence[_Routed]) -> None:
        """Raise a UserError when geometry would be lost that nobody agreed to lose."""
        if self.settings.drop_unsupported:
            return
        hint = "; go on without it with --drop-unsupported"
        for output in outputs:
            for step in output.route.steps:
                lost = not_carried(matrix_of(step.transform, step.params))
                if "box" in lost:
                    raise UserError(f"--op {step.transform.name}: boxes cannot follow it exactly{hint}")
        for column, count in outlines_not_carried(shard.annotations).items():
            raise UserError(f"{self.info.format}: {column} holds outlines that cannot be carried "
                            f"({count} in the first part that has some){hint}; boxes are kept")

    def _pixels(self, record: Mapping[str, Any], outputs: Sequence[_Routed]) -> list[dict[str, Any]]:
        """Write the outputs of one image, and return their entries in the manifest.

        Raises:
            UnreadableError: the image cannot be read or written; none of its outputs is left then.
        """
        folder = Outputs(self.image_folder, self.parts.temporary)
        reader = Reader(self, record)
        entries: list[dict[str, Any]] = []
        try:
            for output in outputs:
                entries.append(self._output(record, output.route, reader, folder))  # noqa: PERF401 - those so far are needed
        except UnreadableError:
            for entry in entries:
                (self.image_folder / entry["path"]).unlink(missing_ok=True)
            raise
        return entries

    def _output(self, record: Mapping[str, Any], route: Route, reader: Reader, folder: Outputs) -> dict[str, Any]:
        path, file = str(record["path"]), str(record["file"])
        array = route.steps[-1].transform if route.steps and route.steps[-1].transform.suffix else None
        suffix = os.path.splitext(path)[1]  # noqa: PTH122 - a Path an image costs more
        new = array.suffix if array and array.suffix else self.settings.encoding.suffix_for(suffix)
        copied = not route.changes_pixels and array is None and new == suffix
        target = target_path(path, file, new, route.tag)
        if not (self.resume and is_newer(self.image_folder / target, file)):
            if copied:
                content = reader.content
            else:
                made = route.apply(reader.pixels)
                content = array.encode(made) if array else self.settings.encoding.encode(made, new)
            folder.write(target, content)
        image, matrix = route.image, route.matrix
        return {
            "path": target, "width": route.size_wh[0], "height": route.size_wh[1],
            "source": {"path": path, "image_id": record["image_id"], "width": image.width, "height": image.height,
                       "orientation": int(record["orientation"]), "turned_upright": image.was_turned},
            "matrix": None if matrix is None else matrix.tolist(), "copied": copied,
            "steps": [{"name": s.transform.name, **s.transform.manifest(s.params)} for s in route.steps]}

    def _images(self, shard: Shard, outputs: Sequence[_Routed], entries: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        rows = [o.image_row for o in outputs]
        source = shard.images.iloc[rows]
        sizes = np.array([[e["width"], e["height"]] for e in entries], np.float64).reshape(-1, 2)
        # A file that was copied waits for its orientation still, unless its boxes are in the upright frame already.
        waits = np.array([e["copied"] and not e["source"]["turned_upright"] for e in entries], bool)
        images = images_frame(
            len(rows), image_id=source["image_id"].to_numpy(), path=[e["path"] for e in entries],
            declared_path=[e["path"] for e in entries], file=[None] * len(rows), split=source["split"].to_numpy(),
            width=sizes[:, 0], height=sizes[:, 1], source=source["source"].to_numpy(),
            line=source["line"].to_numpy(), index=source["index"].to_numpy())
        return images.assign(
            frame_width=sizes[:, 0], frame_height=sizes[:, 1], file_width=sizes[:, 0], file_height=sizes[:, 1],
            orientation=np.where(waits, source["orientation"].to_numpy(), 1.0), boxes_upright=~waits)


class Reader:
    """Reads one image, when and if it is needed."""

    def __init__(self, task: PartTask, record: Mapping[str, Any]) -> None:
        self._task = task
        self._record = record

    @functools.cached_property
    def content(self) -> bytes:
        """The bytes of the file.

        Raises:
            UnreadableError: it cannot be read, or ends early.
        """
        source = ImageFile(str(self._record["file"]))
        try:
            content = source.content
        except OSError as e:
            raise UnreadableError((e.strerror or "cannot be read").lower(), MISSING) from None
        probe = self._task.content
        if probe is not None and not self._task.settings.keep_truncated:
            names = [c.name for c in probe.columns]
            if probe.measure(source)[names.index(TRUNCATED_COLUMN)]:
                raise UnreadableError("the file ends early; what is missing would be grey (--keep-truncated keeps it)",
                                      TRUNCATED)
        return content

    @functools.cached_property
    def pixels(self) -> NDArray[Any]:
        """The pixels in the frame of the boxes.

        Raises:
            UnreadableError: the decoder gives nothing, or another size than the header says.
        """
        pixels = image_codec.decode(self.content)
        expected = (int(self._record["file_width"]), int(self._record["file_height"]))
        if pixels.shape[1::-1] != expected:
            raise UnreadableError(f"the decoder gives {pixels.shape[1]} x {pixels.shape[0]} px, the header says "
                                  f"{expected[0]} x {expected[1]}")
        row = self._task.row(self._record)
        return turned_upright(pixels, int(self._record["orientation"])) if row.was_turned else pixels


def _label(chain: Chain) -> str:
    return "-".join(t.name for t in chain)


def target_path(path: str, file: str, suffix: str, tag: str) -> str:
    """Return where an output goes, relative to the output folder: where its source is in the set.

    An image that shares its stem with another one in its folder keeps its whole name when the suffix changes.
    """
    parts = [p for p in PurePosixPath(path).parts if p not in ("..", "/")]
    own = PurePosixPath(*parts) if parts else PurePosixPath("image")
    stem = own.stem
    if suffix != own.suffix and own.stem in shared_stems(os.path.dirname(file)):  # noqa: PTH120
        stem = own.name
    return str(own.with_name(f"{stem}{'__' if tag else ''}{tag}{suffix}"))


@functools.lru_cache(maxsize=64)
def shared_stems(folder: str) -> frozenset[str]:
    """Return the stems that two files of a folder share."""
    try:
        stems = Counter(os.path.splitext(e.name)[0] for e in os.scandir(folder) if e.is_file())  # noqa: PTH122
    except OSError:
        return frozenset()
    return frozenset(s for s, n in stems.items() if n > 1)


def is_newer(target: Path, source: str) -> bool:
    """Say whether an output is there and no older than its source; outputs appear whole or not at all."""
    try:
        return target.stat().st_mtime_ns >= os.stat(source).st_mtime_ns  # noqa: PTH116
    except OSError:
        return False

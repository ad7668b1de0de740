"""Transform the images and annotations of one shard, in whatever worker, and keep the result as a part."""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.errors import UserError
from dsinspect.geometry.affine import not_carried
from dsinspect.geometry.annotations import Carried, Output, carry, outlines_not_carried
from dsinspect.geometry.exif import BY_DECLARED_SIZE, FrameRule
from dsinspect.inspection.measure import measure, measured_shard
from dsinspect.io import image_codec
from dsinspect.io.image_codec import Outputs, UnreadableError
from dsinspect.io.limits import limits, option
from dsinspect.known_names import MISSING, UNDECODABLE
from dsinspect.output.destination import Apart
from dsinspect.protocols.formats import ShardRef
from dsinspect.protocols.probes import Probe
from dsinspect.protocols.transforms import ImageRow
from dsinspect.tables.columns import Columns, at_rows
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import BOX_COLUMNS, images_frame
from dsinspect.transformation.chain import Chain, Route, matrix_of, min_kept_of, routes
from dsinspect.transformation.checkpoints import Failure, Part, Parts
from dsinspect.transformation.one_image import Reader, is_newer, target_path
from dsinspect.transformation.settings import Settings

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

    def reader(self, record: Mapping[str, Any]) -> Reader:
        """Return what reads one image, and refuses a file that ends early unless the settings keep it."""
        return Reader(record, self.row(record), None if self.settings.keep_truncated else self.content)

    def _pixels(self, record: Mapping[str, Any], outputs: Sequence[_Routed]) -> list[dict[str, Any]]:
        """Write the outputs of one image, and return their entries in the manifest.

        Raises:
            UnreadableError: the image cannot be read or written; none of its outputs is left then.
        """
        folder = Outputs(self.image_folder, self.parts.temporary)
        reader = self.reader(record)
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


def _label(chain: Chain) -> str:
    return "-".join(t.name for t in chain)

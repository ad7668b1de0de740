"""Fit a dataset to a trainer: what it cannot use is left out and counted, ids and layout are those it expects.

Boxes are brought into the upright frame and cut at the edges of their images; then the trainer itself is asked, and what it
would leave out is left out here, by its own reasons; what it keeps, a box without a width too, is kept. So its simulation on the
output keeps everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from dsinspect.errors import Blame, UserError
from dsinspect.geometry.exif_frames import turned_upright
from dsinspect.inspection.watched import judge
from dsinspect.io.atomic import write_atomic
from dsinspect.io.containment import held
from dsinspect.io.folders import make_folder
from dsinspect.protocols.formats import Format, ShardRef
from dsinspect.protocols.trainers import DROPPED, NO_RULE, Loaded, Target, Trainer
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG_QUALITY = 95
"""Of images that are turned upright: OpenCV's own default."""
CUT = 1e-3
"""A box that is cut by less than this, px, does not count as cut."""
ALL = "train"
"""Split of a set that has none."""


def target_of(trainer: Trainer) -> Target:
    """Return how a set is written for a trainer.

    Raises:
        UserError: it trains nothing.
    """
    if trainer.target is None:
        raise UserError(f"--for {trainer.name}: {trainer.title} trains nothing, so no set is written for it")
    return trainer.target


def format_for(trainer: Trainer, to: str | None) -> str:
    """Return the format that a set is written in for a trainer.

    Args:
        trainer: whom it is for.
        to: the format that was asked for, if any.

    Raises:
        UserError: it trains nothing, or another format was asked for.
    """
    wanted = target_of(trainer).format
    if to not in (None, wanted):
        raise UserError(f"--to {to}: {trainer.name} reads {wanted}; leave --to out")
    return wanted


class Fitting:
    """Fits shards, one after the other, and counts what is left out.

    Args:
        trainer: whom to fit them to.
        blame: names its plugin, should it raise.
        info: of the set as it is read.
        refs: parts of the set, read once more for the names of classes where the set declares none.
    """

    def __init__(self, trainer: Trainer, blame: Blame, info: DatasetInfo, refs: Iterable[ShardRef]) -> None:
        self.trainer, self._blame, self.target = trainer, blame, target_of(trainer)
        self.losses: Counter[str] = Counter()
        self.names = _class_names(info, refs)
        self._number = {name: k for k, name in enumerate(self.names)}
        self._images = self._annotations = 0
        self.info = replace(info, format="fitted", box_units="px", split_categories={}, categories=self.categories,
                            splits=info.splits or (ALL,))

    @property
    def categories(self) -> tuple[Category, ...]:
        """The classes with the ids that the trainer expects."""
        return tuple(Category(self.target.first_id + k, name) for k, name in enumerate(self.names))

    def fitted(self, shard: Shard) -> Shard:
        """Return a shard with what the trainer can use.

        Args:
            shard: boxes in px, images measured; see `pipeline.prepared`.
        """
        if not self.target.keypoints and "keypoints" in shard.annotations:
            self.losses["keypoints"] += int(shard.annotations["keypoints"].notna().sum())
            shard = shard.replace(annotations=shard.annotations.drop(columns="keypoints"))
        shard = self._joined(shard)
        shard = self._upright(shard)
        shard = self._usable(shard)
        shard = self._cut(shard)
        shard = self._as_the_trainer_wants(shard)
        return self._numbered(shard)

    def _joined(self, shard: Shard) -> Shard:
        """Give the annotations of records that name one file to the first of them.

        Else the file would be there twice, once as if it showed nothing.
        """
        images, a = shard.images, shard.annotations
        met: dict[tuple[str, str | None], int] = {}
        named = zip(images["path"].tolist(), images["split"].tolist(), strict=True)
        first = np.array([met.setdefault(key, k) for k, key in enumerate(named)], np.int64)
        again = first != np.arange(len(first))
        if not again.any():
            return shard
        self.losses["image records that name the file of another one (their boxes go to it)"] += int(again.sum())
        place = np.cumsum(~again) - 1
        rows = np.append(place[first], -1)[a["image_row"].to_numpy()]
        a = a.assign(image_row=rows).iloc[np.argsort(rows, kind="stable")].reset_index(drop=True)
        return shard.replace(images=images[~again].reset_index(drop=True), annotations=a)

    def _upright(self, shard: Shard) -> Shard:
        shard = turned_upright(shard)
        images = shard.images
        size = {side: np.where(np.isnan(images[f"frame_{side}"].to_numpy()), images[side].to_numpy(),
                               images[f"frame_{side}"].to_numpy()) for side in ("width", "height")}
        split = pd.Series([ALL if s is None else s for s in images["split"].tolist()], dtype=object)
        return shard.replace(images=images.assign(split=split, **size))

    def _usable(self, shard: Shard) -> Shard:
        """Leave out regions, annotations of unknown images or classes, and images that no trainer can open."""
        a, images = shard.annotations, shard.images
        rows = a["image_row"].to_numpy()
        crowd = a["is_crowd"].to_numpy(bool) & (not self.target.keep_crowd)
        ignored = a["is_ignored"].to_numpy(bool) & ~crowd
        unknown = np.array([c not in self._number for c in a["category"].tolist()], bool)
        keep = np.ones(len(a), bool)
        for what, mask in (("annotations of unknown images", rows < 0), ("crowd regions", crowd),
                           ("ignored or difficult regions", ignored), ("annotations of unknown categories", unknown),
                           ("annotations without a finite box", ~np.isfinite(boxes_xyxy(a)).all(axis=1))):
            self.losses[what] += int((mask & keep).sum())
            keep &= ~mask
        gone = np.array([f is None for f in images["file"].tolist()], bool) & self.info.has_files
        self.losses["images whose file is missing"] += int(gone.sum())
        if "file_format" in images:
            unreadable = np.array([f is None for f in images["file_format"].tolist()], bool) & ~gone
            self.losses["images that cannot be read"] += int(unreadable.sum())
            gone |= unreadable
        sizeless = ~(images[["width", "height"]].to_numpy() > 0).all(axis=1) & ~gone
        self.losses["images whose size nobody knows"] += int(sizeless.sum())
        self._count_annotations_of(gone | sizeless, rows, keep)
        return _without(shard, gone | sizeless, keep)

    def _count_annotations_of(self, out: NDArray[np.bool_], rows: NDArray[np.integer[Any]], kept: NDArray[np.bool_]) -> None:
        """Count the annotations, not left out otherwise, of images that are left out."""
        self.losses["annotations of images that are left out"] += int((kept & np.append(out, False)[rows]).sum())

    def _cut(self, shard: Shard) -> Shard:
        """Cut boxes at the edges of their images; areas are those of the boxes then."""
        a, images = shard.annotations, shard.images
        rows = a["image_row"].to_numpy()
        w, h = images["width"].to_numpy()[rows], images["height"].to_numpy()[rows]
        boxes = boxes_xyxy(a).reshape(-1, 4)
        inner = np.column_stack([np.clip(boxes[:, 0], 0, w), np.clip(boxes[:, 1], 0, h), np.clip(boxes[:, 2], 0, w),
                                 np.clip(boxes[:, 3], 0, h)])
        cut = np.asarray((np.abs(inner - boxes) > CUT).any(axis=1), bool)
        # A side of 0 px within the image is the trainer's to judge: Ultralytics keeps it.
        there = (inner[:, 2:] > inner[:, :2]) | ((boxes[:, 2:] == boxes[:, :2]) & (inner[:, :2] == boxes[:, :2]))
        empty = ~there.all(axis=1)
        self.losses["boxes outside of their image, or with a negative side"] += int(empty.sum())
        self.losses["parts of boxes beyond the edge of their image"] += int((cut & ~empty).sum())
        columns: dict[str, Any] = dict(zip(("x_min", "y_min", "x_max", "y_max"), inner.T, strict=True))
        if "area" in a:
            area, sides = a["area"].to_numpy(np.float64), inner[:, 2:] - inner[:, :2]
            # An outline that crosses itself has an area of 0, which some trainers drop: the box's stands in for it.
            columns["area"] = np.where(cut, np.nan, np.where(area <= 0, sides.prod(axis=1), area))
        return _without(shard.replace(annotations=a.assign(**columns)), np.zeros(len(images), bool), ~empty)

    def _as_the_trainer_wants(self, shard: Shard) -> Shard:
        """Ask the trainer, and leave out what it would."""
        a, images = shard.annotation_columns, shard.image_columns
        loaded = Loaded(self.info, images, a, shard.problem_columns, boxes_xyxy(a))
        fates = judge(self.trainer, loaded, self._blame)
        out = fates.image_rule != NO_RULE
        dropped = (fates.fate == DROPPED) & ~np.append(out, False)[a["image_row"]]
        if self.target.keep_crowd:
            dropped &= ~a["is_crowd"]
        for rules, mask, what in ((fates.image_rule, out, "images"), (fates.rule, dropped, "annotations")):
            for k in np.unique(rules[mask]).tolist():
                self.losses[f"{what}: {self.trainer.rules[k].reason}"] += int((rules[mask] == k).sum())
        self._count_annotations_of(out, a["image_row"], ~dropped)
        return _without(shard, out, ~dropped)

    def _numbered(self, shard: Shard) -> Shard:
        """Give categories, images and annotations ids without a gap or a repetition."""
        a, images = shard.annotations, shard.images
        n, m = len(images), len(a)
        image_ids = self._images + 1 + np.arange(n)
        numbers = np.array([self._number[c] for c in a["category"].tolist()], np.int64) + self.target.first_id
        own = self._annotations + 1 + np.arange(m)
        self._images, self._annotations = self._images + n, self._annotations + m
        if self.target.outlines:
            a = a.assign(segmentation=pd.Series(_outlines(a), dtype=object))
        return shard.replace(
            images=images.assign(image_id=image_ids, index=image_ids - 1, source="fitted"),
            annotations=a.assign(category_id=numbers, annotation_id=own, index=own - 1,
                                 is_ignored=np.zeros(m, bool), image_id=image_ids[a["image_row"].to_numpy()]))


def _outlines(annotations: pd.DataFrame) -> list[Any]:
    """Return the outlines, the corners of the box where there is none."""
    known = annotations["segmentation"].tolist() if "segmentation" in annotations else [None] * len(annotations)
    boxes = boxes_xyxy(annotations).reshape(-1, 4).tolist()
    return [msgspec.json.encode([[x0, y0, x1, y0, x1, y1, x0, y1]]) if value is None or bytes(value) in (b"[]", b"null") else value
            for value, (x0, y0, x1, y1) in zip(known, boxes, strict=True)]


def _class_names(info: DatasetInfo, refs: Iterable[ShardRef]) -> list[str]:
    """Return the names of classes by their ids, or those that are found, by name."""
    declared = sorted(((c.category_id, c.name) for c in info.categories), key=lambda c: c[0])
    if declared:
        return list(dict.fromkeys(name for _, name in declared))
    return sorted({name for ref in refs for name in ref.load().annotations["category"].unique().tolist() if name is not None})


def _without(shard: Shard, images_gone: NDArray[np.bool_], keep: NDArray[np.bool_]) -> Shard:
    """Leave out images with their annotations, and annotations."""
    if not images_gone.any() and keep.all():
        return shard
    rows = shard.annotations["image_row"].to_numpy()
    keep = keep & ~np.append(images_gone, True)[rows]
    place = np.cumsum(~images_gone) - 1
    annotations = shard.annotations[keep].reset_index(drop=True)
    annotations = annotations.assign(image_row=place[annotations["image_row"].to_numpy()])
    return shard.replace(images=shard.images[~images_gone].reset_index(drop=True), annotations=annotations)


class FittedPlaces:
    """Where images go that a trainer expects in one folder per split: see `output.image_layout.Placing`."""

    def __init__(self, target: Target, kind: Format) -> None:
        self._target, self._kind = target, kind
        self.by_stem, self.by_file = kind.by_stem, kind.by_file

    def place(self, path: str, split: str | None) -> str:
        """Return the place of an image."""
        if not self._target.images:
            return self._kind.place(path, split)
        return f"{images_folder(self._target, split or ALL)}/{PurePosixPath(path).name}"


def images_folder(target: Target, split: str) -> str:
    """Return the folder of the images of a split."""
    return target.images.format(split=target.splits.get(split, split))


def stand_ins(target: Target, splits: Sequence[str]) -> dict[str, str]:
    """Return the split that is read for each split which the trainer needs: itself, or another where the set lacks it."""
    first = "train" if "train" in splits else splits[0] if splits else ALL
    return {s: s if s in splits else first for s in target.needed_splits}


def finish(out: Path, fitting: Fitting, splits: Sequence[str], name: str) -> list[str]:
    """Lay annotation files out as the trainer expects them and write its configuration; return what is reported of it.

    Args:
        out: the folder that is being built.
        fitting: of the set.
        splits: those that were written.
        name: of the set, for the configuration.
    """
    target = fitting.target
    notes = []
    splits = list(splits)
    stand_in = stand_ins(target, splits)
    notes += [f"no split {s!r}: {of!r} stands for it, and is read for both" for s, of in stand_in.items() if s != of]
    if target.format == "yolo":
        _finish_yolo(out, stand_in)
    elif target.annotations:
        _finish_coco(out, target, splits, stand_in)
    if target.snippet is not None:
        file, text = target.snippet
        values: dict[str, Any] = {"name": _identifier(name), "nc": len(fitting.names), "classes": repr(tuple(fitting.names))}
        for s in ("train", "val", "test"):
            of = stand_in.get(s, s)
            values[f"{s}_images"] = images_folder(target, of)
            values[f"{s}_annotations"] = target.annotations.format(split=target.splits.get(s, s))
        write_atomic(out / file, text.format_map(values).encode(), durable=False)
        notes.append(f"{file} is a configuration to start from")
    return notes


def _finish_yolo(out: Path, stand_in: Mapping[str, str]) -> None:
    """Name the splits that data.yaml lacks."""
    import yaml

    path = out / "data.yaml"
    settings = yaml.safe_load(path.read_bytes())
    head = {s: settings.get(of, f"images/{of}") for s, of in stand_in.items()}
    settings = {**head, **{k: v for k, v in settings.items() if k not in head}}
    write_atomic(path, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=1000).encode(), durable=False)


def _finish_coco(out: Path, target: Target, splits: Sequence[str], stand_in: Mapping[str, str]) -> None:
    """Move annotation files to their places; file names are relative to the folder of their split."""
    written = {}
    for split in splits:
        source = out / "annotations" / f"instances_{split}.json"
        if not source.is_file():
            continue
        document = msgspec.json.decode(source.read_bytes())
        folder = images_folder(target, split) + "/"
        for image in document["images"]:
            image["file_name"] = image["file_name"].removeprefix(folder)
        source.unlink()
        written[split] = msgspec.json.encode(document)
    for split in dict.fromkeys((*written, *stand_in)):
        content = written.get(stand_in.get(split, split))
        if content is None:
            continue
        place = held(out, target.annotations.format(split=target.splits.get(split, split)))
        make_folder(place.parent)
        write_atomic(place, content, durable=False)
    folder_left = out / "annotations"
    if folder_left.is_dir() and not any(folder_left.iterdir()):
        folder_left.rmdir()


def _identifier(name: str) -> str:
    plain = "".join(c if c.isalnum() else "_" for c in name).strip("_")
    return plain or "dataset"


def bake_upright(file: str, target: Path, orientation: int) -> bool:
    """Write an image with its pixels turned as its EXIF orientation says, without the tag; False when it cannot be.

    JPEG files are encoded again at quality 95; the other formats lose nothing.
    """
    import cv2

    from dsinspect.geometry.exif import turned_upright as turn
    from dsinspect.io.image_codec import UnreadableError, decode, start_opencv
    from dsinspect.io.reading import read_regular

    start_opencv()
    try:
        pixels = turn(decode(read_regular(file, "image_mb")), orientation)
    except (OSError, UnreadableError):
        return False
    suffix = target.suffix.lower()
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix in (".jpg", ".jpeg", ".jpe") else []
    done, content = cv2.imencode(suffix or ".png", pixels, parameters)
    if not done:
        return False
    make_folder(target.parent)
    write_atomic(target, content.tobytes(), durable=False)
    return True

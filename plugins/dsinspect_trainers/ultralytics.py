"""Ultralytics YOLO 8.3 and 8.4: `YOLODataset` reads one label file per image and leaves out an image for one bad row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dsinspect.protocols.trainers import CHANGED, DROPPED, KEPT, NO_RULE, Extra, Fates, Loaded, Rule, Stop, Target, Trainer, Write
from dsinspect.tables.columns import is_given
from dsinspect_trainers._fates import Making, any_of_group, opened, positions_of_classes
from dsinspect_trainers._label_text import Judged, judge_text
from dsinspect_trainers._ultralytics_config import CONFIG, NAMES, stops_of_config

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[tuple[tuple[Stop, ...], tuple[tuple[str | None, int, int, int], ...]], ...]
"""Of each shard what the configuration stops, and of each split the images, those that arrive, and those with a label file."""
VERIFY = "data/utils.py: verify_image_label"
IMAGE = "data/utils.py: verify_image_label; check_image from 8.4.52 on"
LABELS = "data/dataset.py: YOLODataset.get_labels"
OUT: Final = "leaves-out-image"
FIRST_FORMATS = ("bmp", "dng", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp", "pfm")
"""`IMG_FORMATS` of 8.3.0, formats and suffixes; later ones add and take away."""
RULES = (
    Rule("unreadable-image", OUT, "the image cannot be identified or opened", IMAGE, "cannot identify image file"),
    Rule("truncated-image", OUT, "the image file ends early", IMAGE,
         "image file is truncated|Truncated File Read|cannot identify"),
    Rule("small-image", OUT, "the image is under 10 px wide or high", IMAGE, "image size"),
    Rule("image-format", OUT, "the image format is not supported", IMAGE, "invalid image format|Invalid image format"),
    Rule("image-suffix", OUT, "files with this suffix are not listed", "data/base.py: BaseDataset.get_img_files"),
    Rule("no-file", OUT, "the image file is missing", "data/base.py: BaseDataset.get_img_files"),
    Rule("mixed-rows", OUT, "box rows and polygon rows stand in one label file", VERIFY, "labels mix segment and detection rows",
         since="8.4.117"),
    Rule("mixed-rows", "changes-annotation", "a box row beside polygon rows is read as two corners, so the box is wrong", VERIFY,
         until="8.4.117"),
    Rule("ragged-rows", OUT, "the rows of the label file have different numbers of columns", VERIFY,
         "setting an array element with a sequence"),
    Rule("blank-row", OUT, "the label file has a line of white space between rows", VERIFY,
         "setting an array element with a sequence|list index out of range", until="8.4.165"),
    Rule("wrong-columns", OUT, "rows do not have 5 columns", VERIFY, "labels require"),
    Rule("odd-coordinates", OUT, "a row beside polygons has an odd number of coordinates", VERIFY, "cannot reshape array"),
    Rule("no-coordinates", OUT, "a row beside polygons has no coordinates", VERIFY, "zero-size array to reduction operation"),
    Rule("not-a-number", OUT, "a value in the label file is not a number", VERIFY, "could not convert string to float"),
    Rule("byte-order-mark", OUT, "the label file starts with a byte order mark", VERIFY, "could not convert string to float",
         until="8.4.183"),
    Rule("not-utf-8", OUT, "the label file is not UTF-8", VERIFY, "'utf-8' codec can't decode"),
    Rule("above-limit", OUT, "a coordinate is above 1", VERIFY, "non-normalized or out of bounds coordinates", until="8.3.163"),
    Rule("above-limit", OUT, "a coordinate is above 1.01", VERIFY, "non-normalized or out of bounds coordinates", since="8.3.163"),
    Rule("negative", OUT, "a class or coordinate is negative", VERIFY, "negative label values", until="8.3.163"),
    Rule("negative", OUT, "a class or coordinate is below -0.01", VERIFY, "negative class labels", since="8.3.163",
         until="8.4.182"),
    Rule("negative", OUT, "a class or coordinate is below -0.01, or a width or height is negative", VERIFY,
         "negative label values", since="8.4.182"),
    Rule("fractional-class", OUT, "a class is not a whole number", VERIFY, "non-integer class labels", since="8.4.164"),
    Rule("fractional-class", "changes-annotation", "a class that is not a whole number is cut to one when trained", VERIFY,
         until="8.4.164"),
    Rule("unknown-class", OUT, "a class is above the number of classes", VERIFY, "Label class", until="8.3.66"),
    Rule("class-equal-nc", "changes-annotation",
         "a class equal to the number of classes is accepted, and has no place in the model", VERIFY, until="8.3.66"),
    Rule("unknown-class", OUT, "a class is not below the number of classes", VERIFY, "Label class", since="8.3.66"),
    Rule("duplicate", "drops-annotation", "the row repeats another one of its file", VERIFY, "duplicate labels removed"),
    Rule("duplicate-polygon", "drops-annotation", "the polygon has the class and box of another one of its file", VERIFY,
         "duplicate labels removed", until="8.4.165"),
    Rule("other-lines", "changes-annotation", "the loader splits the label file into other lines or numbers", VERIFY),
    Rule("not-yolo-crowd", "drops-annotation", "YOLO labels have no crowd regions; convert_coco skips them",
         "data/converter.py: convert_coco"),
    Rule("undeclared-class", "drops-annotation", "the class is not declared, so no label can be written", "data.yaml: names"),
    Rule("no-image", "drops-annotation", "the annotation belongs to no image", "data/dataset.py: YOLODataset"),
    Rule("unusable-box", "drops-annotation",
         "the box is not finite or the size of the image is unknown, so no label can be written", "labels/*.txt"),
    Rule("trailing-bytes", "rewrites",
         "bytes follow the end marker of a JPEG: the file is saved again in place at quality 100, through hard links too", IMAGE,
         "corrupt JPEG restored and saved", until="8.4.167"),
    Rule("trailing-bytes", "rewrites",
         "bytes follow the end marker of a JPEG: a new file, saved at quality 100, takes its place; links keep the old one", IMAGE,
         "corrupt JPEG restored and saved", since="8.4.167"),
    Rule("not-yaml", "stops", "the configuration is no .yaml or .yml file (Darknet's obj.data)", CONFIG,
         "AssertionError: Attempting to load non-YAML file|AssertionError: Not a YAML file"),
    Rule("no-split-key", "stops", "the configuration has no `train` or no `val` (or `validation`)", CONFIG,
         "SyntaxError: 'val:' key missing"),
    Rule("class-count", "stops", "`nc` is not the number of names", CONFIG, "SyntaxError: 'names' length"),
    Rule("class-count-text", "stops", "`nc` is no whole number", CONFIG, "SyntaxError: 'nc:", since="8.4.85"),
    Rule("class-numbers", "stops", "`names` is a mapping whose numbers go beyond 0 to n - 1", NAMES, "KeyError"),
    Rule("no-split-place", "stops", "what `train` or `val` names is not on disk and no `download` is given; `test` may be missing",
         CONFIG, "FileNotFoundError"),
    Rule("relative-path", "note", "a relative `path` is looked for in Ultralytics' folder of datasets only", CONFIG,
         until="8.3.134"),
    Rule("relative-path", "note", "a relative `path` is looked for in the folder in which training is started, then in "
         "Ultralytics' folder of datasets", CONFIG, since="8.3.134"),
    Rule("no-valid-image", "stops", "no image of a split is left", LABELS, "ValueError: not enough values to unpack",
         until="8.3.133"),
    Rule("no-valid-image", "stops", "no image of a split is left", LABELS, "RuntimeError: No valid images found", since="8.3.133"),
    Rule("no-label", "stops", "no image of the training split has a label file", "data/dataset.py: YOLODataset.cache_labels",
         "ValueError: No labels found", since="8.4.85"),
    Rule("exif-size", "note", "pixels are turned as EXIF says; the size is turned for JPEG with orientation 6 and 8 only",
         "data/utils.py: exif_size", until="8.4.174"),
    Rule("exif-size", "note", "pixels and size are turned as EXIF says", "data/utils.py: exif_size", since="8.4.174"),
    Rule("missing-label", "note", "an image without a label file is background", VERIFY),
    Rule("training-size", "note",
         "while training, boxes under 2 px, with under a tenth left, or over 100 times longer than wide after augmentation are "
         "left out", "data/augment.py: RandomPerspective.box_candidates"),
    Rule("capacity", "note", "at most 300 objects per image are returned (max_det)", "cfg/default.yaml"),
)


class Ultralytics(Trainer):
    """Ultralytics YOLO: one text file of fractions per image."""

    name = "ultralytics"
    title = "Ultralytics YOLO"
    models = ("yolo",)
    releases = ("8.3.0", "8.3.10", "8.3.66", "8.3.133", "8.3.134", "8.3.163", "8.4.7", "8.4.15", "8.4.82", "8.4.85", "8.4.117",
                "8.4.164", "8.4.165", "8.4.167", "8.4.174", "8.4.182", "8.4.183")
    closed = ("8.3.253",)
    newest = "8.4.190"
    evidence = "run: verify_image_label of 22 releases, both sides of every border, over 2,466 label files and 33 image files"
    reads = ("yolo",)
    columns = {"yolo": ("yolo:n_values", "yolo:odd_text", "yolo:n_pose")}
    measures = ("file_width", "file_height", "file_format", "orientation", "is_truncated", "trailing_bytes")
    rules = RULES
    limits = {"IMG020": {"min_side": 10}, "DST005": {"max_objects": 300}, **opened("upright")}
    target = Target("yolo")

    def limits_in_force(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the limits; up to 8.4.173 `exif_size` turns the size of JPEG of orientation 6 and 8 only."""
        if self.at("8.4.174"):
            return self.limits
        return {**self.limits, "IMG005": {**self.limits["IMG005"], "turned_sizes": "jpeg-6-8"}}

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        making = Making(self.places, len(loaded.images), loaded.annotations["image_row"])
        self._judge_images(loaded, making)
        if loaded.dataset.format == "yolo":
            self._judge_rows(loaded, making)
            self._judge_texts(loaded, making)
        else:
            self._judge_converted(loaded, making)
        making.drop(making.image_row < 0, "no-image")
        return making.done(self._state(loaded, making))

    # Images

    def _judge_images(self, loaded: Loaded, making: Making) -> None:
        images = loaded.images
        if not loaded.dataset.has_files:
            return
        kinds = self._image_formats()
        making.leave_out(~is_given(images["file"]), "no-file")
        suffixes = np.array([str(p).rpartition(".")[2].lower() in kinds for p in images["path"].tolist()], bool)
        making.leave_out(~suffixes, "image-suffix")
        errors = loaded.measured("read_error")
        if errors is not None:
            making.leave_out(is_given(errors), "unreadable-image")
        formats = loaded.measured("file_format")
        if formats is None:
            return
        width, height = images["file_width"], images["file_height"]
        cut = loaded.measured("is_truncated")
        if cut is not None:
            making.leave_out(cut == 1, "truncated-image")
        making.leave_out(~is_given(formats) | np.isnan(width) | np.isnan(height), "unreadable-image")
        making.leave_out((width < 10) | (height < 10), "small-image")
        known = np.array([f is None or str(f) in kinds | {"jpeg2000"} for f in formats.tolist()], bool)
        making.leave_out(~known, "image-format")
        trailing = loaded.measured("trailing_bytes")
        if trailing is not None:
            what = self.rules[self.places["trailing-bytes"]].reason
            paths = images["path"].tolist()
            making.writes += [Write(str(paths[k]), what) for k in np.flatnonzero((trailing > 0) & making.arrives).tolist()]

    def _image_formats(self) -> frozenset[str]:
        formats = set(FIRST_FORMATS)
        if self.at("8.3.10"):
            formats.add("heic")
        if self.at("8.4.7"):
            formats = formats - {"pfm"} | {"avif", "jp2", "jpeg2000"}
        if self.at("8.4.15"):
            formats.add("heif")
        if self.at("8.4.82"):
            formats.discard("jpeg2000")
        return frozenset(formats)

    # Label files, in columns

    def _judge_rows(self, loaded: Loaded, making: Making) -> None:
        """Judge the rows of all label files whose columns say all there is to know."""
        a = loaded.annotations
        n_values, rows = a["yolo:n_values"], a["image_row"]
        is_polygon = n_values > 6
        polygons = any_of_group(is_polygon, rows, making.n_images)
        fives = any_of_group(n_values == 5, rows, making.n_images)
        sixes = any_of_group(n_values == 6, rows, making.n_images)
        if self.at("8.4.117"):
            making.leave_out(polygons & fives, "mixed-rows")
        making.leave_out(polygons & sixes, "odd-coordinates")
        making.leave_out(~polygons & fives & sixes, "ragged-rows")
        making.leave_out(~polygons & sixes, "wrong-columns")
        edges = np.stack([a[c] for c in ("x_min", "y_min", "x_max", "y_max")]).T
        xywh = _as_read(edges, is_polygon, making.at_images(polygons))
        numbers = np.column_stack([a["category_id"].astype(np.float32), xywh])
        n_classes = len(loaded.dataset.categories) or None
        self._judge_numbers(numbers, making, n_classes)
        if not self.at("8.4.117"):
            making.change(making.at_images(polygons) & ~is_polygon, "mixed-rows")
        self._judge_duplicates(numbers, making, is_polygon)
        making.label[:] = numbers[:, 0]
        making.boxes[:] = _px(numbers[:, 1:], loaded, rows)

    def _judge_numbers(self, numbers: NDArray[np.float32], making: Making, n_classes: int | None) -> None:
        """Leave out the images with a value beyond the limits; numbers are class, centre, size in single precision."""
        with np.errstate(invalid="ignore"):
            limit = np.float32(1.01 if self.at("8.3.163") else 1.0)
            beyond = np.asarray(~(numbers[:, 1:] <= limit).all(axis=1), bool)  # NaN is beyond every limit
            making.leave_out(making.of_images(beyond), "above-limit")
            making.leave_out(making.of_images(self._is_negative(numbers)), "negative")
        if self.at("8.4.164"):
            making.leave_out(making.of_images(numbers[:, 0] % 1 != 0), "fractional-class")
        if n_classes is not None:
            beyond = numbers[:, 0] >= n_classes if self.at("8.3.66") else numbers[:, 0] > n_classes
            making.leave_out(making.of_images(beyond), "unknown-class")
            if not self.at("8.3.66"):
                making.change(numbers[:, 0] == n_classes, "class-equal-nc")

    def _is_negative(self, numbers: NDArray[np.float32]) -> NDArray[np.bool_]:
        least = numbers.min(axis=1, initial=np.inf)
        if not self.at("8.3.163"):
            below: NDArray[np.bool_] = ~(least >= 0)
        else:
            below = ~(least >= np.float32(-0.01))
            if self.at("8.4.182"):
                # One negative value anywhere in the file, and one negative side anywhere: single rows are near enough, for
                # a side below 0 is itself a negative value.
                below |= numbers[:, 3:5].min(axis=1, initial=np.inf) < 0
        return below

    def _judge_duplicates(self, numbers: NDArray[np.float32], making: Making, is_polygon: NDArray[np.bool_]) -> None:
        """Drop rows equal to an earlier one of their file, in single precision; 0 and -0 are equal."""
        if not len(numbers):
            return
        repeats = repeats_of(making.image_row, numbers)
        if self.at("8.4.165"):
            making.drop(repeats & ~is_polygon, "duplicate")  # files with polygons of one box are judged by their text
        else:
            making.drop(repeats & is_polygon, "duplicate-polygon")
            making.drop(repeats, "duplicate")

    # Label files, by their text

    def _judge_texts(self, loaded: Loaded, making: Making) -> None:
        """Judge the few label files that hold more than their rows in columns say, as the loader reads them."""
        texts = loaded.images["yolo:odd_text"]
        odd = np.flatnonzero(is_given(texts))
        if not len(odd):
            return
        a = loaded.annotations
        first = np.searchsorted(a["image_row"], odd)
        stop = np.searchsorted(a["image_row"], odd, side="right")
        n_classes = len(loaded.dataset.categories) or None
        before = _rules_of_files(making, self.rules)
        for image, low, high in zip(odd.tolist(), first.tolist(), stop.tolist(), strict=True):
            if before[image]:
                continue
            judged = judge_text(bytes(texts[image]), n_classes, self, int(loaded.images["yolo:n_pose"][image]))
            making.image_rule[image] = NO_RULE
            making.fate[low:high], making.rule[low:high] = KEPT, NO_RULE
            if isinstance(judged, str):
                making.image_rule[image] = making.places[judged]
                continue
            self._take(judged, image, slice(low, high), loaded, making)

    def _take(self, judged: Sequence[Judged], image: int, rows: slice, loaded: Loaded, making: Making) -> None:
        """Give the rows of one file their fates; what the reader did not take for rows becomes extras."""
        a = loaded.annotations
        place = {line: k for k, line in enumerate(a["line"][rows].tolist(), rows.start)}
        parts = Counter(row.line for row in judged)
        making.fate[rows], making.rule[rows] = DROPPED, making.places["other-lines"]
        for row in judged:
            k = place.get(row.line) if parts[row.line] == 1 else None
            box = _px(np.array([row.xywh], np.float32), loaded, np.array([image]))[0]
            if k is not None:
                making.label[k], making.boxes[k] = row.label, box
                making.fate[k] = DROPPED if not row.is_kept else CHANGED if row.rule else KEPT
                making.rule[k] = making.places[row.rule] if row.rule else NO_RULE
            elif row.is_kept:
                making.extras.append(Extra(image, making.places[row.rule or "other-lines"], row.label, tuple(box.tolist()),
                                           str(loaded.images["source"][image]), row.line))

    # Other formats

    def _judge_converted(self, loaded: Loaded, making: Making) -> None:
        """Judge boxes in px as if they were written as fractions of their images."""
        a = loaded.annotations
        rows = a["image_row"]
        label, n_classes = positions_of_classes(loaded, by_id=True)
        making.drop(rows < 0, "no-image")
        making.drop(a["is_crowd"], "not-yolo-crowd")
        making.drop(np.isnan(label), "undeclared-class")
        sizes = np.column_stack([np.append(loaded.images[c], np.nan)[rows] for c in ("frame_width", "frame_height")])
        with np.errstate(all="ignore"):
            edges = loaded.boxes_px / np.tile(sizes, 2)
        making.drop(~np.isfinite(edges).all(axis=1), "unusable-box")
        written = making.fate != DROPPED
        xywh = _as_read(edges, np.zeros(len(edges), bool), np.zeros(len(edges), bool))
        numbers = np.column_stack([label.astype(np.float32), xywh])
        numbers[~written] = 0
        self._judge_numbers(numbers, making, n_classes or None)
        if len(numbers):
            groups = np.where(written, rows, -1 - np.arange(len(rows)))
            making.drop(repeats_of(groups, numbers) & written, "duplicate")
        making.label[:] = label
        making.boxes[:] = loaded.boxes_px

    # The whole set

    def _state(self, loaded: Loaded, making: Making) -> State:
        """Return of each split: its images, those that arrive, and those with a label file."""
        images = loaded.images
        splits = np.array([s if s is not None else "" for s in images["split"].tolist()], object)
        labelled = is_given(images["source"]) if loaded.dataset.format == "yolo" else np.ones(len(images), bool)
        counts = tuple((str(s) or None, int((splits == s).sum()), int((making.arrives & (splits == s)).sum()),
                      int((labelled & (splits == s)).sum())) for s in sorted(set(splits.tolist())))
        return ((stops_of_config(loaded.dataset, wants_integer=self.at("8.4.85"),
                                 looks_here=self.at("8.3.134")), counts),)

    def finish(self, state: State | None) -> Sequence[Stop]:
        """Return what is wrong with the configuration, and the splits of which nothing is left."""
        totals: dict[str | None, list[int]] = {}
        for split, *counts in (c for _, of_splits in state or () for c in of_splits):
            totals[split] = [a + b for a, b in zip(totals.get(split, [0, 0, 0]), counts, strict=True)]
        stops = list(state[0][0]) if state else []  # of the whole set: each shard says the same
        for split, (images, arriving, labelled) in totals.items():
            where = "" if split is None else f" of split {split}"
            if images and not arriving:
                error = ("RuntimeError: No valid images found" if self.at("8.3.133")
                         else "ValueError: not enough values to unpack (expected 3, got 0)")
                stops.append(Stop(f"{error} (no image{where} is left)", LABELS, (1,), split=split))
            elif arriving and not labelled and split in (None, "train") and self.at("8.4.85"):
                stops.append(Stop(f"ValueError: No labels found (no image{where} has a label file)",
                                  "data/dataset.py: YOLODataset.cache_labels", (1,), split=split))
        return stops


def _rules_of_files(making: Making, rules: Sequence[Rule]) -> NDArray[np.bool_]:
    """Say which images are left out for their file, whatever their labels hold."""
    keys = {"unreadable-image", "truncated-image", "small-image", "image-format", "image-suffix", "no-file"}
    of_file = np.array([*(r.key in keys for r in rules), False], bool)
    return of_file[making.image_rule]


def _as_read(edges: NDArray[np.float64], is_polygon: NDArray[np.bool_],
             among_polygons: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return centres and sizes in single precision, as the loader has them.

    A polygon's come from its envelope; so do those of a box row among polygons, whose numbers count as two points.
    """
    with np.errstate(all="ignore"):
        centre_x, centre_y = (edges[:, 0] + edges[:, 2]) / 2, (edges[:, 1] + edges[:, 3]) / 2
        xywh = np.column_stack([centre_x, centre_y, edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1]]).astype(np.float32)
        corners = edges.astype(np.float32)
        misread = among_polygons & ~is_polygon
        points = xywh[misread]
        corners[misread] = np.column_stack([np.minimum(points[:, :2], points[:, 2:]), np.maximum(points[:, :2], points[:, 2:])])
        outlined = is_polygon | misread
        c = corners[outlined]
        xywh[outlined] = np.column_stack([(c[:, :2] + c[:, 2:]) / np.float32(2), c[:, 2:] - c[:, :2]])
    return xywh


def _px(xywh: NDArray[np.float32], loaded: Loaded, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return boxes in px of centres and sizes in fractions; NaN where the size of the image is unknown."""
    values = xywh.astype(np.float64)
    w = np.append(loaded.images["frame_width"], np.nan)[rows]
    h = np.append(loaded.images["frame_height"], np.nan)[rows]
    with np.errstate(invalid="ignore"):
        low, high = values[:, :2] - values[:, 2:] / 2, values[:, :2] + values[:, 2:] / 2
    return np.column_stack([low[:, 0] * w, low[:, 1] * h, high[:, 0] * w, high[:, 1] * h])


def repeats_of(groups: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which rows repeat an earlier row of their group."""
    repeats = np.zeros(len(numbers), bool)
    mixed = groups.astype(np.uint64)
    for column in (numbers + np.float32(0)).T:  # -0 becomes 0
        mixed = (mixed ^ np.ascontiguousarray(column).view(np.uint32)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    order = np.argsort(mixed)
    alike = mixed[order][1:] == mixed[order][:-1]
    some = np.sort(order[np.append(alike, False) | np.append(False, alike)])  # rows that may be equal: mostly none
    if not len(some):
        return repeats
    order = some[np.lexsort((some, *numbers[some].T, groups[some]))]
    ordered, of = numbers[order], groups[order]
    repeats[order[1:]] = (ordered[1:] == ordered[:-1]).all(axis=1) & (of[1:] == of[:-1])
    return repeats

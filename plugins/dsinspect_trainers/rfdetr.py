"""RF-DETR: Roboflow's fork of DETR's COCO reading, and its own reading of YOLO label files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dsinspect.protocols.trainers import Extra, Fates, Loaded, Rule, Stop, Target, Trainer
from dsinspect.tables.columns import distinct, is_given
from dsinspect_trainers._coco import COLUMNS, INDEX, Records, judged_by_file
from dsinspect_trainers._fates import Making, has_moved, opened
from dsinspect_trainers._tensors import cut_boxes, stops_of_files, tensor_stops

CONVERT = "rfdetr/datasets/coco.py: ConvertCoco"
PARENTS = "rfdetr/datasets/coco.py: filter_parent_categories"
READ = "rfdetr/datasets/io_utils.py: decode_pil_image"
YOLO = "rfdetr/datasets/yolo.py: _parse_yolo_label_line"
NO_PARENT = ("", "none", "null", None)


class RfDetr(Trainer):
    """RF-DETR: COCO JSON in Roboflow's folders, or YOLO label files."""

    name = "rfdetr"
    title = "RF-DETR"
    releases = ("1.11.2",)
    newest = "1.11.2"
    evidence = ("run: CocoDetection, ConvertCoco, _build_yolo_samples and ConvertYolo of 1.11.2 over 2,482 COCO documents and "
                "2,466 label files")
    reads = ("coco", "yolo")
    columns = {"coco": COLUMNS, "yolo": ("yolo:n_values", "yolo:odd_text", "yolo:n_pose")}
    measures = ("file_width", "file_height", "file_format", "orientation")
    limits = {"DST005": {"max_objects": 300}, **opened("stored")}
    target = Target("coco", first_id=1, upright=True, images="{split}", annotations="{split}/_annotations.coco.json",
                    splits={"val": "valid"}, needed_splits=("train", "val"))
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", INDEX),
        Rule("crowd", "drops-annotation", "crowd regions are not trained on", CONVERT),
        Rule("empty-box", "drops-annotation", "within the image, the box has no width or height", CONVERT),
        Rule("clipped", "changes-annotation", "the box is cut at the edge of the image", CONVERT),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("other-lines", "changes-annotation", "the loader splits the label file into other lines", YOLO),
        Rule("missing-field", "stops", "an annotation has no `bbox`, `area`, `id`, `image_id` or `category_id`", CONVERT,
             "KeyError"),
        Rule("other-length", "stops", "a bbox does not have four numbers", CONVERT, "ValueError"),
        Rule("unknown-category", "stops", "a category is not in `categories`, or is an unannotated parent", CONVERT,
             "KeyError: 'Unknown category_id"),
        Rule("missing-name", "stops", "an image has no `file_name`", READ, "KeyError: 'file_name'"),
        Rule("unreadable-image", "stops", "an image file is missing or cannot be read, when it is first used", READ),
        Rule("malformed-row", "stops", "a row of a label file has fewer than 5 columns, or an even number above that", YOLO,
             "ValueError: Malformed"),
        Rule("invalid-class", "stops", "a class is not a whole number from 0 up to the number of classes", YOLO,
             "ValueError: Label"),
        Rule("not-a-number", "stops", "a coordinate of a label file is not a number", YOLO, "ValueError"),
        Rule("not-utf-8", "stops", "a label file is not UTF-8", YOLO, "UnicodeDecodeError"),
        Rule("parents", "note", "categories that only group others, and have no annotation, get no class", PARENTS),
        Rule("exif-frame", "changes-annotation", "pixels are not turned as EXIF says, the boxes are those of the upright image",
             READ),
        Rule("exif", "note", "pixels are not turned as EXIF says (Pillow)", READ),
        Rule("capacity", "note", "at most 300 objects per image are returned (num_queries)", "rfdetr/config.py"),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        if loaded.dataset.format == "yolo":
            return self._judge_yolo(loaded)
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        making.drop(r.image_row < 0, "no-image")
        twin = r.twins()
        making.drop(r.crowd[twin], "crowd")
        number = class_numbers(r)
        label = r.labels(number)[twin]
        unknown = np.isnan(label)
        r.misread_frames(making, turns=False)
        cut_boxes(r, making, twin)
        making.label[:] = label
        r.keep_replaced(making)

        def wording(category_id: Any, image_id: int) -> str:
            return f"KeyError: 'Unknown category_id {category_id} for image_id {image_id} encountered in annotations."

        making.stops += r.index_stops()
        making.stops += tensor_stops(r, making, twin, CONVERT, lacks={"area": ~r.has_area[twin]}, unknown=unknown,
                                     wording=wording, needed=("area",))
        making.stops += stops_of_files(r, making, READ)
        return making.done(n_images=len(loaded.images))

    # YOLO

    def _judge_yolo(self, loaded: Loaded) -> Fates:
        """Judge label files: rows are boxes of 5 columns or polygons; the first faulty one stops everything."""
        a = loaded.annotations
        rows = a["image_row"]
        making = Making(self.places, len(loaded.images), rows)
        making.label[:] = a["category_id"]
        edges = np.stack([a[c] for c in ("x_min", "y_min", "x_max", "y_max")]).T.astype(np.float32)
        width, height = (loaded.measured("file_width"), loaded.measured("file_height"))
        wh = [np.append(loaded.images[c] if m is None else m, np.nan)[rows].astype(np.float32)
              for c, m in (("frame_width", width), ("frame_height", height))]
        making.boxes[:] = _cut(edges, wh[0], wh[1])
        making.drop(_is_empty(making.boxes), "empty-box")
        making.change(has_moved(making.boxes, loaded.boxes_px), "clipped")
        n_classes = len(loaded.dataset.categories)
        making.stops += self._stops_of_rows(loaded, making, n_classes)
        return making.done()

    def _stops_of_rows(self, loaded: Loaded, making: Making, n_classes: int) -> Iterator[Stop]:
        a, images = loaded.annotations, loaded.images
        odd = is_given(images["yolo:odd_text"])
        rank = images["image_id"]  # of the whole set, in which images are in the order of their paths, split by split
        plain = ~making.at_images(odd)
        faulty = plain & ((a["yolo:n_values"] == 6) | (a["category_id"] < 0) | (a["category_id"] >= n_classes))
        for k in np.flatnonzero(faulty).tolist():
            image = int(a["image_row"][k])
            rows = np.flatnonzero(a["image_row"] == image)
            line = int(np.searchsorted(rows, k)) + 1
            source = str(a["source"][k])
            n = int(a["yolo:n_values"][k])
            error = f"ValueError: Malformed polygon in '{source}' at line {line}" if n == 6 else \
                f"ValueError: Label '{source}' line {line}: class ID {int(a['category_id'][k])} is out of range"
            yield Stop(error, YOLO, (1, int(rank[image]), line), str(images["path"][image]), source, int(a["index"][k]))
        for image in np.flatnonzero(odd).tolist():
            yield from self._judge_text(loaded, making, image, int(rank[image]), n_classes)

    def _judge_text(self, loaded: Loaded, making: Making, image: int, rank: int, n_classes: int) -> Iterator[Stop]:
        """Judge one label file by its text: yield its first fault; rows that the tables do not have become extras."""
        images, a = loaded.images, loaded.annotations
        source, path = str(images["source"][image]), str(images["path"][image])
        rows = np.flatnonzero(a["image_row"] == image)
        read = read_label_file(bytes(images["yolo:odd_text"][image]), n_classes)
        if isinstance(read, tuple):
            error, line = read
            yield Stop(error.format(source=source), YOLO, (1, rank, line), path, source)
            return
        measured = (loaded.measured("file_width"), loaded.measured("file_height"))
        w, h = (np.float32((images[c] if m is None else m)[image]) for c, m in zip(("frame_width", "frame_height"), measured,
                                                                                   strict=True))
        boxes = _cut(np.array([b for _, _, b in read], np.float32).reshape(-1, 4), w, h)
        by_line = dict(zip(a["line"][rows].tolist(), rows.tolist(), strict=True))
        lines = [line for line, _, _ in read]
        making.drop(np.isin(np.arange(len(a)), rows) & ~np.isin(a["line"], lines), "other-lines")
        for (line, label, _), box, empty in zip(read, boxes, _is_empty(boxes).tolist(), strict=True):
            k = by_line.get(line) if lines.count(line) == 1 else None
            if k is None and not empty:
                making.extras.append(Extra(image, self.places["other-lines"], label, tuple(box.tolist()), source, line))
        if len(set(lines)) != len(lines):
            making.drop(np.isin(np.arange(len(a)), rows), "other-lines")


def class_numbers(r: Records) -> dict[int, int]:
    """Return the label of each category id: by sorted ids, without categories that only group others."""
    categories = sorted(r.categories(), key=lambda c: c[0])
    parents = {above for _, name, above in categories if above not in NO_PARENT and above != name}
    annotated = set(distinct(r.category_id).tolist()) | {m.record.get("category_id") for m in r.malformed}
    kept = [c for c, name, _ in categories if not (name in parents and c not in annotated)] or [c for c, _, _ in categories]
    return {c: k for k, c in enumerate(dict.fromkeys(kept))}


def read_label_file(content: bytes, n_classes: int) -> tuple[str, int] | list[tuple[int, int, list[float]]]:
    """Return the rows as line, class and corners in fractions; or the first error, `{source}` to fill in, and its line."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as e:
        return f"UnicodeDecodeError: 'utf-8' codec can't decode byte 0x{content[e.start]:02x}", 0
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows: list[tuple[int, int, list[float]]] = []
    place, number = 0, 0
    line_feeds = 1
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place += 1
        values = line.strip().split()
        if len(values) < 5:
            return f"ValueError: Malformed label in '{{source}}' at line {place}", place
        if len(values) > 5 and len(values) % 2 == 0:
            return f"ValueError: Malformed polygon in '{{source}}' at line {place}", place
        try:
            label = int(values[0])
        except ValueError:
            return f"ValueError: Label '{{source}}' line {place}: invalid class ID", place
        if not 0 <= label < n_classes:
            return f"ValueError: Label '{{source}}' line {place}: class ID {label} is out of range", place
        try:
            numbers = [float(v) for v in values[1:]]
        except ValueError as e:
            return (f"ValueError: {e}" if len(values) == 5
                    else f"ValueError: Malformed polygon in '{{source}}' at line {place}"), place
        if len(values) == 5:
            x, y, w, h = numbers
            corners = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        else:
            xs, ys = np.array(numbers[::2]), np.array(numbers[1::2])
            corners = [float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())]
        rows.append((number if b"\r" not in content.replace(b"\r\n", b"") else line_feeds, label, corners))
    return rows


def _cut(edges: Any, width: Any, height: Any) -> Any:
    """Return corners in px, single precision, cut at the edges of the image."""
    with np.errstate(all="ignore"):
        px = edges * np.stack(np.broadcast_arrays(width, height, width, height), axis=-1).astype(np.float32)
        low = np.zeros_like(px)
        high = np.stack(np.broadcast_arrays(width, height, width, height), axis=-1)
        return np.minimum(np.maximum(px, low), high)


def _is_empty(boxes: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return ~((boxes[:, 3] > boxes[:, 1]) & (boxes[:, 2] > boxes[:, 0]))

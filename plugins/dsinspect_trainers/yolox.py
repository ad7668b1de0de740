"""YOLOX: `COCODataset` reads COCO JSON and stops at the first record that lacks a field it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.trainers import DROPPED, Extra, Fates, Loaded, Rule, Stop, Target, Trainer
from dsinspect_trainers._coco import COLUMNS, INDEX, LATER, Malformed, Records, firsts, judged_by_file
from dsinspect_trainers._fates import SAME_PX, Making, opened
from dsinspect_trainers._tensors import stops_of_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

READ = "yolox/data/datasets/coco.py: COCODataset.load_image"
LOAD = "yolox/data/datasets/coco.py: COCODataset.load_anno_from_ids"


SNIPPET = '''"""An experiment of YOLOX for {name}; run it beside the dataset's folder."""

import os

from yolox.exp import Exp as Base


class Exp(Base):
    def __init__(self):
        super().__init__()
        self.num_classes = {nc}
        self.data_dir = os.path.dirname(os.path.abspath(__file__))
        self.train_ann = "instances_train2017.json"
        self.val_ann = "instances_val2017.json"
        self.class_names = {classes}
'''


class Yolox(Trainer):
    """YOLOX: COCO JSON with its own reading of boxes at the left and top edge."""

    name = "yolox"
    title = "YOLOX"
    releases = ("0.3.0",)
    newest = "0.3.0"
    evidence = "run: COCODataset at commit 6ddff48 over 2,482 COCO documents"
    reads = ("coco",)
    columns = {"coco": COLUMNS}
    measures = ("file_width", "file_height", "file_format", "orientation")
    limits = {"CLS009": {"trainer": "yolox"}, "DST005": {"max_objects": 120}, **opened("upright")}
    target = Target("coco", first_id=1, images="{split}2017", annotations="annotations/instances_{split}2017.json",
                    snippet=("yolox_exp.py", SNIPPET))
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", INDEX),
        Rule("crowd", "drops-annotation", "crowd regions are not loaded", LOAD),
        Rule("no-area", "drops-annotation", "`area` is 0 or negative", LOAD),
        Rule("outside", "drops-annotation", "the box lies outside of the image", LOAD),
        Rule("text-id", "drops-annotation", "image ids are text, under which no annotation is found", LOAD),
        Rule("shifted", "changes-annotation",
             "the box begins left of or above the image: its edge is moved, its width and height stay", LOAD),
        Rule("clipped", "changes-annotation", "the box is cut at the right and lower edge of the image", LOAD),
        Rule("reversed", "changes-annotation", "a negative width or height becomes 0", LOAD),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("longer-box", "changes-annotation", "numbers of the bbox after the fourth are ignored", LOAD),
        Rule("missing-field", "stops", "an annotation has no `iscrowd`, `area`, `bbox`, `id`, `image_id` or `category_id`",
             LOAD, "KeyError"),
        Rule("missing-size", "stops", "an image has no `width` or `height`", LOAD, "KeyError"),
        Rule("short-box", "stops", "a bbox has fewer than four numbers", LOAD, "IndexError: list index out of range"),
        Rule("unknown-category", "stops", "a category is not in `categories`", LOAD, "ValueError"),
        Rule("unreadable-image", "stops", "an image file is missing or cannot be read, when it is first used",
             READ, "AssertionError: file named"),
        Rule("names", "note", "class numbers follow the sorted ids, names the order of the file: unsorted categories are misnamed",
             "yolox/data/datasets/coco.py: COCODataset.__init__"),
        Rule("small", "note",
             "while training, boxes with a side of 1 px or less at network size are left out, unless none would be left",
             "yolox/data/data_augment.py: TrainTransform"),
        Rule("capacity", "note", "at most 120 objects per image are trained on with mosaic, 50 without",
             "yolox/exp/yolox_base.py: get_dataset"),
        Rule("exif-frame", "changes-annotation", "pixels are turned as EXIF says, the boxes are those of the stored image", READ),
        Rule("exif", "note", "pixels are turned as EXIF says (OpenCV); boxes and sizes are taken as they stand", LOAD),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        making.drop(r.image_row < 0, "no-image")
        ids = sorted({c for c, _, _ in r.categories()})
        twin = r.twins()
        width, height = np.append(r.width, np.nan)[r.image_row], np.append(r.height, np.nan)[r.image_row]
        x, y, w, h = (v[twin] for v in (r.x, r.y, r.w, r.h))
        x1, y1 = np.maximum(0, x), np.maximum(0, y)
        x2, y2 = np.minimum(width, x1 + np.maximum(0, w)), np.minimum(height, y1 + np.maximum(0, h))
        making.drop(np.append(r.text_images, False)[r.image_row], "text-id")
        making.drop(r.crowd, "crowd")  # of the record itself; its content may be another's
        making.drop(~(r.area[twin] > 0), "no-area")
        making.drop(~((x2 >= x1) & (y2 >= y1)), "outside")
        making.label[:] = r.labels({c: k for k, c in reversed(list(enumerate(ids)))})[twin]
        making.place(x1, y1, x2, y2)
        making.change(twin != np.arange(r.n), "repeated-id")
        making.change((r.x < -SAME_PX) | (r.y < -SAME_PX), "shifted")
        making.change((r.w < 0) | (r.h < 0), "reversed")
        making.change((x + w > width + SAME_PX) | (y + h > height + SAME_PX), "clipped")
        r.misread_frames(making, turns=True)
        making.stops += [*r.index_stops(), *self._stops(r, making, ids, twin)]
        making.stops += stops_of_files(r, making, READ, "AssertionError: file named ... not found",
                                       "AssertionError: file named ... not found")
        r.keep_replaced(making)
        return making.done(n_images=len(loaded.images))

    def _stops(self, r: Records, making: Making, ids: list[int], twin: NDArray[np.int64]) -> Iterator[Stop]:
        """Yield what stops it, by image in the order of the file; each loads its crowd flags, boxes, then classes."""
        for image in np.flatnonzero(r.is_last & (np.isnan(r.width) | np.isnan(r.height))).tolist():
            key = "width" if np.isnan(r.width[image]) else "height"
            yield r.stop_at_image(image, f"KeyError: '{key}'", LOAD, (1, int(r.first[image]), 0))
        for image in np.flatnonzero(r.is_nameless).tolist()[:1]:
            name = f"{int(r.image_id[image]):012}.jpg"
            yield r.stop_at_image(image, f"AssertionError: file named {name} not found", READ, (LATER, int(r.first[image])))
        for m in r.malformed:
            yield from self._malformed_stop(r, m, making, ids)
        place, index = np.append(r.first, -1)[r.image_row], r.loaded.annotations["index"]
        loaded_ones = (r.image_row >= 0) & ~np.append(r.text_images, False)[r.image_row]
        for annotation in firsts(loaded_ones & ~r.has_crowd, place, index):
            yield r.stop_at(annotation, "KeyError: 'iscrowd'", LOAD, (1, int(place[annotation]), 1, r.index_of(annotation)))
        uncrowded = loaded_ones & ~r.crowd
        for annotation in firsts(uncrowded & ~r.has_area[twin], place, index):
            yield r.stop_at(annotation, "KeyError: 'area'", LOAD, (1, int(place[annotation]), 2, r.index_of(annotation)))
        for annotation in firsts(uncrowded & (making.fate != DROPPED) & np.isnan(making.label), place, index):
            number = int(r.category_id[twin[annotation]])
            shown = f"'{number}'" if r.text_categories[twin[annotation]] else f"{number}"
            yield r.stop_at(annotation, f"ValueError: {shown} is not in list", LOAD,
                            (1, int(place[annotation]), 3, r.index_of(annotation)))

    def _malformed_stop(self, r: Records, malformed: Malformed, making: Making, ids: list[int]) -> Iterator[Stop]:
        """Yield what a record without a row stops; a bbox that is too long is kept."""
        record, source, index = malformed.record, malformed.source, malformed.index
        if malformed.kind != "annotations":
            return
        image = r.row_of_image(record.get("image_id"))
        if image < 0 or r.replacing(malformed) >= 0:
            return
        place = int(r.first[image])

        def stop(error: str, step: int) -> Stop:
            return Stop(error, LOAD, (1, place, step, index), str(r.paths[image]), source, index)

        if "iscrowd" not in record:
            yield stop("KeyError: 'iscrowd'", 1)
            return
        if record["iscrowd"]:
            return
        box = record.get("bbox")
        if "bbox" not in record:
            yield stop("KeyError: 'bbox'", 2)
        elif box is None:
            yield stop("TypeError: 'NoneType' object is not subscriptable", 2)
        elif len(box) < 4:
            yield stop("IndexError: list index out of range", 2)
        elif not all(isinstance(v, int | float) for v in box[:4]):
            yield stop("UFuncTypeError: ufunc 'maximum' did not contain a loop with signature matching types", 2)
        elif "area" not in record:
            yield stop("KeyError: 'area'", 2)
        else:
            x1, y1 = max(0.0, float(box[0])), max(0.0, float(box[1]))
            x2 = min(float(r.width[image]), x1 + max(0.0, float(box[2])))
            y2 = min(float(r.height[image]), y1 + max(0.0, float(box[3])))
            if record["area"] > 0 and x2 >= x1 and y2 >= y1:
                if record.get("category_id") not in ids:
                    yield stop(f"ValueError: {record.get('category_id')!r} is not in list", 3)
                    return
                making.extras.append(Extra(image, self.places["longer-box"], ids.index(record["category_id"]), (x1, y1, x2, y2),
                                           source, -1, index))

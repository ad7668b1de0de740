"""mmdetection 3: `CocoDataset` and `XMLDataset` with the `filter_cfg` of the base configurations, classes those of the dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.protocols.trainers import DROPPED, Fates, Loaded, Rule, Stop, Target, Trainer
from dsinspect_trainers._coco import COLUMNS, INDEX, LATER, Records, firsts, judged_by_file
from dsinspect_trainers._fates import Making, opened
from dsinspect_trainers._file_state import FileState
from dsinspect_trainers._mmdet_voc import FILTER_XML, INSTANCE, LOAD_XML, PARSE_XML, VOC_COLUMNS, judge_voc
from dsinspect_trainers._tensors import stops_of_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARSE = "mmdet/datasets/coco.py: CocoDataset.parse_data_info"
FILTER = "mmdet/datasets/coco.py: CocoDataset.filter_data"
READ = "mmcv/transforms/loading.py: LoadImageFromFile"
LOAD = "mmdet/datasets/coco.py: CocoDataset.load_data_list"
SERIALIZE = "mmengine/dataset/base_dataset.py: BaseDataset._serialize_data"
SNIPPET = """# {name} for mmdetection 3: put this below `_base_` of a configuration, and set num_classes={nc} in each head.
data_root = "."  # the folder of this file
metainfo = dict(classes={classes})
train_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo, ann_file="{train_annotations}",
                                     data_prefix=dict(img="{train_images}/")))
val_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo, ann_file="{val_annotations}",
                                   data_prefix=dict(img="{val_images}/")))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + "/{val_annotations}")
test_evaluator = val_evaluator
"""


class Mmdet(Trainer):
    """mmdetection 3: COCO JSON, and VOC by `XMLDataset`; boxes are dropped in silence, empty and small images left out."""

    name = "mmdet"
    title = "mmdetection"
    releases = ("3.3.0",)
    newest = "3.3.0"
    evidence = ("run: CocoDataset and XMLDataset of 3.3.0 with the base configurations' filter_cfg over 2,482 COCO documents and "
                "1,036 VOC files")
    reads = ("coco", "voc")
    columns = {"coco": COLUMNS, "voc": VOC_COLUMNS}
    measures = ("file_width", "file_height", "file_format", "orientation")
    limits = {"IMG020": {"min_side": 32}, "DST005": {"max_objects": 100}, **opened("upright")}
    target = Target("coco", first_id=1, keep_crowd=True, images="{split}", annotations="annotations/instances_{split}.json",
                    snippet=("mmdet_config.py", SNIPPET))
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("empty", "leaves-out-image", "the image has no annotation of a known category (filter_empty_gt=True)", FILTER),
        Rule("small-image", "leaves-out-image", "the image is under 32 px wide or high (min_size=32)", FILTER),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", INDEX),
        Rule("ignore", "drops-annotation", "`ignore` is set", PARSE),
        Rule("no-sides", "drops-annotation", "the box has no width or height", PARSE),
        Rule("outside", "drops-annotation", "the box lies outside of the image", PARSE),
        Rule("no-area", "drops-annotation", "`area` is 0 or negative", PARSE),
        Rule("under-1-px", "drops-annotation", "the box is under 1 px wide or high", PARSE),
        Rule("unknown-category", "drops-annotation", "the category is not among the classes", PARSE),
        Rule("crowd", "changes-annotation", "a crowd region becomes a region to ignore (ignore_flag)", PARSE),
        Rule("no-object", "leaves-out-image", "VOC: the image has no object of a known class (filter_empty_gt=True)", FILTER_XML),
        Rule("difficult", "changes-annotation", "VOC: a difficult object becomes a region to ignore (ignore_flag)", INSTANCE),
        Rule("under-32-px", "changes-annotation",
             "VOC: a box under 32 px wide or high becomes a region to ignore (bbox_min_size=32)", INSTANCE),
        Rule("minus-one", "changes-annotation", "VOC: numbers are cut to whole ones, and 1 px is taken off all four edges",
             INSTANCE),
        Rule("missing-xml", "stops", "VOC: a listed image has no XML file, or neither size nor image file", PARSE_XML,
             "FileNotFoundError"),
        Rule("malformed-xml", "stops", "VOC: an object has no name, box or edge, or an edge that is no number",
             INSTANCE, "AttributeError|ValueError|TypeError|OverflowError"),
        Rule("missing-field", "stops", "an annotation has no `bbox`, `area`, `id`, `image_id` or `category_id`", PARSE, "KeyError"),
        Rule("missing-size", "stops", "an image has no `file_name`, `width` or `height`", PARSE, "KeyError"),
        Rule("other-length", "stops", "a bbox does not have four numbers", PARSE, "ValueError"),
        Rule("two-of-one-id", "stops", "two annotations have the same id", LOAD, "AssertionError: Annotation ids"),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("unreadable-image", "stops", "an image file is missing or cannot be read, when it is first used", READ,
             "FileNotFoundError"),
        Rule("nothing-left", "stops", "no image of a split is left", SERIALIZE,
             "ValueError: need at least one array to concatenate"),
        Rule("listed", "note", "VOC: the images are those of a list (ImageSets/Main/*.txt), each NAME.jpg in JPEGImages", LOAD_XML),
        Rule("names", "note", "classes are found by name in metainfo; with COCO's own names nothing of another set is left", LOAD),
        Rule("unclipped", "note", "boxes past the edge stay as they are", PARSE),
        Rule("capacity", "note", "at most 100 detections per image are returned", "configs/_base_/models: test_cfg max_per_img"),
        Rule("exif-frame", "changes-annotation", "pixels are turned as EXIF says, the boxes are those of the stored image", READ),
        Rule("exif", "note", "pixels are turned as EXIF says (MMCV's default), boxes and sizes are not",
             "mmcv/image/io.py: imfrombytes"),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        if loaded.dataset.format == "voc":
            return judge_voc(loaded, self.places, READ)
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        number = {c: k for k, (c, _, _) in enumerate(r.categories())}  # of equal ids the last
        label = r.labels(number)
        making.leave_out(~self._with_category(r, making, label, number), "empty")
        making.leave_out((r.width < 32) | (r.height < 32), "small-image")
        making.drop(r.image_row < 0, "no-image")
        width, height = np.append(r.width, np.nan)[r.image_row], np.append(r.height, np.nan)[r.image_row]
        twin = r.twins()
        x, y, w, h = (v[twin] for v in (r.x, r.y, r.w, r.h))
        inner_w = np.maximum(0, np.minimum(x + w, width) - np.maximum(x, 0))
        inner_h = np.maximum(0, np.minimum(y + h, height) - np.maximum(y, 0))
        making.drop(r.ignored[twin], "ignore")
        nothing_inside = inner_w * inner_h == 0
        making.drop(nothing_inside & ((w <= 0) | (h <= 0)), "no-sides")
        making.drop(nothing_inside, "outside")
        asked_area = (making.fate != DROPPED) & (r.image_row >= 0)
        making.drop(r.area[twin] <= 0, "no-area")
        making.drop((w < 1) | (h < 1), "under-1-px")
        making.drop(np.isnan(label[twin]), "unknown-category")
        making.change(r.crowd[twin], "crowd")
        making.label[:] = label[twin]
        making.place(x, y, x + w, y + h)
        r.misread_frames(making, turns=True)
        making.stops += [*r.index_stops(), *self._stops(r, asked_area & ~r.has_area[twin])]
        making.change(twin != np.arange(r.n), "repeated-id")
        making.stops += stops_of_files(r, making, READ, unreadable="AssertionError: failed to load image")
        r.keep_replaced(making)
        return making.done(r.state(making), len(loaded.images))

    def _with_category(self, r: Records, making: Making, label: NDArray[np.float64],
                       number: Mapping[int, int]) -> NDArray[np.bool_]:
        """Say which images have a raw annotation of a known category, whatever else is wrong with it."""
        found = making.of_images(~np.isnan(label) & (r.image_row >= 0))
        for m in r.malformed:
            if m.kind == "annotations" and m.record.get("category_id") in number:
                row = r.row_of_image(m.record.get("image_id"))
                if row >= 0:
                    found[row] = True
        return found

    def _stops(self, r: Records, lacks_area: NDArray[np.bool_]) -> Iterator[Stop]:
        """Yield what stops it, by image in the order of the file."""
        for image in np.flatnonzero(r.is_last & (np.isnan(r.width) | np.isnan(r.height) | r.is_nameless)).tolist():
            key = "file_name" if r.is_nameless[image] else "height" if np.isnan(r.height[image]) else "width"
            yield r.stop_at_image(image, f"KeyError: '{key}'", PARSE, (1, int(r.first[image]), 0))
        place, index = np.append(r.first, -1)[r.image_row], r.loaded.annotations["index"]
        for annotation in firsts(lacks_area, place, index):
            yield r.stop_at(annotation, "KeyError: 'area'", PARSE, (1, int(place[annotation]), 1, r.index_of(annotation)))
        for m in r.malformed:
            image = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            if image >= 0 and not m.record.get("ignore") and r.replacing(m) < 0 and (error := _error_of(m.record)):
                yield Stop(error, PARSE, (1, int(r.first[image]), 1, m.index), str(r.paths[image]), m.source,
                           m.index)

    def finish(self, state: FileState | None) -> Sequence[Stop]:
        """Return what only the whole set shows: equal ids, and splits of which nothing is left."""
        if state is None:
            return ()
        equal = state.equal_ids
        stops = [Stop("AssertionError: Annotation ids in", LOAD, (2,), found=equal)] if equal else []
        for split in state.empty_splits:
            where = "" if split is None else f" (split {split})"
            stops.append(Stop(f"ValueError: need at least one array to concatenate{where}", SERIALIZE, (LATER,), split=split))
        return stops


def _error_of(record: Mapping[str, Any]) -> str:
    """Return the error that unpacking a malformed bbox raises."""
    if "bbox" not in record:
        return "KeyError: 'bbox'"
    box = record["bbox"]
    if not isinstance(box, list):
        return f"TypeError: cannot unpack non-iterable {type(box).__name__} object"
    if len(box) < 4:
        return f"ValueError: not enough values to unpack (expected 4, got {len(box)})"
    if len(box) > 4:
        return "ValueError: too many values to unpack (expected 4)"
    return "TypeError" if any(isinstance(v, str) for v in box) else ""

"""detectron2: `load_coco_json`, the filter of empty images, and the default mapper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.protocols.trainers import DROPPED, Fates, Loaded, Rule, Stop, Target, Trainer
from dsinspect.tables.columns import is_given
from dsinspect_trainers._coco import COLUMNS, INDEX, LATER, Records, firsts, judged_by_file
from dsinspect_trainers._fates import Making, opened
from dsinspect_trainers._file_state import FileState
from dsinspect_trainers._outlines import outlines_in
from dsinspect_trainers._tensors import cut_at_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOAD = "detectron2/data/datasets/coco.py: load_coco_json"
FILTER = "detectron2/data/build.py: filter_images_with_only_crowd_annotations"
MAPPER = "detectron2/data/detection_utils.py: transform_instance_annotations"
EMPTY = "detectron2/data/detection_utils.py: filter_empty_instances"
SIZE = "detectron2/data/detection_utils.py: check_image_size"
READ = "detectron2/data/detection_utils.py: read_image"
SNIPPET = '''"""Register {name} with detectron2; then cfg.MODEL.ROI_HEADS.NUM_CLASSES = {nc}."""

import os

from detectron2.data.datasets import register_coco_instances

HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES = {classes}
register_coco_instances("{name}_train", {{}}, os.path.join(HERE, "{train_annotations}"), os.path.join(HERE, "{train_images}"))
register_coco_instances("{name}_val", {{}}, os.path.join(HERE, "{val_annotations}"), os.path.join(HERE, "{val_images}"))
'''


class Detectron2(Trainer):
    """detectron2: COCO JSON; strict about ids, `ignore` and image sizes."""

    name = "detectron2"
    title = "detectron2"
    releases = ("0.6",)
    newest = "0.6"
    evidence = "run: load_coco_json, the filter and the mapper's steps at commit 02b5c4e over 2,482 COCO documents"
    reads = ("coco",)
    columns = {"coco": (*COLUMNS, "segmentation")}
    measures = ("file_width", "file_height", "file_format", "orientation", "is_truncated")
    limits = {"DST005": {"max_objects": 100}, **opened("upright")}
    target = Target("coco", first_id=1, keep_crowd=True, images="{split}", annotations="annotations/instances_{split}.json",
                    snippet=("register_detectron2.py", SNIPPET))
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("empty", "leaves-out-image", "the image has no annotation, or only crowd regions (FILTER_EMPTY_ANNOTATIONS)", FILTER),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", LOAD),
        Rule("invalid-outline", "drops-annotation", "no polygon has three points and an even number of coordinates", LOAD,
             "Filtered out"),
        Rule("crowd", "drops-annotation", "crowd regions are not trained on",
             "detectron2/data/dataset_mapper.py: DatasetMapper._transform_annotations"),
        Rule("empty-box", "drops-annotation", "within the image, the box has no width or height", EMPTY),
        Rule("clipped", "changes-annotation", "the box is cut at the edge of the image", MAPPER),
        Rule("missing-field", "stops", "an annotation has no `bbox`, `id`, `image_id` or `category_id`", LOAD, "KeyError"),
        Rule("missing-size", "stops", "an image has no `file_name`, `width` or `height`", LOAD, "KeyError"),
        Rule("malformed-outline", "stops", "an outline is no list of polygons, or a run-length code without `counts` or `size`",
             LOAD, "TypeError|KeyError"),
        Rule("other-length", "stops", "a bbox does not have four numbers", MAPPER, "ValueError"),
        Rule("ignore", "stops", "`ignore` is set", LOAD, 'AssertionError: "ignore" in COCO json file is not supported.'),
        Rule("unknown-category", "stops", "a category is not in `categories`", LOAD, "KeyError"),
        Rule("repeated-id", "stops", "two annotations have the same id", LOAD, "AssertionError: Annotation ids"),
        Rule("size-mismatch", "stops", "the declared size is not that of the upright image", SIZE, "SizeMismatchError"),
        Rule("unreadable-image", "stops", "an image file is missing or cannot be read", READ),
        Rule("nothing-left", "stops", "no image of a split is left",
             "detectron2/data/build.py: get_detection_dataset_dicts", "AssertionError: No valid data found"),
        Rule("order", "note", "classes follow the sorted ids", LOAD),
        Rule("exif", "note", "pixels are turned as EXIF says", READ),
        Rule("capacity", "note", "at most 100 detections per image are returned", "TEST.DETECTIONS_PER_IMAGE"),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        making.drop(r.image_row < 0, "no-image")
        column = loaded.annotations.get("segmentation")
        outlines = {} if column is None else outlines_in(column, loaded.annotations["index"], whole=True).unusual
        invalid = self._invalid_outlines(loaded, outlines)
        making.drop(invalid, "invalid-outline")
        ids = sorted(c for c, _, _ in r.categories())
        label = r.labels({c: k for k, c in enumerate(ids)})
        counted = making.of_images(~r.crowd & (making.fate != DROPPED) & (r.image_row >= 0))
        for m in r.malformed:
            row = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            if row >= 0 and not m.record.get("iscrowd"):
                counted[row] = True
        making.leave_out(~counted, "empty")
        making.drop(r.crowd, "crowd")
        cut_at_edges(r, making, r.width, r.height, least=1e-5)
        making.label[:] = label
        making.stops += [*r.index_stops(), *self._stops(r, label, invalid, ids, outlines), *self._stops_of_files(r, making)]
        return making.done(r.state(making), len(loaded.images))

    def _invalid_outlines(self, loaded: Loaded, outlines: Mapping[int, Any]) -> NDArray[np.bool_]:
        """Say which annotations have polygons of which none is valid: with three points, and an even number of numbers."""
        invalid = np.zeros(len(loaded.annotations), bool)
        for k, outline in outlines.items():
            if isinstance(outline, list) and outline:
                invalid[k] = not any(isinstance(p, list) and len(p) % 2 == 0 and len(p) >= 6 for p in outline)
        return invalid

    def _stops(self, r: Records, label: NDArray[np.float64], invalid: NDArray[np.bool_], ids: Sequence[int],
               outlines: Mapping[int, Any]) -> Iterator[Stop]:
        """Yield what stops it, by image in the order of ids: first everything is read, then images are mapped."""
        if not ids:
            yield Stop("ValueError: min() arg is an empty sequence", LOAD, (1,))
        for image in np.flatnonzero(r.is_last & (np.isnan(r.width) | np.isnan(r.height) | r.is_nameless)).tolist():
            key = "file_name" if r.is_nameless[image] else "height" if np.isnan(r.height[image]) else "width"
            yield r.stop_at_image(image, f"KeyError: '{key}'", LOAD, (3, *_place(r, image), 0))
        ranks, index = np.append(r.image_id, -1)[r.image_row], r.loaded.annotations["index"]
        known = r.image_row >= 0
        for annotation in firsts(known & r.ignored, ranks, index):
            yield r.stop_at(annotation, 'AssertionError: "ignore" in COCO json file is not supported.', LOAD,
                            (3, int(ranks[annotation]), 1, r.index_of(annotation), 0))
        for annotation in firsts(known & np.isnan(label) & ~invalid, ranks, index):
            yield r.stop_at(annotation, _unknown(int(r.category_id[annotation])), LOAD,
                            (3, int(ranks[annotation]), 1, r.index_of(annotation), 2))
        errors = {k: error for k, outline in outlines.items() if (error := _outline_error(outline))}
        faulty = np.zeros(r.n, bool)
        faulty[list(errors)] = True
        for annotation in firsts(known & faulty, ranks, index):
            yield r.stop_at(annotation, errors[annotation], LOAD, (3, int(ranks[annotation]), 1, r.index_of(annotation), 1))
        for m in r.malformed:
            image = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            if image < 0:
                continue
            path = str(r.paths[image])
            for error, where, step in _errors_of(m.record, ids, path, int(r.image_id[image])):
                order = (3, int(r.image_id[image]), 1, m.index, 0) if step == 3 else (4, int(r.image_id[image]), m.index)
                yield Stop(error, where, order, path, m.source, m.index)

    def _stops_of_files(self, r: Records, making: Making) -> Iterator[Stop]:
        """Yield what stops it once it reads the images: none is there, or one has another size upright than declared."""
        images = r.loaded.images
        if not r.loaded.dataset.has_files:
            return
        arrives = making.arrives[:len(images)]
        missing = ~is_given(images["file"]) & arrives
        for image in np.flatnonzero(missing).tolist()[:1]:
            yield r.stop_at_image(image, "FileNotFoundError: the image file is missing", READ, (LATER, 0, *_place(r, image)))
        stored_w, stored_h = r.loaded.measured("file_width"), r.loaded.measured("file_height")
        turn = r.loaded.measured("orientation")
        if stored_w is None or stored_h is None or turn is None or not r.is_coco:
            return
        swaps = turn >= 5
        upright_w, upright_h = np.where(swaps, stored_h, stored_w), np.where(swaps, stored_w, stored_h)
        with np.errstate(invalid="ignore"):
            other = arrives & ~np.isnan(upright_w) & ((upright_w != images["width"]) | (upright_h != images["height"]))
        for image in np.flatnonzero(other).tolist()[:1]:
            yield r.stop_at_image(
                image, f"SizeMismatchError: Mismatched image shape, got ({upright_w[image]:g}, {upright_h[image]:g}), "
                       f"expect ({r.width[image]:g}, {r.height[image]:g})", SIZE, (LATER, 1, *_place(r, image)))

    def finish(self, state: FileState | None) -> Sequence[Stop]:
        """Return what only the whole set shows: equal ids, and splits of which nothing is left."""
        if state is None:
            return ()
        equal = state.equal_ids
        stops = [Stop("AssertionError: Annotation ids in", LOAD, (2,), found=equal)] if equal else []
        for split in state.empty_splits:
            where = "" if split is None else f" in split {split}"
            stops.append(Stop(f"AssertionError: No valid data found{where}",
                              "detectron2/data/build.py: get_detection_dataset_dicts", (LATER,), split=split))
        return stops


def _outline_error(outline: Any) -> str:
    """Return the error that reading an outline raises: it is no list of lists, or a run-length code lacks a part."""
    if isinstance(outline, dict):
        lacking = "counts" if "counts" not in outline else "size" if isinstance(outline["counts"], list) and "size" not in outline \
            else ""
        return f"KeyError: '{lacking}'" if lacking else ""
    if not isinstance(outline, list):
        return ""
    other = next((p for p in outline if not isinstance(p, list | dict | str)), None)
    return "" if other is None else f"TypeError: object of type '{type(other).__name__}' has no len()"


def _place(r: Records, image: int) -> tuple[int]:
    return (int(r.image_id[image]),)


def _errors_of(record: Mapping[str, Any], ids: Sequence[int], path: str, image_id: int) -> Iterator[tuple[str, str, int]]:
    """Yield the errors that a malformed annotation raises: while it is read (3), or when its image is mapped (4)."""
    if record.get("ignore"):
        yield 'AssertionError: "ignore" in COCO json file is not supported.', LOAD, 3
        return
    box = record.get("bbox")
    if "bbox" in record and box is None:
        yield "TypeError: object of type 'NoneType' has no len()", LOAD, 3
    elif isinstance(box, list) and not box:
        yield f"ValueError: One annotation of image {image_id} contains empty 'bbox' value!", LOAD, 3
    elif record.get("category_id") not in ids:
        yield _unknown(record.get("category_id")), LOAD, 3
    elif record.get("iscrowd"):
        return
    elif "bbox" not in record:
        yield "KeyError: 'bbox'", MAPPER, 4
    elif isinstance(box, list) and any(isinstance(v, str) for v in box):
        yield "ValueError: too many dimensions 'str'", MAPPER, 4
    elif isinstance(box, list) and len(box) == 5:
        yield "ValueError: operands could not be broadcast together with shapes (5,) (4,)", MAPPER, 4
    elif isinstance(box, list) and len(box) != 4:
        yield "AssertionError: BoxMode.convert takes either a k-tuple/list or an Nxk array/tensor", MAPPER, 4


def _unknown(category_id: Any) -> str:
    return f"""KeyError: "Encountered category_id={category_id} but this id does not exist in 'categories' of the json file.\""""

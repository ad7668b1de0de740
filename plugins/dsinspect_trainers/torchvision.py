"""torchvision's detection references: `CocoDetection`, the filter of empty images, and `ConvertCocoPolysToMask`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.protocols.trainers import Fates, Loaded, Rule, Stop, Target, Trainer
from dsinspect_trainers._coco import COLUMNS, INDEX, Malformed, Records, clipped, firsts, judged_by_file
from dsinspect_trainers._fates import Making, opened
from dsinspect_trainers._keypoints import FILTER, Points
from dsinspect_trainers._outlines import Outlines, mask_error, mask_size, outlines_in
from dsinspect_trainers._tensors import STEPS, cut_boxes, stops_of_files, tensor_stops

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONVERT = "references/detection/coco_utils.py: ConvertCocoPolysToMask"
HIDDEN = "..."
"""Stands for a long outline in what a problem keeps of its record."""
READ = "torchvision/datasets/coco.py: CocoDetection._load_image"


class Torchvision(Trainer):
    """torchvision's detection references: COCO JSON with outlines; the category ids are the labels."""

    name = "torchvision"
    title = "torchvision's detection references"
    releases = ("0.14.1", "0.21.0")
    newest = "0.21.0"
    evidence = ("run: get_coco of references/detection of 0.14.1 and 0.21.0, which no wheel holds, with torchvision 0.29.1's "
                "CocoDetection on image files, over 2,482 COCO documents, once more with an outline on each annotation")
    reads = ("coco",)
    columns = {"coco": (*COLUMNS, "segmentation", "keypoints")}
    measures = ("file_width", "file_height", "file_format", "orientation")
    limits = {"CLS009": {"trainer": "torchvision"}, "DST005": {"max_objects": 100}, **opened("stored")}
    target = Target("coco", first_id=1, upright=True, outlines=True, keypoints=False, images="{split}2017",
                    annotations="annotations/instances_{split}2017.json")
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("empty", "leaves-out-image", "the image has no annotation wider and higher than 1 px; crowd regions count", FILTER),
        Rule("few-keypoints", "leaves-out-image", "the annotations have keypoints, and fewer than 10 in all are labelled", FILTER),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", INDEX),
        Rule("crowd", "drops-annotation", "crowd regions are not trained on", CONVERT),
        Rule("empty-box", "drops-annotation", "within the image, the box has no width or height", CONVERT),
        Rule("clipped", "changes-annotation", "the box is cut at the edge of the image", CONVERT),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("missing-field", "stops",
             "an annotation has no `iscrowd`, `segmentation`, `bbox`, `area`, `id`, `image_id` or `category_id`", CONVERT,
             "KeyError"),
        Rule("other-length", "stops", "a bbox does not have four numbers", CONVERT, "ValueError"),
        Rule("no-mask", "stops", "pycocotools makes no mask of an outline: it is empty, or begins with four numbers", CONVERT,
             "IndexError|TypeError|Exception: input type is not supported"),
        Rule("unequal-masks", "stops", "a run-length mask is not of the size of its image", CONVERT,
             "RuntimeError: stack expects each tensor to be equal size"),
        Rule("unequal-keypoints", "stops", "annotations of one image have different numbers of keypoints, or some have none",
             CONVERT, "KeyError: 'keypoints'|ValueError"),
        Rule("text-id", "stops", "the id of an image is text", CONVERT, "ValueError: too many dimensions 'str'", until="0.21.0"),
        Rule("missing-name", "stops", "an image has no `file_name`", READ, "KeyError: 'file_name'"),
        Rule("unreadable-image", "stops", "an image file is missing or cannot be read, when it is first used", READ),
        Rule("labels", "note", "labels are the category ids as they stand; 0 is the background", CONVERT),
        Rule("exif-frame", "changes-annotation", "pixels are not turned as EXIF says, the boxes are those of the upright image",
             READ),
        Rule("exif", "note", "pixels are not turned as EXIF says (Pillow)", READ),
        Rule("capacity", "note", "at most 100 detections per image are returned (box_detections_per_img)",
             "torchvision/models/detection/faster_rcnn.py"),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        twin = r.twins()
        known = r.image_row >= 0
        with np.errstate(invalid="ignore"):
            narrow = (r.w[twin] <= 1) | (r.h[twin] <= 1)
        wide = making.of_images(known & ~narrow)
        making.stops += self._filter_stops(r, narrow, wide)
        making.leave_out(~wide, "empty")
        points = Points(r, twin)
        making.stops += points.filter_stops(making.arrives)
        making.leave_out(points.few, "few-keypoints")
        making.drop(~known, "no-image")
        making.drop(r.crowd[twin], "crowd")
        r.misread_frames(making, turns=False)
        cut_boxes(r, making, twin)
        making.label[:] = r.category_id[twin]
        r.keep_replaced(making)
        making.stops += r.index_stops()
        making.stops += self._converter_stops(r, making, twin)
        making.stops += points.converter_stops(making.arrives, CONVERT)
        making.stops += stops_of_files(r, making, READ)
        return making.done(n_images=len(loaded.images))

    def _filter_stops(self, r: Records, narrow: NDArray[np.bool_], wide: NDArray[np.bool_]) -> Iterator[Stop]:
        """Yield what stops the filter at malformed boxes, and mark the images that such a box keeps.

        Args:
            r: the records.
            narrow: annotations with a side of 1 px or less.
            wide: images with another annotation; those kept for a malformed one are added.
        """
        by_image: dict[int, list[tuple[int, Malformed | bool]]] = {}
        for m in r.malformed:
            image = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            if image >= 0:
                later = r.replacing(m)
                by_image.setdefault(image, []).append((m.index, m if later < 0 else bool(narrow[later])))
        for image, in_order in by_image.items():
            in_order += [(r.index_of(k), bool(narrow[k])) for k in r.rows_in(image).tolist()]
            for _, what in sorted(in_order, key=lambda place: place[0]):
                judged = what if isinstance(what, bool) else _is_narrow(what.record)
                if isinstance(judged, str) and not isinstance(what, bool):
                    yield Stop(judged, FILTER, (0, 5, int(r.image_id[image]), what.index), r.paths[image], what.source, what.index)
                    break
                if not judged:
                    wide[image] = True
                    break

    def _converter_stops(self, r: Records, making: Making, twin: NDArray[np.int64]) -> Iterator[Stop]:
        """Yield what stops the converter, by image in the order of ids."""
        of = slice(None) if r.has_own_ids else twin
        lacks = {"iscrowd": ~r.has_crowd[of], "area": ~r.has_area[of]}
        column = r.loaded.annotations.get("segmentation")
        if column is not None and r.is_coco:
            outlines = outlines_in(column, r.loaded.annotations["index"], among=~r.crowd)
            lacks["segmentation"] = ~outlines.given[of]
            yield from self._mask_stops(r, making, twin, outlines)
        needed = ("iscrowd", "segmentation", "area") if r.is_coco else ()
        yield from tensor_stops(r, making, twin, CONVERT, lacks=lacks, unknown=None, wording=None, needed=needed,
                                among=making.arrives, text_ids=not self.at("0.21.0"))

    def _mask_stops(self, r: Records, making: Making, twin: NDArray[np.int64], outlines: Outlines) -> Iterator[Stop]:
        """Yield the outlines that no mask is made of, and those whose masks have sizes that do not stack."""
        for m in r.malformed:
            image = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            outline = m.record.get("segmentation", HIDDEN)
            if image >= 0 and making.arrives[image] and r.replacing(m) < 0 and not m.record.get("iscrowd") and outline != HIDDEN \
                    and (error := mask_error(outline)):
                yield Stop(error, CONVERT, (1, int(r.image_id[image]), STEPS["masks"], m.index), r.paths[image], m.source, m.index)
        unusual = outlines.unusual
        if not unusual:
            return
        index, ranks = r.loaded.annotations["index"], np.append(r.image_id, -1)[r.image_row]
        taken = np.append(making.arrives, False)[r.image_row] & ~r.crowd[twin] & outlines.given[twin]
        errors = {k: error for k, outline in unusual.items() if (error := mask_error(outline))}
        faulty = np.zeros(r.n, bool)
        faulty[list(errors)] = True
        for k in firsts(taken & faulty[twin], ranks, index):
            stop = r.stop_at(k, errors[int(twin[k])], CONVERT, (1, int(ranks[k]), STEPS["masks"], r.index_of(k)))
            yield replace(stop, found=f"segmentation is {clipped(json.dumps(unusual[int(twin[k])], ensure_ascii=False))}")
        of_codes = {k: size for k, outline in unusual.items() if (size := mask_size(outline)) is not None}
        coded = np.zeros(r.n, bool)
        coded[list(of_codes)] = True
        for image in np.flatnonzero(making.of_images(taken & coded[twin])).tolist():
            rows = r.rows_in(image)
            rows = rows[taken[rows]]
            own = (int(r.file_wh[1][image]), int(r.file_wh[0][image]))
            sizes = [of_codes.get(int(twin[k]), own) for k in rows.tolist()]
            other = next((place for place, size in enumerate(sizes) if size != sizes[0]), None)
            if other is not None:
                yield r.stop_at(int(rows[other]), f"RuntimeError: stack expects each tensor to be equal size, but got "
                                f"{list(sizes[0])} at entry 0 and {list(sizes[other])} at entry {other}", CONVERT,
                                (1, int(r.image_id[image]), STEPS["stack"]))
                return


def _is_narrow(record: Mapping[str, Any]) -> bool | str:
    """Say whether the filter takes a malformed box for an empty one; or the error that it raises."""
    if "bbox" not in record:
        return "KeyError: 'bbox'"
    box = record["bbox"]
    if not isinstance(box, list):
        return f"TypeError: '{type(box).__name__}' object is not subscriptable"
    for side in box[2:]:
        if not isinstance(side, int | float):
            return f"TypeError: '<=' not supported between instances of '{type(side).__name__}' and 'int'"
        if side <= 1:
            return True
    return False

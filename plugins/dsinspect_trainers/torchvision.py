"""torchvision's detection references: `CocoDetection`, the filter of empty images, and `ConvertCocoPolysToMask`."""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.trainers import Fates, Loaded, Rule, Target, Trainer
from dsinspect.tables.columns import is_given
from dsinspect_trainers._coco import COLUMNS, INDEX, Records, judged_by_file
from dsinspect_trainers._fates import Making
from dsinspect_trainers._tensors import cut_boxes, stops_of_files, tensor_stops

CONVERT = "references/detection/coco_utils.py: ConvertCocoPolysToMask"
FILTER = "references/detection/coco_utils.py: _coco_remove_images_without_annotations"
READ = "torchvision/datasets/coco.py: CocoDetection._load_image"


class Torchvision(Trainer):
    """torchvision's detection references: COCO JSON with outlines; the category ids are the labels."""

    name = "torchvision"
    title = "torchvision's detection references"
    releases = ("0.15",)
    newest = "0.29"
    evidence = "read: references/detection, which no wheel holds; RT-DETR's copy of ConvertCocoPolysToMask was run"
    reads = ("coco",)
    columns = {"coco": (*COLUMNS, "segmentation")}
    measures = ("file_width", "file_height", "file_format", "orientation")
    limits = {"CLS009": {"trainer": "torchvision"}, "DST005": {"max_objects": 100}}
    target = Target("coco", first_id=1, upright=True, outlines=True, images="{split}2017",
                    annotations="annotations/instances_{split}2017.json")
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("empty", "leaves-out-image", "the image has no annotation wider and higher than 1 px; crowd regions count", FILTER),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", INDEX),
        Rule("crowd", "drops-annotation", "crowd regions are not trained on", CONVERT),
        Rule("empty-box", "drops-annotation", "within the image, the box has no width or height", CONVERT),
        Rule("clipped", "changes-annotation", "the box is cut at the edge of the image", CONVERT),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("missing-field", "stops",
             "an annotation has no `iscrowd`, `segmentation`, `bbox`, `area`, `id`, `image_id` or `category_id`", CONVERT,
             "KeyError"),
        Rule("other-length", "stops", "a bbox has other than four numbers", CONVERT, "ValueError"),
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
        making.leave_out(~making.of_images(known & (r.w[twin] > 1) & (r.h[twin] > 1)), "empty")
        making.drop(~known, "no-image")
        making.drop(r.crowd[twin], "crowd")
        cut_boxes(r, making, twin)
        making.label[:] = r.category_id[twin]
        r.misread_frames(making, turns=False)
        r.keep_replaced(making)
        lacks = {"iscrowd": ~r.has_crowd[twin], "area": ~r.has_area[twin]}
        outlines = loaded.annotations.get("segmentation")
        if outlines is not None:
            lacks = {"iscrowd": lacks["iscrowd"], "segmentation": ~is_given(outlines)[twin], "area": lacks["area"]}
        kept = np.append(making.arrives, False)[r.image_row]
        making.stops += r.index_stops()
        making.stops += tensor_stops(r, making, twin, CONVERT, lacks={k: v & kept for k, v in lacks.items()}, unknown=None,
                                     wording=None, needed=("area",))
        making.stops += stops_of_files(r, making, READ)
        return making.done(n_images=len(loaded.images))

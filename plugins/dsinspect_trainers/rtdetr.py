"""RT-DETRv2 (PyTorch): torchvision's `CocoDetection` and `ConvertCocoPolysToMask`; labels are the ids as they stand."""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.trainers import Fates, Loaded, Rule, Stop, Target, Trainer
from dsinspect_trainers._coco import COLUMNS, INDEX, LATER, Records, judged_by_file
from dsinspect_trainers._fates import Making, opened
from dsinspect_trainers._keypoints import Points
from dsinspect_trainers._tensors import cut_boxes, stops_of_files, tensor_stops

CONVERT = "rtdetrv2_pytorch/src/data/dataset/coco_dataset.py: ConvertCocoPolysToMask"
LOSS = "rtdetrv2_pytorch/src/zoo/rtdetr/matcher.py: HungarianMatcher.forward"
READ = "torchvision/datasets/coco.py: CocoDetection._load_image"
SNIPPET = """# Overrides for {name}: put this into a configuration of RT-DETRv2.
num_classes: {nc}
remap_mscoco_category: False

train_dataloader:
  dataset:
    img_folder: {train_images}
    ann_file: {train_annotations}
val_dataloader:
  dataset:
    img_folder: {val_images}
    ann_file: {val_annotations}
"""


class RtDetr(Trainer):
    """RT-DETRv2: COCO JSON; the category ids are the labels."""

    name = "rtdetr"
    title = "RT-DETRv2"
    releases = ("2",)
    newest = "2"
    evidence = ("run: ConvertCocoPolysToMask at commit 068dfde over 2,482 COCO documents, and HungarianMatcher on labels within "
                "and beyond the classes")
    reads = ("coco",)
    columns = {"coco": (*COLUMNS, "keypoints")}
    measures = ("file_width", "file_height", "file_format", "orientation")
    limits = {"CLS009": {"trainer": "rt-detr"}, "DST005": {"max_objects": 300}, **opened("stored")}
    target = Target("coco", first_id=0, upright=True, keypoints=False, images="{split}",
                    annotations="annotations/instances_{split}.json", snippet=("rtdetr_overrides.yml", SNIPPET))
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", INDEX),
        Rule("crowd", "drops-annotation", "crowd regions are not trained on", CONVERT),
        Rule("empty-box", "drops-annotation", "within the image, the box has no width or height", CONVERT),
        Rule("clipped", "changes-annotation", "the box is cut at the edge of the image", CONVERT),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("missing-field", "stops", "an annotation has no `bbox`, `area`, `id`, `image_id` or `category_id`", CONVERT,
             "KeyError"),
        Rule("other-length", "stops", "a bbox does not have four numbers", CONVERT, "ValueError"),
        Rule("unequal-keypoints", "stops", "annotations of one image have different numbers of keypoints, or some have none",
             CONVERT, "KeyError: 'keypoints'|ValueError"),
        Rule("missing-name", "stops", "an image has no `file_name`", READ, "KeyError: 'file_name'"),
        Rule("unreadable-image", "stops", "an image file is missing or cannot be read, when it is first used", READ),
        Rule("label-beyond", "stops", "a category id is not below the number of classes: labels are the ids as they stand", LOSS,
             "CUDA error: device-side assert triggered"),
        Rule("exif-frame", "changes-annotation", "pixels are not turned as EXIF says, the boxes are those of the upright image",
             READ),
        Rule("exif", "note", "pixels are not turned as EXIF says (Pillow)", READ),
        Rule("small", "note", "while training, boxes under 1 px after resizing are left out (SanitizeBoundingBoxes)",
             "rtdetrv2_pytorch/configs/rtdetrv2/include/dataloader.yml"),
        Rule("capacity", "note", "at most 300 objects per image are returned (num_top_queries)", "RTDETRPostProcessor"),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        if not r.is_coco:
            r.category_id = r.category_id - 1  # as `convert --for rtdetr` numbers them
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        making.drop(r.image_row < 0, "no-image")
        twin = r.twins()
        making.drop(r.crowd[twin], "crowd")
        r.misread_frames(making, turns=False)
        cut_boxes(r, making, twin)
        making.label[:] = r.category_id[twin]
        r.keep_replaced(making)
        making.stops += r.index_stops()
        making.stops += tensor_stops(r, making, twin, CONVERT, lacks={"area": ~r.has_area[twin]}, unknown=None, wording=None,
                                     needed=("area",))
        making.stops += Points(r, twin).converter_stops(making.arrives, CONVERT)
        making.stops += stops_of_files(r, making, READ)
        n_classes = len(r.categories())
        beyond = np.flatnonzero((making.fate != 2) & ((making.label >= n_classes) | (making.label < 0)))
        for annotation in beyond[:1].tolist():
            making.stops.append(Stop(
                f"CUDA error: device-side assert triggered (label {int(making.label[annotation])} has no place among {n_classes} "
                "classes)", LOSS, (LATER, 1), str(r.paths[r.image_row[annotation]]),
                str(loaded.annotations["source"][annotation]), int(loaded.annotations["index"][annotation])))
        return making.done(n_images=len(loaded.images))

"""pycocotools' COCOeval: which annotated boxes count, which are regions to ignore, and which no prediction can match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.trainers import DROPPED, Fates, Loaded, Rule, Stop, Trainer
from dsinspect_trainers._coco import COLUMNS, INDEX, Records, firsts, judged_by_file
from dsinspect_trainers._fates import Making, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREPARE = "pycocotools/cocoeval.py: COCOeval._prepare"
IOU = "pycocotools/cocoeval.py: COCOeval.computeIoU"
EVALUATE = "pycocotools/cocoeval.py: COCOeval.evaluateImg"
LARGEST = 1e10


class CocoEval(Trainer):
    """COCOeval: the judge that most trainers use after an epoch."""

    name = "cocoeval"
    title = "pycocotools COCOeval"
    releases = ("2.0.0",)
    newest = "2.0.11"
    evidence = "run: COCOeval of 2.0.11 with every box as a prediction over 2,482 COCO documents"
    reads = ("coco",)
    columns = {"coco": COLUMNS}
    limits = {"DST005": {"max_objects": 100}, **opened("unopened")}
    rules = (
        Rule("repeated-image-id", "leaves-out-image", "a later image record has the same id", INDEX),
        Rule("no-image", "drops-annotation", "the annotation belongs to no image", PREPARE),
        Rule("unknown-category", "drops-annotation", "the category is not in `categories`, so it is never judged", PREPARE),
        Rule("crowd", "changes-annotation", "a crowd region becomes a region to ignore; `ignore` itself is overwritten", PREPARE),
        Rule("outside-areas", "changes-annotation", "`area` is negative or above 1e10: the box is ignored", EVALUATE),
        Rule("never-matched", "changes-annotation", "the box has no width or height: no prediction matches it", IOU),
        Rule("zero-id", "changes-annotation", "the id is 0: a match with it counts as none", EVALUATE),
        Rule("repeated-id", "changes-annotation", "a later annotation has the same id and takes its place", INDEX),
        Rule("missing-field", "stops", "an annotation has no `bbox`, `iscrowd`, `area`, `id`, `image_id` or `category_id`", IOU,
             "KeyError"),
        Rule("other-length", "stops", "a bbox does not have four numbers", IOU, "Exception: list input can be bounding box"),
        Rule("capacity", "note", "100 predictions of a class and image are judged (maxDets)", "pycocotools/cocoeval.py: Params"),
    )

    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard."""
        return judged_by_file(loaded, self._judge_file)

    def _judge_file(self, loaded: Loaded) -> Fates:
        r = Records(loaded)
        making = Making(self.places, r.n_images, r.image_row)
        r.lost_images(making)
        making.drop(r.image_row < 0, "no-image")
        twin = r.twins()
        ids = sorted({c for c, _, _ in r.categories()})
        label = r.labels({c: k for k, c in enumerate(ids)})[twin]
        making.drop(np.isnan(label), "unknown-category")
        making.change(r.crowd[twin], "crowd")
        area = r.area[twin]
        making.change((area < 0) | (area > LARGEST), "outside-areas")
        making.change(~((r.w[twin] > 0) & (r.h[twin] > 0)), "never-matched")
        making.change((r.own_id == 0) & r.has_id, "zero-id")
        making.change(twin != np.arange(r.n), "repeated-id")
        making.label[:] = label
        making.place(*(v[twin] for v in (r.x, r.y, r.x + r.w, r.y + r.h)))
        making.stops += [*r.index_stops(), *self._stops(r, making, twin, label, ids)]
        return making.done(n_images=len(loaded.images))

    def _stops(self, r: Records, making: Making, twin: NDArray[np.int64], label: NDArray[np.float64],
               ids: list[int]) -> Iterator[Stop]:
        """Yield what stops it: first the overlaps of each image and class, by ids; then each class, image by image."""
        index, ranks = r.loaded.annotations["index"], np.append(r.image_id, -1)[r.image_row]
        judged = making.fate != DROPPED
        classes = np.where(np.isnan(label), 0, label).astype(np.int64)
        place = ranks * (len(ids) + 1) + classes
        for k in firsts(judged & ~r.has_crowd[twin], place, index):
            yield r.stop_at(k, "KeyError: 'iscrowd'", IOU, (1, int(ranks[k]), int(classes[k]), 1))
        place = classes * (int(ranks.max(initial=0)) + 2) + ranks
        for k in firsts(judged & ~r.crowd[twin] & ~r.has_area[twin], place, index):
            yield r.stop_at(k, "KeyError: 'area'", EVALUATE, (2, int(classes[k]), int(ranks[k])))
        for m in r.malformed:
            image = r.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            if image < 0 or r.replacing(m) >= 0 or m.record.get("category_id") not in ids:
                continue
            order = (1, int(r.image_id[image]), ids.index(m.record["category_id"]))

            def stop(error: str, step: int, order: tuple[int, ...] = order, image: int = image, source: str = m.source,
                     at: int = m.index) -> Stop:
                return Stop(error, IOU, (*order, step), r.paths[image], source, at)

            if "bbox" not in m.record:
                yield stop("KeyError: 'bbox'", 0)
            elif "iscrowd" not in m.record:
                yield stop("KeyError: 'iscrowd'", 1)
            elif m.record["bbox"] is None or any(isinstance(v, str) for v in m.record["bbox"]):
                yield stop("TypeError", 2)
            else:
                yield stop("Exception: list input can be bounding box (Nx4) or RLEs ([RLE])", 2)

"""Run by an interpreter that has albumentations: read operations from stdin, write the boxes it gets to stdout.

The input is a JSON list of {"size": [w, h], "boxes": [[x, y, x, y]], "operations": [[name, arguments]]}; arguments are the
constructor's of that class.
"""

import json
import sys

import albumentations
import numpy as np

BOXES = albumentations.BboxParams(format="pascal_voc", label_fields=["labels"], clip=False, filter_invalid_bboxes=False)
answers = []
for case in json.load(sys.stdin):
    width, height = case["size"]
    steps = [getattr(albumentations, name)(p=1, **arguments) for name, arguments in case["operations"]]
    done = albumentations.Compose(steps, bbox_params=BOXES)(
        image=np.zeros((height, width, 3), np.uint8), bboxes=np.array(case["boxes"], float),
        labels=list(range(len(case["boxes"]))))
    answers.append({"size": [done["image"].shape[1], done["image"].shape[0]],
                    "boxes": [[float(v) for v in b[:4]] for b in done["bboxes"]],
                    "kept": [int(k) for k in done["labels"]]})
json.dump(answers, sys.stdout)

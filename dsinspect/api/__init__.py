"""The Python API: what the commands do, for notebooks and scripts.

Nothing is printed, nothing exits, no dataset is changed. Mistakes in the input raise `dsinspect.errors.UserError`, whose text
says what, where, and what to change.

    import dsinspect

    run = dsinspect.inspect("my_dataset")
    run.verdict                                  # "3 errors, 12 warnings in 5,000 images, 37,120 boxes"
    run.findings.to_frame()                      # a pandas frame, one row per finding
    run.metrics("CLS001")["classes"]
    run.write("report.xlsx")

    ds = dsinspect.open("my_dataset")
    ds.images, ds.annotations, ds.categories     # pandas frames

    dsinspect.fix("my_dataset", "corrected")
    dsinspect.convert("my_dataset", "yolo_set", to="yolo")
    dsinspect.convert("my_dataset", "for_mmdet", trainer="mmdet")
    for sample in dsinspect.iter("my_dataset", ops=["letterbox:size=640", "flip"]):
        sample.image, sample.boxes_xyxy, sample.categories
"""

from __future__ import annotations

from dsinspect.api._asked import Ops, StrPath
from dsinspect.api.dataset import Dataset, open
from dsinspect.api.inspection import Findings, Inspection, inspect
from dsinspect.api.products import Fixed, convert, fix, iter, simulate, transform
from dsinspect.findings.severity import Severity

__all__ = ["Dataset", "Findings", "Fixed", "Inspection", "Ops", "Severity", "StrPath", "convert", "fix", "inspect", "iter", "open",
           "simulate", "transform"]

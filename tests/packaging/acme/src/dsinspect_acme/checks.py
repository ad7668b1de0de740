"""ACM001 square-box: boxes as wide as high."""

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class SquareBox(RowCheck[BaseOptions]):
    """Boxes as wide as high."""

    code = "ACM001"
    name = "square-box"
    severity = Severity.INFO

    def find(self, batch: Batch) -> Findings:
        box = batch.boxes_xyxy
        width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        square = width == height
        return Findings.of_annotations(batch, square, "box is a square of {side:g} px", {"side": width[square]})

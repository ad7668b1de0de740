"""CLS009 raw-id-trainer: category ids that some trainers take as they stand.

Reports declared category ids that have gaps or begin beyond 1: RT-DETR needs 0 to n-1 without `remap_mscoco_category`,
torchvision's references need 1 to n; and ids that are not in ascending order, with which YOLOX names classes wrongly. As info; as
an error for the trainer that `trainer` (or `--trainer`) names. With `classes`, the names of mmdetection's configuration, also
names that only the one or the other has. Ids from 0 or from 1 without gaps are reported for a named trainer
that needs the other: no numbering suits both.

Why it matters: with RT-DETR an id beyond the classes stops training with a device-side assertion, or trains another class
(RT-DETR#70, #346); torchvision's heads count the background as 0; YOLOX sorts ids and takes names in the order of the file.

Example: ids 1 to 80 for RT-DETR; ids 0 to 2 for torchvision.

When to ignore: when your trainer maps ids, as Ultralytics, detectron2 and mmdetection do.

Source of the default: the loading code of these trainers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import some


class Options(BaseOptions, frozen=True):
    """Whose reading counts."""

    trainer: Annotated[Literal["", "rt-detr", "torchvision", "yolox"],
                       option("trainer whose need is an error; none when empty")] = ""
    classes: Annotated[tuple[str, ...], option("class names of mmdetection's configuration (metainfo); not compared when empty",
                                               source="mmdet 3.3 CocoDataset")] = ()


class RawIdTrainer(Check[None, Options]):
    """Declared ids that a trainer which does not map them gets wrong."""

    code = "CLS009"
    name = "raw-id-trainer"
    severity = Severity.INFO
    options_type = Options

    def map(self, batch: Batch) -> None:
        """Keep nothing: the declared list says all."""
        return

    def merge(self, a: None, b: None) -> None:
        """Keep nothing."""
        return

    def finish(self, state: None, dataset: DatasetInfo) -> Result:
        """Compare the list with what each trainer takes for granted."""
        ids = [c.category_id for c in dataset.categories]
        if dataset.format != "coco" or not ids:
            return Result()
        n, in_order = len(ids), sorted(ids)
        needs = [("rt-detr", f"0 to {n - 1}" if n > 1 else "0", in_order != list(range(n))),
                 ("torchvision", f"1 to {n}" if n > 1 else "1", in_order != list(range(1, n + 1))),
                 ("yolox", "ascending ids", ids != in_order)]
        count = f"{n:,} category ids" if n > 1 else "only category id"
        runs = f"run from {in_order[0]:,} to {in_order[-1]:,}" if n > 1 else f"is {in_order[0]:,}"
        given = runs if in_order == list(range(in_order[0], in_order[0] + n)) else "have gaps"
        given += "" if ids == in_order else ", not in order"
        is_plain = in_order in (list(range(n)), list(range(1, n + 1)))
        parts = []
        for trainer, need, is_wrong in needs:
            if is_wrong and (trainer in ("yolox", self.options.trainer) or not is_plain):
                parts.append(Findings.of_subjects(
                    [trainer], "The {count} {given}; {trainer} takes ids as they stand and "
                    "needs {need}",
                    {"classes": n, "count": count, "given": given, "trainer": trainer, "need": need},
                    severity=Severity.ERROR if trainer == self.options.trainer else Severity.INFO))
        return Result(Findings.concat((*parts, self._unlike_the_configuration([c.name for c in dataset.categories]))))

    def _unlike_the_configuration(self, names: list[str]) -> Findings:
        """Report names that the dataset or the configuration has alone: mmdetection leaves their boxes out without a word."""
        wanted = self.options.classes
        unread = [n for n in names if n not in wanted] if wanted else []
        absent = [c for c in wanted if c not in names]
        if not unread and not absent:
            return Findings.none()
        return Findings.of_subjects(
            ["mmdet"], "Classes of the dataset that the configuration does not name, whose boxes mmdet leaves out: {unread}; names "
            "of the configuration that the dataset lacks: {absent} (option classes)",
            {"classes": len(names), "unread": some(unread) if unread else "none", "absent": some(absent) if absent else "none"},
            severity=Severity.ERROR)

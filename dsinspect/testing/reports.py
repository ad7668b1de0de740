"""The laws of a report: it writes down any run, however odd, and what a dataset holds never becomes more than text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dsinspect.findings.findings import Findings, Fix
from dsinspect.findings.severity import Severity
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.options import BaseOptions, describe
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import BaselineSummary, Census, KnownFinding, Outcome, Run
from dsinspect.testing.batches import make_batch

HOSTILE = ("=cmd|' /C calc'!A0", "<script>alert(1)</script>", "../../x", "two\nlines", "\x1b[31mred\x07", "x" * 300,
           "猫, كلب", "lone \udcff byte")
"""Names that a dataset may hold, and that must stay text."""


def odd_runs() -> Iterator[tuple[str, Run]]:
    """Yield runs that reports forget: what is odd about each, and the run.

    None has images on disk: images are left out, never an error.
    """
    whole = _run()
    yield "every kind of outcome", whole
    yield "no images", replace(whole, image_columns=None, annotation_columns=None)
    yield "nothing was checked", replace(whole, outcomes=())
    yield "an empty set", replace(whole, outcomes=tuple(o for o in whole.outcomes if not len(o.findings)),
                                  census=Census(0, 0, whole.census.category_columns.take(np.array([], int)),
                                                whole.census.split_columns.take(np.array([], int))),
                                  image_columns=None, annotation_columns=None)
    yield "a baseline", replace(whole, baseline=BaselineSummary(3, (KnownFinding("0" * 16, "BOX001", HOSTILE[0], HOSTILE[1]),)))


def _run() -> Run:
    images = [{"path": name, "width": 100.0, "height": 80.0, "split": "train", "file": None} for name in HOSTILE]
    boxes = [{"image": name, "category": name, "box": [1, 2, 30, np.nan if k else 40]} for k, name in enumerate(HOSTILE)]
    batch = make_batch(images, boxes, categories=HOSTILE)
    info = replace(batch.dataset, has_files=False, notes=(HOSTILE[0],))
    rows = np.arange(len(HOSTILE))
    values = {"text": list(HOSTILE), "number": np.where(rows % 2, np.nan, np.inf), "limit": 2.0}
    found = Findings.concat([
        Findings.of_annotations(batch, rows, "{text} is {number:g} (limit {limit:g})", values, fix=Fix("safe", "set-box"),
                                new_box=np.full((len(rows), 4), np.nan)),
        Findings.of_images(batch, rows, "image {text}", {"text": list(HOSTILE)}, severity=Severity.INFO),
        Findings.of_subjects(HOSTILE, "class {text}", {"text": list(HOSTILE)}, category=list(HOSTILE))])
    names = pd.Series(HOSTILE, dtype=object)  # else pandas makes a type of text that holds UTF-8 only
    frame = pd.DataFrame({"class": names, "share": np.linspace(0, 1, len(HOSTILE))})
    charts = (Chart("bar", HOSTILE[1], HOSTILE, tuple(range(len(HOSTILE))), "class", "boxes"),
              Chart("histogram", "one value", (5.0, 5.0), (3,), "px", "images"),
              Chart("histogram", HOSTILE[2], (0.0, 1.0, 2.0), (3, 4), HOSTILE[1], HOSTILE[3]),
              Chart("scatter", "nothing", (), ()),
              Chart("scatter", HOSTILE[0], (1.0, float("nan"), 3.0), (2.0, 5.0, 1e300), HOSTILE[1], HOSTILE[2]),
              Chart("heatmap", "flat", ("a", "b"), ((0.0, 0.0), (0.0, 0.0))),
              Chart("heatmap", "two cells", (2, 1), ((0.0, 7.0),), HOSTILE[1], HOSTILE[2]))
    none = Findings.none()
    outcomes = (
        Outcome("TST001", "found", Severity.ERROR, "found", found, {"ratio": float("nan"), "per class": {HOSTILE[0]: 1}},
                {HOSTILE[2]: frame, "empty": frame.iloc[:0], "made when asked": lambda: frame}, charts, {"limit": 2.0}, HOSTILE[3]),
        Outcome("TST002", "clean", Severity.WARNING, "clean", none),
        Outcome("TST003", "skipped", Severity.INFO, "skipped", none, {"reason": HOSTILE[4]}),
        Outcome("TST004", "crashed", Severity.INFO, "crashed", none, {"reason": HOSTILE[1]}))
    categories = pd.DataFrame({"category_id": rows, "name": names, "annotations": rows, "images": rows})
    splits = pd.DataFrame({"name": ["train"], "images": [len(rows)], "annotations": [len(rows)]})
    annotations = batch.annotation_columns.with_columns({"path": np.array(HOSTILE, object)})
    return Run(HOSTILE[1], info, Census(len(rows), len(rows), categories, splits), outcomes, batch.image_columns, annotations)


def assert_report(report_type: type[Report], options: BaseOptions | None = None) -> None:
    """Hold a report against its protocol, on odd runs.

    Writing never raises and leaves one file; the same run gives the same bytes; text has no escape sequence and is UTF-8.

    Args:
        report_type: the class.
        options: its options; the defaults when None.

    Raises:
        AssertionError: what is broken, in words.
    """
    name = report_type.name
    for o in describe(report_type.options_type):
        assert o.meaning, f"{name}.{o.name} has no meaning: Annotated[..., option(...)]"
    assert not report_type.suffix or report_type.suffix.startswith("."), f"{name}: suffix {report_type.suffix!r} has no point"
    for odd, run in odd_runs():
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for k in (1, 2):
                out = Path(folder) / f"{k}" / f"run{report_type.suffix or '.txt'}"
                out.parent.mkdir()
                report_type(options).write(run, out)
                assert [p.name for p in out.parent.iterdir()] == [out.name], f"{name}: leaves other files ({odd})"
                files.append(out.read_bytes())
        assert files[0] == files[1], f"{name}: two writings of one run differ ({odd})"
        if report_type.is_binary:
            continue
        assert b"\x1b" not in files[0], f"{name}: an escape sequence of the dataset passes ({odd})"
        files[0].decode("utf-8")
        "".join(report_type(options).stream(run))

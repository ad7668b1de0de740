"""The orders of a wall of boxes: by score only where boxes have one, whatever else stands in their attributes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.run import Run
from dsinspect.review.server.catalog import SCORES_IN, Catalog

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture(scope="module")
def run() -> Run:
    return inspect(Request("coco", SAMPLES / "coco", keep_images=True, keep_annotations=True), load_plugins())


def test_without_scores_no_order_by_score_is_offered(run: Run) -> None:
    assert Catalog(run).sorts == ["size", "smallest", "distance", "image"]
    assert {i["score"] for i in Catalog(run).wall("car", "size", 0)["items"]} == {None}


def test_the_least_sure_come_first_and_those_without_a_score_last(run: Run) -> None:
    assert run.annotation_columns is not None
    texts = [b'{"score": 0.9}', b'{"confidence": "0.25"}', None, b"{", b'{"score": "high"}', b'["score"]', b'{"score": true}',
             b'{"score": 1e999}', b'{"conf": -1, "x": 2}', b'{"score": null}']
    given = np.array([texts[k % len(texts)] for k in range(len(run.annotation_columns))], object)
    catalog = Catalog(replace(run, annotation_columns=run.annotation_columns.with_columns({SCORES_IN: given})))
    assert catalog.sorts == ["size", "smallest", "distance", "score", "image"]
    shown = [i["score"] for i in catalog.wall("car", "score", 0)["items"]]
    known = [s for s in shown if s is not None]
    assert known == sorted(known)
    assert set(known) == {-1.0, 0.25, 0.9}
    assert shown[len(known):] == [None] * (len(shown) - len(known))
    assert len(shown) == catalog.wall("car", "size", 0)["total"]


def test_scores_of_a_format_are_there_when_they_are_asked_for(tmp_path: Path) -> None:
    import cv2

    (tmp_path / "label_2").mkdir()
    (tmp_path / "image_2").mkdir()
    cv2.imwrite(str(tmp_path / "image_2" / "000000.png"), np.zeros((60, 80, 3), np.uint8))
    rows = [f"Car 0.00 0 0.0 {10 * k} 5.0 {10 * k + 8} 40.0 1.5 1.6 3.9 1.0 1.0 9.0 0.0 {score}"
            for k, score in enumerate((0.8, 0.3))]
    (tmp_path / "label_2" / "000000.txt").write_text("\n".join(rows) + "\n")
    run = inspect(Request("kitti", tmp_path, keep_images=True, keep_annotations=True, keep_columns=frozenset((SCORES_IN,))),
                  load_plugins())
    assert [i["score"] for i in Catalog(run).wall("Car", "score", 0)["items"]] == [0.3, 0.8]

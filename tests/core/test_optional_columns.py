"""Columns that several formats have: asked for by bare name, scaled, carried, counted when lost, missed with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsinspect.geometry.annotations import Output, carry
from dsinspect.inspection.measure import measured_shard
from dsinspect.inspection.plan import make_plan
from dsinspect.loader import load_plugins
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import (
    CORNER_COLUMNS,
    OPTIONAL_ANNOTATION_COLUMNS,
    annotation_columns,
    image_columns,
    is_extra_column,
)
from dsinspect_formats._writing import Losses

DIAMOND = [(50.0, 10.0), (90.0, 50.0), (50.0, 90.0), (10.0, 50.0)]


def rotated(scale: float = 1.0, **more: Any) -> Shard:
    """Return an image of 100 x 100 px with a box on its corner and one that is not rotated."""
    corners = {name: [DIAMOND[k // 2][k % 2] * scale, np.nan] for k, name in enumerate(CORNER_COLUMNS)}
    images = image_columns(1, image_id=[1], path=["a.jpg"], width=100.0, height=100.0)
    annotations = annotation_columns(
        2, image_row=np.zeros(2, np.int64), x_min=np.array([10.0, 20.0]) * scale, y_min=np.array([10.0, 20.0]) * scale,
        x_max=np.array([90.0, 40.0]) * scale, y_max=np.array([90.0, 40.0]) * scale, category="cat",
        **{n: np.array(v, np.float64) for n, v in corners.items()}, track=["7", None], attributes=[b'{"far":1}', None], **more)
    return Shard(images, annotations)


def test_they_are_there_only_when_given() -> None:
    assert not set(OPTIONAL_ANNOTATION_COLUMNS) & set(annotation_columns(2))
    table = annotation_columns(2, track=["a", None], area=3)
    assert table["track"].tolist() == ["a", None]
    assert table["area"].dtype == np.float64
    assert [c for c in table if is_extra_column(c)] == ["track", "area"]
    with pytest.raises(TypeError, match="no such column: corner_z1"):
        annotation_columns(1, corner_z1=[0.0])


def test_fractions_become_px() -> None:
    shard = rotated(0.01, area=np.array([5000, np.nan]), keypoints=[b"[0.5,0.25,2]", None])
    a = measured_shard(shard, None, "fraction").annotation_columns
    assert [a[c][0] for c in CORNER_COLUMNS] == pytest.approx([v for p in DIAMOND for v in p])
    assert a["area"][0] == 5000, "areas are px² whatever boxes are in"
    assert json.loads(a["keypoints"][0]) == [50, 25, 2]
    assert np.isnan(a["corner_x1"][1])


@pytest.mark.parametrize(("degrees", "box"), [(90, (10, 10, 90, 90)), (45, (-28.28, 42.43, 28.28, 98.99))])
def test_corners_follow_the_matrix_and_their_box_is_their_envelope(degrees: int, box: tuple[float, ...]) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    shift = 100.0 if degrees == 90 else 0.0
    matrix = np.array([[c, -s, shift], [s, c, 0.0]])
    moved = carry(rotated(), [Output(0, matrix, (0, 0, 100, 100), False, (100, 100))], 0.0, {}).annotations
    expected = [(c * x - s * y + shift, s * x + c * y) for x, y in DIAMOND]
    assert moved.loc[0, list(CORNER_COLUMNS)].tolist() == pytest.approx([v for p in expected for v in p])
    assert moved.loc[0, ["x_min", "y_min", "x_max", "y_max"]].tolist() == pytest.approx(box, abs=0.01)
    assert np.isnan(moved["corner_x1"][1])
    assert moved["x_min"].notna().all()
    assert moved["track"].tolist() == ["7", None]
    assert moved["attributes"].tolist() == [b'{"far":1}', None]


def test_corners_stay_clockwise_in_a_mirrored_image() -> None:
    mirror = np.array([[-1.0, 0, 100], [0, 1, 0]])
    moved = carry(rotated(), [Output(0, mirror, (0, 0, 100, 100), False, (100, 100))], 0.0, {}).annotations
    x, y = moved.loc[0, list(CORNER_COLUMNS)].to_numpy(np.float64).reshape(4, 2).T
    assert x @ np.roll(y, -1) - y @ np.roll(x, -1) > 0  # twice the area of a polygon that is clockwise with y downwards
    assert sorted(zip(x, y, strict=True)) == sorted((100 - a, b) for a, b in DIAMOND)


def test_what_a_writer_cannot_keep_is_counted() -> None:
    losses = Losses(DatasetInfo("x", Path()), ("unused",))
    losses.take(rotated(area=np.array([5.0, 400.0])))
    counts = losses.result()
    assert counts == {"rotations of boxes (their envelopes stay)": 1, "track ids": 1, "attributes": 1,
                      "areas that are not their box's": 1}
    assert not Losses(DatasetInfo("x", Path()), (*OPTIONAL_ANNOTATION_COLUMNS,)).result()


class NeedsTracks(RowCheck[BaseOptions]):
    """Needs tracks."""

    code, name, severity = "TST001", "needs-tracks", Severity.INFO
    needs = ("track",)

    def find(self, batch: Batch) -> Findings:
        """Find nothing."""
        return Findings.of_annotations(batch, np.zeros(len(batch.annotation_columns["track"]), bool), "")


@pytest.mark.parametrize(("has", "reason"), [((), "the x format has no tracks"), (("track",), None)])
def test_a_check_that_needs_one_is_skipped_with_the_reason(has: tuple[str, ...], reason: str | None) -> None:
    plan = make_plan({"TST001": NeedsTracks(BaseOptions())}, DatasetInfo("x", Path(), columns=frozenset(has)), load_plugins())
    assert plan.skipped.get("TST001") == (None if reason is None else (reason, False))

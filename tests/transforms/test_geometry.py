"""Geometry follows matrices: laws, and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsinspect.geometry import affine as g
from dsinspect.geometry.rle import counts_from_text, decode_mask, encode_mask, move_mask, text_from_counts

FLIP = np.array([[-1.0, 0, 100], [0, 1, 0]])
TURN = np.array([[0.0, -1, 80], [1, 0, 0]])
SLANTED = np.array([[0.9, -0.4, 3], [0.3, 1.1, -2]])

numbers = st.floats(-500, 500, allow_nan=False, width=32)
coefficients = st.floats(-4, 4, width=32)


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    a, b, d, e = (draw(coefficients) for _ in range(4))
    if abs(a * e - b * d) < 0.05:
        a, b, d, e = 1.5, 0.0, 0.0, -0.5
    return np.array([[a, b, draw(numbers)], [d, e, draw(numbers)]])


@st.composite
def boxes(draw: st.DrawFn) -> np.ndarray:
    x, y = draw(numbers), draw(numbers)
    return np.array([[x, y, x + draw(st.floats(0.5, 300, width=32)), y + draw(st.floats(0.5, 300, width=32))]])


@given(matrices(), boxes())
def test_box_is_the_envelope_of_its_corners_and_of_its_polygon(m: np.ndarray, box: np.ndarray) -> None:
    corners = g.move_points(m, g.corners_of(box)[0])
    np.testing.assert_allclose(g.move_boxes(m, box), g.envelopes(corners, [4]), rtol=1e-9, atol=1e-6)


@given(matrices(), boxes())
def test_inverse_maps_back(m: np.ndarray, box: np.ndarray) -> None:
    points = g.corners_of(box)[0]
    np.testing.assert_allclose(g.move_points(g.invert(m), g.move_points(m, points)), points, atol=1e-6)


@given(matrices(), matrices(), matrices(), boxes())
def test_a_chain_is_its_steps_in_order(a: np.ndarray, b: np.ndarray, c: np.ndarray, box: np.ndarray) -> None:
    points = g.corners_of(box)[0]
    stepwise = g.move_points(c, g.move_points(b, g.move_points(a, points)))
    np.testing.assert_allclose(g.move_points(g.compose(a, b, c), points), stepwise, rtol=1e-9, atol=1e-3)


def test_one_matrix_per_row() -> None:
    box = np.array([[10.0, 20, 30, 50]] * 2)
    each = np.stack([FLIP, TURN])
    both = g.move_boxes(each, box)
    np.testing.assert_array_equal(both[0], g.move_boxes(FLIP, box[:1])[0])
    np.testing.assert_array_equal(both[1], g.move_boxes(TURN, box[:1])[0])
    np.testing.assert_allclose(g.compose(each, g.invert(each)), [g.identity()] * 2)
    corners = g.move_corners(each, g.corners_of(box))
    assert corners.shape == (2, 4, 2)
    assert g.move_keypoints(each, np.ones((2, 5, 3))).shape == (2, 5, 3)


def test_known_answers() -> None:
    assert g.move_boxes(FLIP, [[10, 20, 30, 50]]).tolist() == [[70, 20, 90, 50]]
    assert g.move_boxes(TURN, [[10, 20, 30, 50]]).tolist() == [[30, 10, 60, 30]]


def test_faults_are_not_repaired() -> None:
    reversed_corners = g.move_boxes(FLIP, [[30, 20, 10, 50]])[0]
    assert reversed_corners[0] > reversed_corners[2]
    moved = g.move_boxes(FLIP, [[np.nan, 0, 10, 10], [0, 0, np.inf, 10]])
    assert np.isnan(moved[0]).any()
    assert moved[1].tolist() == [-np.inf, 0, 100, 10]


def test_no_rows() -> None:
    none = np.empty((0, 4))
    assert g.move_boxes(FLIP, none).shape == (0, 4)
    assert g.clip_boxes(none, (10, 10))[0].shape == (0, 4)
    assert g.envelopes(np.empty((0, 2)), []).shape == (0, 4)
    assert np.isnan(g.envelopes([[1.0, 2]], [0, 1])[0]).all()


@pytest.mark.parametrize(("box", "clipped", "share"), [
    ([0, 0, 100, 80], [0, 0, 100, 80], 1.0),
    ([90, 0, 110, 10], [90, 0, 100, 10], 0.5),
    ([-10, -10, 10, 10], [0, 0, 10, 10], 0.25),
    ([120, 0, 130, 10], [100, 0, 100, 10], 0.0),
    ([5, 5, 5, 9], [5, 5, 5, 9], 1.0),
    ([120, 5, 120, 9], [100, 5, 100, 9], 0.0),
])
def test_clip(box: list[float], clipped: list[float], share: float) -> None:
    boxes, shares = g.clip_boxes([box], (100, 80))
    assert boxes.tolist() == [clipped]
    assert shares.tolist() == [share]


def test_clip_of_a_box_that_is_not_finite() -> None:
    assert np.isnan(g.clip_boxes([[0, 0, np.nan, 1]], (10, 10))[1]).all()


def test_what_is_not_carried_is_named() -> None:
    assert g.not_carried(FLIP) == ()
    assert g.not_carried(g.scaling(2, 1)) == ("rotated-box",)
    assert g.not_carried(SLANTED) == ("box", "rotated-box")
    tilted = np.array([[np.cos(0.2), -np.sin(0.2), 0], [np.sin(0.2), np.cos(0.2), 0]])
    assert g.not_carried(tilted) == ("box",)
    assert g.not_carried(None) == ("box", "polygon", "keypoints", "rotated-box", "mask")


@given(st.floats(0, 100), st.floats(0, 100), st.floats(1, 50), st.floats(1, 50), st.floats(-179, 179))
def test_rotated_boxes_and_their_corners(x: float, y: float, w: float, h: float, angle: float) -> None:
    row = np.array([[x, y, w, h, angle]])
    np.testing.assert_allclose(g.rotated_boxes(g.rotated_corners(row)), row, atol=1e-6)


def test_rotation_is_clockwise_as_seen() -> None:
    corners = g.rotated_corners([[0, 0, 10, 2, 90]])[0]
    np.testing.assert_allclose(corners[0], [1, -5], atol=1e-9)  # the top left corner has come to the top right


def winding(corners: np.ndarray) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return float(np.sign(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def test_mirrored_corners_keep_their_winding() -> None:
    corners = g.rotated_corners([[50, 40, 20, 10, 30]])
    moved = g.move_corners(FLIP, corners)
    assert winding(moved[0]) == winding(corners[0])
    np.testing.assert_allclose(g.rotated_boxes(moved)[0], [50, 40, 20, 10, -30], atol=1e-9)


def test_keypoints_without_label_stay_zero_and_outside_ones_go() -> None:
    points = np.array([[[10.0, 20, 2], [0, 0, 0], [90, 70, 1]]])
    moved = g.move_keypoints(FLIP, points)
    assert moved.tolist() == [[[90, 20, 2], [0, 0, 0], [10, 70, 1]]]
    assert g.clip_keypoints(moved, (50, 80)).tolist() == [[[0, 0, 0], [0, 0, 0], [10, 70, 1]]]
    on_the_edge = [[[0, 0, 2], [50, 80, 1], [50, 0, 2], [0, 80, 2]]]
    assert g.clip_keypoints(on_the_edge, (50, 80)).tolist() == on_the_edge


@given(st.lists(st.tuples(st.integers(-40, 140), st.integers(-40, 120)), min_size=3, max_size=9))
@settings(max_examples=60)
def test_clipped_polygon_has_the_area_of_its_picture(points: list[tuple[int, int]]) -> None:
    hull = _hull(points)
    if len(hull) < 3:
        return
    clipped = g.clip_polygon(hull, (100, 80))
    if len(clipped):
        assert (clipped >= 0).all()
        assert (clipped <= [100, 80]).all()
    fine = 4  # a grid of quarter px counts the area
    x, y = np.meshgrid((np.arange(100 * fine) + 0.5) / fine, (np.arange(80 * fine) + 0.5) / fine)
    inside = np.ones(x.shape, bool)
    for (ax, ay), (bx, by) in zip(hull, [*hull[1:], hull[0]], strict=True):
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    assert abs(g.polygon_area(clipped) - inside.sum() / fine**2) < 40


def _hull(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Andrew's monotone chain, counter-clockwise in a plane whose y points up."""
    ordered = sorted(set(points))

    def half(path: list[tuple[int, int]]) -> list[tuple[int, int]]:
        out: list[tuple[int, int]] = []
        for p in path:
            while len(out) > 1 and ((out[-1][0] - out[-2][0]) * (p[1] - out[-2][1])
                                    <= (out[-1][1] - out[-2][1]) * (p[0] - out[-2][0])):
                out.pop()
            out.append(p)
        return out[:-1]

    return half(ordered) + half(ordered[::-1])


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_masks_survive_both_forms(height: int, width: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.4
    counts = encode_mask(mask)
    np.testing.assert_array_equal(decode_mask(counts, (height, width)), mask)
    assert counts_from_text(text_from_counts(counts)).tolist() == counts


def test_text_form_of_a_known_mask() -> None:
    # 2 x 2 on in the middle of 4 x 4: by hand from the description of the form
    mask = np.zeros((4, 4), bool)
    mask[1:3, 1:3] = True
    assert encode_mask(mask) == [5, 2, 2, 2, 5]
    assert text_from_counts([5, 2, 2, 2, 5]) == "52203"
    assert counts_from_text(text_from_counts([100_000, 3, 70, 900_000])).tolist() == [100_000, 3, 70, 900_000]


@pytest.mark.parametrize("text", ["\x10", "P", "PPPPPPPPPPPPPPPPPPPPPPPP0"])
def test_damaged_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="damaged"):
        counts_from_text(text)


def test_runs_of_another_size_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="add up to 3 pixels"):
        decode_mask([1, 2], (2, 2))


@pytest.mark.parametrize(("matrix", "size", "expect"), [
    (np.array([[-1.0, 0, 6], [0, 1, 0]]), (6, 4), lambda m: m[:, ::-1]),
    (np.array([[0.0, -1, 4], [1, 0, 0]]), (4, 6), lambda m: np.rot90(m, -1)),
    (g.translation(-2, -1), (4, 3), lambda m: m[1:, 2:]),
    (g.translation(1, 2), (7, 6), lambda m: np.pad(m, ((2, 0), (1, 0)))),
    (g.scaling(2, 3), (12, 12), lambda m: m.repeat(3, 0).repeat(2, 1)),
])
def test_masks_follow(matrix: np.ndarray, size: tuple[int, int], expect: object) -> None:
    mask = np.random.default_rng(1).random((4, 6)) < 0.5
    np.testing.assert_array_equal(move_mask(mask, matrix, size), expect(mask))  # type: ignore[operator]


def test_mask_under_a_slanted_matrix_stays_near_its_area() -> None:
    mask = np.zeros((60, 80), bool)
    mask[20:40, 20:60] = True
    moved = move_mask(mask, SLANTED, (120, 120))
    assert moved.sum() == pytest.approx(mask.sum() * g.area_factor(SLANTED), rel=0.03)

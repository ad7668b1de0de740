"""What each transform does to pixels, and what its options refuse."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dsinspect.errors import UserError
from dsinspect.geometry import affine as g
from dsinspect.geometry.exif import orientation_matrix, turned_upright
from dsinspect.geometry.label_swap import mirrored, mirrored_pairs
from dsinspect.loader import load_plugins
from dsinspect.protocols.options import describe, make
from dsinspect.protocols.probes import ImageFile
from dsinspect.protocols.transforms import ImageRow, Transform
from dsinspect.transformation.chain import build_chain, listing, parse_op, routes

PLUGINS = load_plugins()
TYPES = PLUGINS.transforms
WIDE = ImageRow("a.png", 200, 100)


def built(name: str, **values: Any) -> Transform[Any]:
    return TYPES[name](make(TYPES[name].options_type, values, name))


def only(transform: Transform[Any], image: ImageRow = WIDE) -> Any:
    params, = transform.plan(image)
    return params


def noise(height: int = 100, width: int = 200, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


@pytest.mark.parametrize("name", TYPES)
def test_every_option_says_what_it_means(name: str) -> None:
    assert TYPES[name].__doc__
    assert all(o.meaning for o in describe(TYPES[name].options_type))
    assert f"{name}: " in listing(TYPES)


def test_bgr_exchanges_red_and_blue() -> None:
    pixels = noise(channels=4)
    np.testing.assert_array_equal(built("bgr").apply(pixels, only(built("bgr"))), cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA))


@pytest.mark.parametrize(("values", "size"), [
    ({"size": 50}, (50, 50)), ({"size": "64x48"}, (64, 48)), ({"scale": 0.5}, (100, 50)), ({"scale": 0.001}, (1, 1)),
    ({"short": 50}, (100, 50)), ({"short": 150, "cap": 240}, (240, 120)), ({"long": 100}, (100, 50)),
    ({"long": 400, "only_shrink": True}, (200, 100)), ({"scale": 0.0125}, (3, 1)),
])
def test_resize_sizes(values: dict[str, Any], size: tuple[int, int]) -> None:
    params = only(built("resize", **values))
    assert (params.width, params.height) == size


def test_resize_to_the_same_size_changes_nothing() -> None:
    assert not built("resize", scale=1).changes_pixels(only(built("resize", scale=1)))
    assert built("resize", scale=0.5).changes_pixels(only(built("resize", scale=0.5)))


def test_shrinking_averages_and_does_not_skip_pixels() -> None:
    stripes = np.zeros((100, 200), np.uint8)
    stripes[:, ::2] = 255
    for size in ("100x100", "50x150"):  # the second grows in height while it shrinks in width
        transform = built("resize", size=size)
        assert abs(transform.apply(stripes, only(transform)).astype(int) - 127).max() <= 1


@pytest.mark.parametrize(("values", "place", "frame"), [
    ({"size": 100}, (0, 25, 100, 75), (100, 100)),
    ({"size": 100, "anchor": "top-left"}, (0, 0, 100, 50), (100, 100)),
    ({"size": 100, "anchor": "bottom"}, (0, 50, 100, 100), (100, 100)),
    ({"size": 101}, (0, 25, 101, 75), (101, 101)),  # 50.5 px high rounds to 50; the odd px goes below
    ({"size": 96, "stride": 32}, (0, 8, 96, 56), (96, 64)),
    ({"size": 640, "enlarge": False}, (220, 270, 420, 370), (640, 640)),
])
def test_letterbox_place(values: dict[str, Any], place: tuple[int, ...], frame: tuple[int, int]) -> None:
    transform = built("letterbox", **values)
    params = only(transform)
    matrix = transform.matrix(params)
    assert matrix is not None
    np.testing.assert_allclose(g.move_boxes(matrix, [[0, 0, 200, 100]])[0], place)
    assert (params.width, params.height) == frame


@pytest.mark.parametrize("image", [ImageRow("a.png", 100, 67), ImageRow("b.png", 67, 100)])
def test_letterbox_rounds_both_sides_to_the_nearest_px(image: ImageRow) -> None:
    params = only(built("letterbox", size=64), image)  # 67 px become 42.88
    assert (params.inner_width, params.inner_height) == ((64, 43) if image.width == 100 else (43, 64))


def test_letterbox_ground() -> None:
    transform = built("letterbox", size=100, colour="255,0,9")
    out = transform.apply(noise(), only(transform))
    assert out[0, 0].tolist() == [9, 0, 255]
    grey = transform.apply(noise()[..., 0], only(transform))
    assert grey[0, 0] == round(0.299 * 255 + 0.114 * 9)
    deep = transform.apply(noise().astype(np.uint16), only(transform))
    assert deep[0, 0].tolist() == [9 * 257, 0, 65535]
    clear = transform.apply(noise(channels=4), only(transform))
    assert clear[0, 0, 3] == 255


def test_crop_outside_the_picture_gives_no_output() -> None:
    assert built("crop", size=50, x=200).plan(WIDE) == []
    assert built("crop", left=150, right=60).plan(WIDE) == []
    assert [(p.width, p.height) for p in built("crop", size=50, x=180).plan(WIDE)] == [(20, 50)]


def test_tiles_cover_the_picture() -> None:
    for width, height, size, overlap in ((1000, 700, 256, 0.2), (300, 90, 100, 0.0), (100, 100, 100, 0.5), (7, 5, 3, 0.95)):
        seen = np.zeros((height, width), int)
        plans = built("tile", size=size, overlap=overlap).plan(ImageRow("a.png", width, height))
        for p in plans:
            seen[p.y:p.y + p.height, p.x:p.x + p.width] += 1
        assert seen.min() >= 1
        assert len({p.tag for p in plans}) == len(plans)


@pytest.mark.parametrize(("values", "expected"), [
    ({}, lambda p: p[..., ::-1].transpose(2, 0, 1) / 255),
    ({"preset": "caffe"}, lambda p: (p.transpose(2, 0, 1) - 127.5) * 0.007843),
    ({"preset": "imagenet"}, lambda p: ((p[..., ::-1] / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1)),
    ({"preset": "imagenet", "order": "bgr"},
     lambda p: ((p / 255 - [0.406, 0.456, 0.485]) / [0.225, 0.224, 0.229]).transpose(2, 0, 1)),
    ({"mean": "1,2,3", "scale": 2}, lambda p: ((p[..., ::-1] - [1, 2, 3.0]) * 2).transpose(2, 0, 1)),
])
def test_tensor_values(values: dict[str, Any], expected: Any) -> None:
    pixels = noise(6, 8)
    transform = built("tensor", **values)
    out = transform.apply(pixels, only(transform, ImageRow("a.png", 8, 6)))
    assert (out.shape, out.dtype) == ((3, 6, 8), np.float32)
    np.testing.assert_allclose(out, expected(pixels.astype(float)), rtol=2e-5, atol=2e-5)


def test_tensor_of_grey_alpha_and_16_bits() -> None:
    transform = built("tensor")
    params = only(transform)
    grey = noise(4, 5)[..., 0]
    np.testing.assert_allclose(transform.apply(grey, params), np.stack([grey / 255] * 3), rtol=1e-5)
    assert transform.apply(noise(4, 5, 4), params).shape == (3, 4, 5)
    np.testing.assert_allclose(transform.apply(grey.astype(np.uint16) * 257, params)[0], grey / 255, rtol=1e-5)
    single = built("tensor", channels=1)
    assert single.apply(noise(4, 5), only(single)).shape == (1, 4, 5)


@pytest.mark.parametrize("file", ["npy", "npz"])
def test_tensor_files_are_the_same_every_time_and_load(file: str) -> None:
    transform = built("tensor", file=file)
    array = transform.apply(noise(6, 8), only(transform))
    content = transform.encode(array)
    assert content == transform.encode(array)
    loaded = np.load(io.BytesIO(content), allow_pickle=False)
    np.testing.assert_array_equal(loaded["image"] if file == "npz" else loaded, array)


def test_gray_with_three_channels() -> None:
    transform = built("gray", channels=3)
    out = transform.apply(noise(), only(transform))
    assert out.shape == (100, 200, 3)
    assert (out[..., 0] == out[..., 2]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_pixels_follow_its_matrix(orientation: int) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    upright = turned_upright(pixels, orientation)
    matrix = orientation_matrix(orientation, 4, 3)
    for y in range(3):
        for x in range(4):
            new_x, new_y = g.move_points(matrix, [x + 0.5, y + 0.5])
            assert upright[int(new_y), int(new_x)] == pixels[y, x]


@pytest.mark.parametrize("scene", ["Landscape", "Portrait"])
def test_all_eight_orientations_of_a_real_scene_look_the_same(shared_data: Path, scene: str) -> None:
    pictures, boxes = [], []
    seen = {}
    for k in range(1, 9):
        path = shared_data / "exif_orientation" / f"{scene}_{k}.jpg"
        orientation = int(PLUGINS.probes["header"]().measure(ImageFile(str(path)))[6])  # type: ignore[arg-type]
        assert orientation == k
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        image = ImageRow(path.name, pixels.shape[1], pixels.shape[0], orientation)
        transform = built("upright")
        params = only(transform, image)
        pictures.append(transform.apply(pixels, params))
        matrix = transform.matrix(params)
        assert matrix is not None
        first = pictures[0]
        upright_box = np.array([[100.0, 50, 400, 300]])
        seen[k] = g.move_boxes(g.invert(matrix), upright_box)  # where an annotator of the stored picture draws it
        boxes.append(g.move_boxes(matrix, seen[k]))
        assert pictures[-1].shape == first.shape
        # Eight JPEG files of one scene: equal but for compression noise.
        small = [cv2.resize(p, (60, 60), interpolation=cv2.INTER_AREA).astype(int) for p in (first, pictures[-1])]
        assert abs(small[0] - small[1]).mean() < 6
    for box in boxes:
        np.testing.assert_allclose(box, [[100, 50, 400, 300]], atol=1e-9)
    assert len({tuple(b[0].tolist()) for b in seen.values()}) > 4


@pytest.mark.parametrize(("text", "expected"), [
    ("flip", ("flip", {})),
    ("letterbox:size=640,colour=1,2,3,stride=32", ("letterbox", {"size": "640", "colour": "1,2,3", "stride": "32"})),
])
def test_op_texts(text: str, expected: Any) -> None:
    assert parse_op(text) == expected


@pytest.mark.parametrize(("ops", "told"), [
    (["flipp"], "no such transform (did you mean 'flip'?)"),
    (["flip:axes=both"], "no option 'axes' (did you mean 'axis'?)"),
    (["flip:axis=up"], "write one of horizontal, vertical"),
    (["letterbox:640"], "write NAME:option=value"),
    (["resize"], "say exactly one of size, scale, short and long"),
    (["resize:size=3,scale=2"], "there are size and scale"),
    (["resize:scale=-1"], "write a number of at least 0"),
    (["resize:long=5,cap=7"], "cap goes with short"),
    (["letterbox:size=64by64"], "write a number of px, or WIDTHxHEIGHT"),
    (["letterbox:colour=red"], "write a grey (114)"),
    (["letterbox:colour=300"], "each 0 to 255"),
    (["pad:left=3,size=50"], "not both"),
    (["pad"], "pad: say px by side (left, top, right, bottom), size=WIDTHxHEIGHT, or multiple=N"),
    (["pad:colour=0,left=0"], "pad: say px by side"),
    (["crop"], "say size=WIDTHxHEIGHT"),
    (["crop:size=4,left=3"], "not both"),
    (["tile:size=0"], "at least 1 px"),
    (["tensor:mean=1,2"], "one number, or three"),
    (["tensor", "flip"], "writes .npy files and comes last"),
    (["flip", "upright"], "reads the EXIF orientation and comes first"),
])
def test_mistakes_are_told(ops: list[str], told: str) -> None:
    with pytest.raises(UserError) as error:
        build_chain([parse_op(o) for o in ops], PLUGINS)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_routes_of_a_chain_with_tiles() -> None:
    chain = build_chain([parse_op(o) for o in ("resize:scale=2", "tile:size=200,overlap=0", "flip")], PLUGINS)
    through = routes(chain, WIDE)
    assert [r.tag for r in through] == ["x0y0", "x200y0"]
    assert all(r.size_wh == (200, 200) for r in through)
    matrix = through[1].matrix
    assert matrix is not None
    assert g.move_boxes(matrix, [[100, 0, 200, 100]]).tolist() == [[0, 0, 200, 200]]
    assert through[1].window[1]


@pytest.mark.parametrize(("name", "other"), [
    ("left_arm", "right_arm"), ("Arm-Right", "Arm-Left"), ("LEFT", "RIGHT"), ("leftHand", "rightHand"), ("handRight", "handLeft"),
    ("eye_l", "eye_r"), ("bright", "bright"), ("cleft", "cleft"), ("car", "car"), ("ball", "ball"),
])
def test_mirrored_names(name: str, other: str) -> None:
    assert mirrored(name) == other
    assert mirrored(other) == name


def test_only_names_whose_other_side_exists_are_exchanged() -> None:
    assert mirrored_pairs(["left", "right", "left_only", "car"]) == {"left": "right", "right": "left"}

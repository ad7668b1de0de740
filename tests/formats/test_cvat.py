"""CVAT XML: shapes on images and along tracks, what is left out, edits, and what CVAT's own converters make of what is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from format_laws import Read, assert_edits_that_change_nothing, assert_survives_broken_files, by_image

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.testing import assert_format

CVAT = load_plugins().formats["cvat"]
IMAGES = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><labels>
    <label><name>cat</name></label>
    <label><name>R&amp;D</name></label>
    <label><name>body</name><type>skeleton</type></label>
    <label><name>1</name><parent>body</parent></label>
  </labels></task></meta>
  <!-- drawn by hand -->
  <image id="7" name="a/one.jpg" subset="Train" width="100" height="80">
    <box label="cat" occluded="1" xtl="1.50" ytl="2" xbr="30" ybr='40.0' group_id="3"><attribute name="hue">red</attribute></box>
    <box label="cat" occluded="0" xtl="20" ytl="30" xbr="60" ybr="50" rotation="90.00"/>
    <polygon label="R&amp;D" points="1,2;9,2;5,8.5"/>
    <mask label="cat" rle="0, 2, 1, 3" left="4" top="1" width="3" height="2"/>
    <ellipse label="cat" cx="50" cy="40" rx="10" ry="5"/>
    <polyline label="cat" points="1,1;5,5"/>
    <points label="cat" points="3,4"/>
    <points label="cat" points="3,4;8,9" occluded="1"/>
    <skeleton label="body"><points label="1" outside="0" points="5,6"/><points label="1" outside="1" points="0,0"/>
      <points label="1" outside="0" occluded="1" points="9,12"/></skeleton>
    <box label="cat" xtl="?" ytl="2" xbr="3" ybr="4"/>
    <tag label="cat"/>
  </image>
  <image id="8" name="two.jpg" width="50" height="50"/>
</annotations>
"""
VIDEO = """<annotations><version>1.1</version><meta><task><mode>interpolation</mode><start_frame>0</start_frame>
<stop_frame>8</stop_frame><frame_filter>step=2</frame_filter><labels><label><name>cat</name></label></labels>
<original_size><width>64</width><height>48</height></original_size></task></meta>
<track id="4" label="cat">
  <box frame="0" outside="0" keyframe="1" xtl="0" ytl="0" xbr="10" ybr="10"/>
  <box frame="4" outside="0" keyframe="1" xtl="20" ytl="0" xbr="40" ybr="10"/>
  <box frame="6" outside="1" keyframe="1" xtl="20" ytl="0" xbr="40" ybr="10"/>
</track></annotations>
"""


def put(root: Path, content: str = IMAGES) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "annotations.xml").write_text(content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path / "set")


def patched(root: Path, *changes: dict[str, Any]) -> str:
    found = list(CVAT().patch(OpenRequest(root), Edits.of([{"source": "annotations.xml", **c} for c in changes])))
    assert [p.path for p in found] == ["annotations.xml"]
    assert found[0].after is not None
    return found[0].after.decode()


def test_images(root: Path) -> None:
    read = Read("cvat", root)
    assert [c.name for c in read.info.categories] == ["cat", "R&D", "body"]
    assert list(zip(read.images["path"], read.images["split"], read.images["width"], strict=True)) == [
        ("a/one.jpg", "Train", 100), ("two.jpg", None, 50)]
    assert [(*r[1:], i) for r, i in zip(read.rows(), read.column("index"), strict=True)] == [
        ("cat", 1.5, 2, 30, 40, 0), ("cat", 30, 20, 50, 60, 1), ("R&D", 1, 2, 9, 8.5, 2), ("cat", 4, 1, 7, 3, 3),
        ("cat", 40, 35, 60, 45, 4), ("cat", 3, 4, 8, 9, 7), ("body", 5, 6, 9, 12, 8)]
    assert read.column("line")[:2] == [12, 13]
    assert read.told() == [(22, "<box>: xtl: '?' is not a number")]
    assert read.info.notes == ("left out, since they bound no area: 1 image tag, 1 polyline, 1 single point",)
    assert [p.reason for p in read.info.problems if p.kind == "image-tags"] == ["used by 1 image tag"]
    assert read.column("cvat:occluded")[0] == "1"
    assert json.loads(read.column("attributes")[0]) == {"hue": "red"}
    corners = read.annotations[[f"corner_{a}{k}" for k in (1, 2, 3, 4) for a in "xy"]].to_numpy()
    np.testing.assert_allclose(corners[1], [50, 20, 50, 60, 30, 60, 30, 20], atol=1e-12)
    assert np.isnan(corners[[0, 2, 3]]).all()
    assert json.loads(read.column("segmentation")[2]) == [[1, 2, 9, 2, 5, 8.5]]
    assert json.loads(read.column("keypoints")[5]) == [3, 4, 1, 8, 9, 1]
    assert json.loads(read.column("keypoints")[6]) == [5, 6, 2, 0, 0, 0, 9, 12, 1]
    mask = json.loads(read.column("segmentation")[3])  # rows 110 and 111 minus its third: 1 1 0 / 1 1 1
    assert mask == {"size": [80, 100], "counts": [4 * 80 + 1, 2, 78, 2, 79, 1, 80 - 3 + 93 * 80]}


def test_video_between_key_frames(tmp_path: Path) -> None:
    read = Read("cvat", put(tmp_path / "set", VIDEO))
    assert read.images["path"].tolist() == [f"frame_{k:06}.PNG" for k in (0, 2, 4, 6, 8)]
    assert read.images["height"].tolist() == [48.0] * 5
    assert read.rows() == [("frame_000000.PNG", "cat", 0, 0, 10, 10), ("frame_000002.PNG", "cat", 10, 0, 25, 10),
                           ("frame_000004.PNG", "cat", 20, 0, 40, 10)]
    assert read.column("index") == [0, -1, 1]
    assert read.column("track") == ["4"] * 3
    assert read.info.notes == ("1 box lies between the key frames of tracks, interpolated as CVAT does",)


def test_a_file_that_lists_all_frames_is_complete(tmp_path: Path) -> None:
    """CVAT writes the frames between, too; one it leaves out is deleted."""
    more = '<box frame="5" keyframe="0" outside="0" xtl="1" ytl="1" xbr="2" ybr="2"/>'
    listed = VIDEO.replace('<box frame="6"', more + '<box frame="6"')
    assert [r[0] for r in Read("cvat", put(tmp_path / "set", listed)).rows()] == [
        "frame_000000.PNG", "frame_000004.PNG", "frame_000005.PNG"]


@pytest.mark.parametrize(("content", "reason"), [
    (IMAGES.replace("</meta>", "</mta>"), "not well-formed XML: mismatched tag"),
    ('<!DOCTYPE x [<!ENTITY a "b">]>' + VIDEO, "declares entities of its own, which are never expanded"),
    (VIDEO.replace("<stop_frame>8", "<stop_frame>999999998"), "a video of 500,000,000 frames: only those with"),
    (VIDEO.replace('frame="4"', 'frame="x"'), "<box> of a track: frame 'x' is not a whole number"),
    (IMAGES.replace("0, 2, 1, 3", "0, 99999999999999, 1, 3"), "<mask>: rle does not add up to the 3 x 2 px of the mask's box"),
    (IMAGES.replace('width="3" height="2"', 'width="30000000" height="2"'), "does not lie in the 100 x 80 px image"),
    (IMAGES.replace('width="100"', 'width="wide"'), "width: 'wide' is not a number"),
])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, content: str, reason: str) -> None:
    root = put(tmp_path / "set", IMAGES)
    (root / "b.xml").write_text(content)
    assert any(reason in r for _, r in Read("cvat", root).told())


def test_a_file_in_a_code_page(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    (root / "annotations.xml").write_bytes(IMAGES.replace("R&amp;D", "Küche").encode("cp1252"))
    read = Read("cvat", root)
    assert "Küche" in read.column("category")
    assert read.problems["kind"].tolist()[0] == "odd-encoding"


def test_contract(root: Path) -> None:
    assert_format(CVAT, root)
    assert_format(CVAT, put(root.parent / "video", VIDEO))


def test_samples(shared_data: Path) -> None:
    tiny = shared_data / "formats_tiny/cvat_dataset"
    for name in ("for_images", "for_video"):
        assert_format(CVAT, tiny / name)
    assert [tuple(r[1:]) for r in Read("cvat", tiny / "for_images").rows()][:1] == [("label1", 0, 2, 4, 4)]
    video = Read("cvat", tiny / "for_video")
    assert len(video.images) == 4
    assert video.rows()[0][1:] == ("II", 3, 4, 10, 5)


def test_the_same_objects_as_in_voc(shared_data: Path) -> None:
    root = shared_data / "rop_metrics/gts"
    cvat, voc = by_image(Read("cvat", root / "cvat_format"), 2), by_image(Read("voc", root / "pascalvoc_format"), 2)
    assert cvat == voc
    assert sum(map(len, cvat.values())) == 273


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-box", "index": 0, "x_min": 1.5, "y_min": 3, "x_max": 31, "y_max": 40}, 'ytl="2" xbr="30"', 'ytl="3" xbr="31"'),
    ({"action": "set-category", "index": 0, "text": "R&D"}, '<box label="cat" occluded="1"', '<box label="R&amp;D" occluded="1"'),
    ({"action": "set-field", "index": 0, "text": 'hue="blue"'}, ">red<", ">blue<"),
    ({"action": "set-field", "index": 1, "text": "occluded=true"}, '"cat" occluded="0"', '"cat" occluded="1"'),
    ({"action": "set-box", "index": 2, "x_min": 2, "y_min": 2, "x_max": 9, "y_max": 8},
     'points="1,2;9,2;5,8.5"', 'points="2,2;9,2;5,8"'),
    ({"action": "drop-polygon", "index": 2}, '<polygon label="R&amp;D" points="1,2;9,2;5,8.5"/>',
     '<box label="R&amp;D" xtl="1" ytl="2" xbr="9" ybr="8.5"/>'),
    ({"action": "drop-annotation", "index": 4}, '    <ellipse label="cat" cx="50" cy="40" rx="10" ry="5"/>\n', ""),
    ({"action": "drop-record", "index": 9}, '    <box label="cat" xtl="?" ytl="2" xbr="3" ybr="4"/>\n', ""),
    ({"action": "drop-image", "image": "two.jpg"}, '  <image id="8" name="two.jpg" width="50" height="50"/>\n', ""),
    ({"action": "set-image-size", "image": "two.jpg", "text": "60x50"}, 'name="two.jpg" width="50"', 'name="two.jpg" width="60"'),
    ({"action": "set-path", "image": "two.jpg", "text": "b/2.jpg"}, 'name="two.jpg"', 'name="b/2.jpg"'),
])
def test_an_edit_changes_what_it_names(root: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert old in IMAGES
    assert patched(root, change) == IMAGES.replace(old, new, 1)


def test_categories(root: Path) -> None:
    renamed = patched(root, {"action": "rename-category", "category": "R&D", "text": "dog"})
    assert renamed == IMAGES.replace("R&amp;D", "dog")
    merged = patched(root, {"action": "merge-category", "category": "R&D", "text": "cat"})
    assert merged == IMAGES.replace("    <label><name>R&amp;D</name></label>\n", "").replace("R&amp;D", "cat")


def test_edits_of_tracks(tmp_path: Path) -> None:
    root = put(tmp_path / "set", VIDEO)
    dropped = patched(root, {"action": "drop-annotation", "index": 1})
    assert dropped == VIDEO.replace('frame="4" outside="0"', 'frame="4" outside="1"')
    listed = VIDEO.replace('"0" keyframe="1" xtl="20"', '"0" keyframe="0" xtl="20"')  # CVAT draws it between its neighbours
    moved = patched(put(tmp_path / "listed", listed), {"action": "set-box", "index": 1, "x_min": 21, "y_min": 0, "x_max": 40,
                                                       "y_max": 10})
    assert moved == VIDEO.replace('xtl="20"', 'xtl="21"', 1)
    every = [{"action": "set-category", "index": k, "text": "cat"} for k in (0, 1)]
    assert not list(CVAT().patch(OpenRequest(root), Edits.of([{"source": "annotations.xml", **c} for c in every])))
    two = put(tmp_path / "two", VIDEO.replace("</labels>", "<label><name>dog</name></label></labels>"))
    with pytest.raises(UserError, match="the label belongs to the whole track; give all its 2 shapes the category"):
        patched(two, {"action": "set-category", "index": 0, "text": "dog"})
    assert '<track id="4" label="dog">' in patched(two, *[{**c, "text": "dog"} for c in every])
    with pytest.raises(UserError, match="a frame of a video"):
        patched(root, {"action": "drop-image", "image": "frame_000000.PNG"})


def test_a_fix_leaves_a_rotated_box_that_it_cannot_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It sticks out of its image, and so does a plain box beside it: this is clipped, that stays a finding."""
    content = IMAGES.replace('xtl="20" ytl="30" xbr="60" ybr="50"', 'xtl="0" ytl="30" xbr="99" ybr="50"').replace(
        'xbr="30"', 'xbr="101"')
    root = put(tmp_path / "set", content)
    assert main(["fix", str(root), "-o", str(tmp_path / "out"), "--select", "BOX003", "-q"]) == 0
    assert (tmp_path / "out/annotations.xml").read_text() == content.replace('xbr="101"', 'xbr="100"')
    moved = {"action": "set-box", "index": 1, "x_min": 0, "y_min": 0, "x_max": 9, "y_max": 9, "reviewer": "R", "code": "BOX003"}
    with pytest.raises(UserError, match="the shape is a rotated box"):
        patched(root, moved)


def test_edits_that_change_nothing(root: Path, shared_data: Path) -> None:
    assert_edits_that_change_nothing("cvat", root)
    assert_edits_that_change_nothing("cvat", put(root.parent / "video", VIDEO))
    for folder in ("formats_tiny/cvat_dataset/for_images", "formats_tiny/cvat_dataset/for_video", "rop_metrics/gts/cvat_format"):
        assert_edits_that_change_nothing("cvat", shared_data / folder)


def test_what_is_written_comes_back(root: Path) -> None:
    put(root, IMAGES.replace('<box label="cat" xtl="?" ytl="2" xbr="3" ybr="4"/>', ""))
    assert main(["convert", str(root), "-o", str(root.parent / "out"), "--to", "cvat", "-q"]) == 0
    a, b = Read("cvat", root), Read("cvat", root.parent / "out")
    assert [r[1:] for r in a.rows()] == [r[1:] for r in b.rows()]
    for column in ("segmentation", "attributes", "corner_x1", "corner_y3"):
        assert a.column(column) == pytest.approx(b.column(column)) if column.startswith("corner") else \
            a.column(column)[:4] == b.column(column)[:4]
    assert a.images["split"].tolist() == b.images["split"].tolist()
    losses = json.loads((root.parent / "out/conversion.json").read_text())["losses"]
    assert losses == {"keypoints beside a box of their own (the boxes stay)": 1, "shapes: ellipse (the boxes stay)": 1,
                      "shapes: skeleton (the boxes stay)": 1, **{f"{what} (left out by the reader)": 1 for what in (
                          "image tags", "polylines", "single points")}}


def test_broken_files(root: Path, tmp_path: Path) -> None:
    opened, refused = assert_survives_broken_files("cvat", root, ["annotations.xml"], tmp_path / "copy", 150)
    assert opened > 100
    assert opened + refused == 150
    assert_survives_broken_files("cvat", put(tmp_path / "video", VIDEO), ["annotations.xml"], tmp_path / "copy", 150)


def test_a_class_of_image_tags_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = "".join(f"<label><name>{n}</name></label>" for n in ("cat", "night", "tram"))
    (tmp_path / "annotations.xml").write_text(
        f'<annotations><version>1.1</version><meta><task><labels>{labels}</labels></task></meta><image id="0" name="a.jpg" '
        'width="100" height="80"><tag label="night"/><box label="cat" xtl="1" ytl="2" xbr="30" ybr="40"/></image></annotations>')
    main(["report", str(tmp_path), "--no-cache", "--select", "CLS003"])
    said = " ".join(capsys.readouterr().out.split())
    assert "Class tram is declared and has no box" in said
    assert "Class night has no box; it is used by 1 image tag" in said


def test_two_images_of_one_stem_are_one_for_cvat(tmp_path: Path) -> None:
    from dsinspect.testing.rich_set import rich_set
    from dsinspect_formats.cvat.format import Cvat

    info, shard = rich_set({"a.bmp": "images/a.bmp", "b.bmp": "images/a.png", "c.bmp": "images/c.bmp", "d.bmp": "images/x/a.png"},
                           tmp_path)
    shard.annotations["cvat:group"] = ["-1", "4", "", "", "", "", ""]
    losses = Cvat().write(info, iter([shard]), tmp_path)
    assert losses["names of images that differ only in their suffix (CVAT takes them for one)"] == 1
    assert losses["group names that are no number from 0 on"] == 1
    assert (tmp_path / "annotations.xml").read_text().count("group_id=") == 1

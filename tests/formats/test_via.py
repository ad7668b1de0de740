"""VIA's JSON and CSV: regions in a list or by number, attributes named by the user, edits."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from format_laws import Read, assert_edits_that_change_nothing, assert_survives_broken_files

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.testing import assert_format
from dsinspect_formats.via._looks import Options

VIA = load_plugins().formats["via"]
FILE = """{"_via_settings": {"ui": {}}, "_via_img_metadata": {
  "a.jpg123": {"filename": "a.jpg", "size": 123, "regions": [
    {"shape_attributes": {"name": "rect", "x": 10, "y": 20.5, "width": 30, "height": 40}, "region_attributes": {"hue": "red", "kind": "cat"}},
    {"shape_attributes": {"name": "polygon", "all_points_x": [1, 9, 5], "all_points_y": [2, 2, 8]}, "region_attributes": {"kind": "dog"}},
    {"shape_attributes": {"name": "circle", "cx": 50, "cy": 40, "r": 5}, "region_attributes": {"kind": {"dog": true}}},
    {"shape_attributes": {"name": "point", "cx": 50, "cy": 40}, "region_attributes": {"kind": "dog"}},
    {"shape_attributes": {"name": "rect", "x": 10, "y": null, "width": 30, "height": 40}, "region_attributes": {"kind": "cat"}}
  ], "file_attributes": {}},
  "b.jpg9": {"filename": "b.jpg", "size": 9, "regions": {"0": {"shape_attributes": {"name": "ellipse", "cx": 50, "cy": 40, "rx": 5,
    "ry": 9, "theta": 0}, "region_attributes": {}}}, "file_attributes": {"split": "val"}},
  "c.jpg9": {"filename": "c.jpg", "size": 9, "regions": [], "file_attributes": {}}
}, "_via_attributes": {}}
"""  # noqa: E501 - a line a region


def put(root: Path, content: str = FILE) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "via.json").write_text(content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path / "set")


def as_csv(root: Path) -> Path:
    """Write the same as CSV."""
    root.mkdir()
    out = io.StringIO()
    rows = csv.writer(out, quoting=csv.QUOTE_MINIMAL)
    out.write("filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n")
    for entry in json.loads(FILE)["_via_img_metadata"].values():
        regions = entry["regions"]
        regions = list(regions.values()) if isinstance(regions, dict) else regions
        about = json.dumps(entry["file_attributes"])
        for k, region in enumerate(regions or [{"shape_attributes": {}, "region_attributes": {}}]):
            rows.writerow([entry["filename"], entry["size"], about, len(regions), k, json.dumps(region["shape_attributes"]),
                           json.dumps(region["region_attributes"])])
    (root / "via.csv").write_text(out.getvalue())
    return root


def patched(root: Path, *changes: dict[str, Any]) -> str:
    found = list(VIA().patch(OpenRequest(root), Edits.of([{"source": "via.json", **c} for c in changes])))
    assert [p.path for p in found] == ["via.json"]
    assert found[0].after is not None
    return found[0].after.decode()


def test_regions(root: Path, tmp_path: Path) -> None:
    read = Read("via", root)
    assert read.rows() == [("a.jpg", "cat", 10, 20.5, 40, 60.5), ("a.jpg", "dog", 1, 2, 9, 8), ("a.jpg", "dog", 45, 35, 55, 45),
                           ("b.jpg", None, 45, 31, 55, 49)]
    assert read.column("index") == [0, 1, 2, 5]
    assert json.loads(read.column("segmentation")[1]) == [[1, 2, 9, 2, 5, 8]]
    assert json.loads(read.column("attributes")[0]) == {"hue": "red"}
    assert read.images["split"].tolist() == [None, "val", None]
    assert read.told() == [(-1, "y is missing")]
    assert read.info.notes == ("the class is the region attribute 'kind' (option class_attribute)",
                               "left out, since they bound no area: 1 point")
    assert_format(VIA, root)
    rows = as_csv(tmp_path / "csv")
    assert Read("via", rows).rows() == read.rows()
    assert Read("via", rows).told() == [(6, "y is missing")]
    assert_format(VIA, rows)


def test_the_class_is_what_the_user_says(root: Path) -> None:
    assert Read("via", root, options=Options(class_attribute="hue")).column("category") == ["red", None, None, None]


@pytest.mark.parametrize(("content", "reason"), [
    (FILE.replace('"circle"', '"heart"'), "the shape 'heart' is not known"),
    (FILE.replace("[1, 9, 5]", "[1, 9]"), "all_points_x and all_points_y are not two lists of at least three numbers"),
    (FILE.replace('"filename": "c.jpg", ', ""), "the image has no filename"),
    (FILE.replace('"regions": []', '"regions": 4'), "regions is neither a list nor an object"),
])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, content: str, reason: str) -> None:
    assert any(reason in r for _, r in Read("via", put(tmp_path / "set", content)).told())


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-box", "index": 0, "x_min": 10, "y_min": 21, "x_max": 41, "y_max": 60.5},
     '"x": 10, "y": 20.5, "width": 30, "height": 40', '"x": 10, "y": 21.0, "width": 31, "height": 39.5'),
    ({"action": "set-category", "index": 0, "text": "dog"}, '"kind": "cat"', '"kind": "dog"'),
    ({"action": "set-category", "index": 2, "text": "cat"}, '{"dog": true}', '{"cat": true}'),
    ({"action": "set-box", "index": 1, "x_min": 2, "y_min": 2, "x_max": 9, "y_max": 8}, "[1, 9, 5]", "[2, 9, 5]"),
    ({"action": "drop-polygon", "index": 1}, '{"name": "polygon", "all_points_x": [1, 9, 5], "all_points_y": [2, 2, 8]}',
     '{"name": "rect", "x": 1.0, "y": 2.0, "width": 8.0, "height": 6.0}'),
    ({"action": "drop-image", "image": "c.jpg"},
     ',\n  "c.jpg9": {"filename": "c.jpg", "size": 9, "regions": [], "file_attributes": {}}', ""),
    ({"action": "add-box", "image": "c.jpg", "text": "dog", "x_min": 0, "y_min": 1, "x_max": 2, "y_max": 3}, '"regions": []',
     '"regions": [{"shape_attributes": {"name": "rect", "x": 0.0, "y": 1.0, "width": 2.0, "height": 2.0}, "region_attributes": '
     '{"kind": "dog"}}]'),
])
def test_an_edit_changes_what_it_names(root: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert old in FILE
    assert patched(root, change) == FILE.replace(old, new, 1)


def test_edits_of_the_csv_are_refused(tmp_path: Path) -> None:
    root = as_csv(tmp_path / "csv")
    with pytest.raises(UserError, match="VIA's CSV cannot be edited; export the annotations as JSON"):
        list(VIA().patch(OpenRequest(root), Edits.of([{"action": "drop-annotation", "source": "via.csv", "index": 0}])))


def test_edits_that_change_nothing(root: Path) -> None:
    assert_edits_that_change_nothing("via", root)


def test_what_is_written_comes_back(root: Path) -> None:
    assert main(["convert", str(root), "-o", str(root.parent / "out"), "--to", "via", "-q"]) == 0
    a, b = Read("via", root), Read("via", root.parent / "out")
    assert a.rows()[:3] == b.rows()
    losses = json.loads((root.parent / "out/conversion.json").read_text())["losses"]
    assert losses == {"records that cannot be read": 1, "annotations of unknown categories": 1, "attributes": 1,
                      "points (left out by the reader)": 1,
                      "shapes: circle (the boxes stay)": 1}


def classless(root: Path, name: str = "via.json") -> Path:
    """Write a set of one class as Mask R-CNN's balloons are: no region has an attribute."""
    document = {f"{n}.jpg9": {"filename": f"{n}.jpg", "size": 9, "file_attributes": {}, "regions": {str(k): {
        "shape_attributes": {"name": "rect", "x": 1 + k, "y": 2, "width": 3, "height": 4}, "region_attributes": {}}
        for k in range(2)}} for n in "ab"}
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return root


def test_a_set_without_classes_is_of_one_class(tmp_path: Path) -> None:
    root = classless(tmp_path / "set")
    read = Read("via", root)
    assert read.column("category") == ["object"] * 4
    assert read.info.notes == ("no region names its class: all are 'object' (option one_class)",)
    assert [(p.kind, p.reason) for p in read.info.problems] == [
        ("no-class", "No region of the set names its class: all are read as 'object' (option one_class)")]
    named = Read("via", root, options=Options(one_class="balloon"))
    assert named.column("category") == ["balloon"] * 4
    assert named.info.problems == ()
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "coco", "-q"]) == 0
    losses = json.loads((tmp_path / "out/conversion.json").read_text())["losses"]
    assert not [what for what in losses if "categories" in what]


def test_edits_of_a_set_without_classes(tmp_path: Path) -> None:
    root = classless(tmp_path / "set")
    new = json.loads(patched(root, {"action": "add-box", "image": "a.jpg", "text": "object", "x_min": 0, "y_min": 1, "x_max": 2,
                                    "y_max": 3}))
    assert new["a.jpg9"]["regions"]["2"]["region_attributes"] == {}
    with pytest.raises(UserError, match="no region of the set names its class, so none can have another"):
        list(VIA().patch(OpenRequest(root), Edits.of([{"action": "rename-category", "category": "object", "text": "dog"}])))


def test_two_generations_of_one_file_are_not_both_read(tmp_path: Path) -> None:
    root = classless(classless(tmp_path / "set", "train/train.json"), "train/via_region_data.json")
    with pytest.raises(UserError, match=r"list the same images \(2 of 2\): two versions of one dataset; name the file to read"):
        Read("via", root)
    other = classless(classless(tmp_path / "other", "train/via.json"), "val/via.json")
    assert len(Read("via", other).rows()) == 8  # of one name, in two folders


def test_images_whose_names_several_files_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = classless(tmp_path / "set")
    for path in ("one/a.jpg", "one/b.jpg", "two/a.jpg", "two/b.jpg"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(path.encode())
    main(["report", str(root), "--no-cache"])
    assert "several files have the name of an image, in one/, two/, and none is taken" in " ".join(capsys.readouterr().out.split())


def test_the_size_of_the_file_decides_among_several_of_one_name(tmp_path: Path) -> None:
    root = classless(tmp_path / "set")  # says 9 bytes
    for path, size in (("one/a.jpg", 9), ("one/b.jpg", 8), ("two/a.jpg", 8), ("two/b.jpg", 9)):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"x" * size)
    assert list(dict.fromkeys(Read("via", root).paths)) == ["one/a.jpg", "two/b.jpg"]


def test_broken_files(root: Path, tmp_path: Path) -> None:
    (root / "more.json").write_text(FILE.replace(".jpg", "_more.jpg"))
    opened, _ = assert_survives_broken_files("via", root, ["via.json"], tmp_path / "copy", 150)
    assert opened > 100
    rows = as_csv(tmp_path / "csv")
    assert_survives_broken_files("via", rows, ["via.csv"], tmp_path / "copy", 150)


def polylines(root: Path, *ends: tuple[float, float]) -> Path:
    """A set of triangles drawn as polylines: from 10, 10 by 50, 10 and 50, 50 to each of the ends."""
    regions = [{"shape_attributes": {"name": "polyline", "all_points_x": [10, 50, 50, x], "all_points_y": [10, 10, 50, y]},
                "region_attributes": {"kind": "a"}} for x, y in ends]
    return put(root, json.dumps({"a.jpg9": {"filename": "a.jpg", "size": 9, "regions": regions, "file_attributes": {}}}))


def test_a_closed_polyline_is_an_outline(tmp_path: Path) -> None:
    root = polylines(tmp_path / "set", (10, 10), (13, 14), (13, 14.1))
    read = Read("via", root)
    assert read.rows() == [("a.jpg", "a", 10, 10, 50, 50)] * 2
    assert [json.loads(s) for s in read.annotations["segmentation"]] == [
        [[10, 10, 50, 10, 50, 50]], [[10, 10, 50, 10, 50, 50, 13, 14]]]
    assert read.annotations["via:shape"].tolist() == ["polyline"] * 2
    assert read.info.notes[-1] == "left out, since they bound no area: 1 polyline"
    assert len(Read("via", root, options=Options(closed_px=0)).paths) == 1
    assert len(Read("via", root, options=Options(closed_px=6)).paths) == 3


@pytest.mark.parametrize(("xs", "ys"), [
    ([1, 2, 3, 1], [1]), (["1", "30", "1"], [1, "x", 1]), (None, [1]), ([1], [1]), ([1e308, -1e308, 1e308], [1e308, 5, 1e308])])
def test_a_polyline_that_is_none_is_malformed(tmp_path: Path, xs: Any, ys: Any) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "via.json").write_text(json.dumps({"a.png1": {"filename": "a.png", "size": 1, "file_attributes": {}, "regions": [
        {"shape_attributes": {"name": "polyline", "all_points_x": xs, "all_points_y": ys}, "region_attributes": {"class": "x"}}]}}))
    read = Read("via", tmp_path)
    assert read.problems["kind"].tolist() == ["malformed-record"]


def test_a_closed_polyline_is_cut_as_a_polygon_is(tmp_path: Path) -> None:
    root = polylines(tmp_path / "set", (10, 10))
    cut = {"action": "set-box", "source": "via.json", "index": 0, "x_min": 10, "y_min": 10, "x_max": 40, "y_max": 40}
    (patch,) = VIA().patch(OpenRequest(root), Edits.of([cut]))
    shape = json.loads(patch.after)["a.jpg9"]["regions"][0]["shape_attributes"]
    assert shape == {"name": "polyline", "all_points_x": [10, 40, 40, 10], "all_points_y": [10, 10, 40, 10]}


def test_images_of_lines_alone_are_no_background(tmp_path: Path) -> None:
    about = {"region_attributes": {"kind": "a"}}
    line = {"shape_attributes": {"name": "polyline", "all_points_x": [1, 9], "all_points_y": [1, 9]}, **about}
    box = {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, **about}
    document = {f"{n}9": {"filename": n, "size": 9, "file_attributes": {}, "regions": regions}
                for n, regions in (("a.jpg", [line]), ("b.jpg", [line, box]), ("c.jpg", [box]), ("d.jpg", [line, line]))}
    assert Read("via", put(tmp_path / "set", json.dumps(document))).info.only_left_out == {"a.jpg", "d.jpg"}
    told = tmp_path / "told.json"
    assert main(["report", str(tmp_path / "set"), "--no-cache", "-q", "-o", str(told)]) == 0
    assert [f["message"] for f in json.loads(told.read_text())["findings"] if f["code"] == "DST001"] == [
        "2 images have only shapes that are left out, since they bound no area (lines, points): no background, but without a box "
        "for training"]

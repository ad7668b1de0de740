"""Edits that add: boxes, classes, crowd flags. What was there keeps its bytes; what is added looks like its neighbours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import FRAME, Read, lines_lost, patches, rewritten, write

from dsinspect.errors import UserError
from dsinspect_formats.voc._looks import Options

COCO = """{"images": [
  {"id": 7, "file_name": "a.jpg", "width": 640, "height": 480},
  {"id": 9, "file_name": "b.jpg", "width": 640, "height": 480}
 ],
 "annotations": [
  {"bbox": [1.50, 2, 30.0, 4.250], "id": 4, "category_id":  3, "image_id": 7, "iscrowd": 0, "track": 5},
  {"bbox": [10, 20, 30, 40], "id": 2, "category_id": 5, "image_id": 9, "iscrowd": 0, "track": 6}
 ],
 "categories": [
  {"id": 3, "name": "cat", "supercategory": "animal"},
  {"id": 5, "name": "dog", "supercategory": "animal"}
 ]}
"""
XML = """<annotation>
  <filename>{0}.jpg</filename>
  <size><width>640</width><height>480</height><depth>3</depth></size>{1}
</annotation>
"""
OBJECT = """
  <object>
    <name>{}</name>
    <pose>Left</pose>
    <difficult>0</difficult>
    <bndbox>
      <xmin>1</xmin>
      <ymin>2</ymin>
      <xmax>30</xmax>
      <ymax>40</ymax>
    </bndbox>
  </object>"""
CSV = ("file;x1;y1;x2;y2;label;width;height;note\r\na.jpg;1,5;2;30;40;cat;640;480;x\r\nb.jpg;;;;;;640;480;\r\n"
       "a.jpg;1;2;3;4;dog;640;480;")
YAML = "train: images\nnc: 2\nnames:\n  - cat\n  - dog  # last\nextra: 1\n"
ADD = {"action": "add-box", "image": "a.jpg", "text": "dog", "x_min": 16.0, "y_min": 12.5, "x_max": 48.0, "y_max": 36.25}


def make(name: str, root: Path) -> tuple[Path, str]:
    """Write a small set; return its root and the prefix of its images."""
    if name == "coco":
        write(root, "set.json", COCO)
        return root, ""
    if name == "voc":
        write(root, "Annotations/a.xml", XML.format("a", OBJECT.format("cat") + OBJECT.format("dog")))
        write(root, "Annotations/b.xml", XML.format("b", ""))
        for image in "ab":
            write(root, f"JPEGImages/{image}.jpg", b"image")
        return root, "JPEGImages/"
    if name == "yolo":
        write(root, "data.yaml", YAML)
        write(root, "labels/a.txt", "0 0.5 0.5 0.1 0.1\n1 0.25 0.25 0.125 0.125")
        for image in "ab":
            write(root, f"images/{image}.jpg", b"image")
        return root, "images/"
    return write(root, "set.csv", CSV), ""


def added(name: str, root: Path, to: Path, *changes: dict[str, Any]) -> tuple[Read, Read]:
    start, prefix = make(name, root)
    changes = tuple({**c, "image": prefix + c["image"]} if "image" in c else c for c in changes)
    return Read(name, start), Read(name, rewritten(name, start, to, *changes))


def of(read: Read) -> list[tuple[Any, ...]]:
    """Return image, class and box in px of every annotation."""
    scale = (640.0, 480.0, 640.0, 480.0) if read.info.box_units == "fraction" else (1.0,) * 4
    paths = dict(enumerate(read.paths()))
    boxes = [tuple(round(v * s, 6) for v, s in zip(b, scale, strict=True)) for b in read.boxes()]
    return sorted((paths[k], c, *b) for k, c, b in zip(read.annotations["image_row"], read.names(), boxes, strict=True))


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
@pytest.mark.parametrize("image", ["a.jpg", "b.jpg"])
def test_a_box_is_added_and_all_else_stays(tmp_path: Path, name: str, image: str) -> None:
    before, after = added(name, tmp_path / "set", tmp_path / "to", {**ADD, "image": image})
    old, new = of(before), of(after)
    path = next(p for p in before.paths() if p.endswith(image))
    assert sorted([*old, (path, "dog", 16.0, 12.5, 48.0, 36.25)]) == new
    assert not len(after.problems[after.problems["kind"] != "missing-label"])


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
@given(boxes=st.lists(st.tuples(st.sampled_from(["a.jpg", "b.jpg"]), st.sampled_from(["cat", "dog"]), st.integers(0, 300),
                                st.integers(0, 200), st.integers(1, 300), st.integers(1, 200)), min_size=1, max_size=5,
                      unique=True))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_boxes_are_added(tmp_path: Path, name: str, boxes: list[Any]) -> None:
    changes = [{"action": "add-box", "image": i, "text": c, "x_min": x, "y_min": y, "x_max": x + w, "y_max": y + h}
               for i, c, x, y, w, h in boxes]
    before, after = added(name, tmp_path / "set", tmp_path / "to", *changes)
    prefix = next(p for p in before.paths() if p.endswith("a.jpg")).removesuffix("a.jpg")
    assert of(after) == sorted([*of(before), *((prefix + i, c, x, y, x + w, y + h) for i, c, x, y, w, h in boxes)])


def test_new_coco_records_look_like_their_neighbours(tmp_path: Path) -> None:
    root, _ = make("coco", tmp_path / "set")
    new = patches("coco", root, ADD, {"action": "add-category", "category": "fish"}, {**ADD, "text": "fish", "x_min": 0.1})
    gone, came = lines_lost(COCO.encode(), new["set.json"] or b"")
    assert [g.decode().strip() for g in gone] == [
        '{"bbox": [10, 20, 30, 40], "id": 2, "category_id": 5, "image_id": 9, "iscrowd": 0, "track": 6}',
        '{"id": 5, "name": "dog", "supercategory": "animal"}']
    assert [c.decode().strip().rstrip(",") for c in came] == [
        '{"bbox": [10, 20, 30, 40], "id": 2, "category_id": 5, "image_id": 9, "iscrowd": 0, "track": 6}',
        '{"bbox": [16, 12.5, 32, 23.75], "id": 5, "category_id": 5, "image_id": 7, "iscrowd": 0}',
        '{"bbox": [0.1, 12.5, 47.9, 23.75], "id": 6, "category_id": 6, "image_id": 7, "iscrowd": 0}',
        '{"id": 5, "name": "dog", "supercategory": "animal"}', '{"id": 6, "name": "fish"}']


def test_boxes_are_added_where_all_others_go(tmp_path: Path) -> None:
    root, _ = make("coco", tmp_path / "set")
    drops = [{"action": "drop-annotation", "source": "set.json", "index": k} for k in (0, 1)]
    to = rewritten("coco", root, tmp_path / "to", *drops, ADD, {**ADD, "image": "b.jpg"})
    assert [row[1] for row in of(Read("coco", to))] == ["dog", "dog"]
    assert [a["id"] for a in json.loads((to / "set.json").read_text())["annotations"]] == [5, 6]
    empty = write(tmp_path / "empty", "set.json", '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": '
                                                  '[{"id": 1, "name": "dog"}]}').parent
    (made,) = json.loads(patches("coco", empty, ADD)["set.json"] or b"")["annotations"]
    assert made == {"id": 1, "image_id": 1, "category_id": 1, "bbox": [16, 12.5, 32, 23.75], "area": 760}


def test_new_voc_objects_look_like_their_neighbours(tmp_path: Path) -> None:
    root, _ = make("voc", tmp_path / "set")
    found = patches("voc", root, {**ADD, "image": "JPEGImages/a.jpg", "text": "R&D"}, {"action": "add-category", "category": "R&D"})
    gone, came = lines_lost((root / "Annotations/a.xml").read_bytes(), found["Annotations/a.xml"] or b"")
    assert gone == []
    text = OBJECT.format("R&amp;D").replace("Left", "Unspecified")
    for old, new in ((">1<", ">16<"), (">2<", ">12.5<"), (">30<", ">48<"), (">40<", ">36.25<")):
        text = text.replace(old, new)
    assert b"".join(came).decode() == text[1:] + "\n"


@pytest.mark.parametrize("base", [0, 1])
def test_new_voc_boxes_are_written_as_the_set_counts_pixels(tmp_path: Path, base: Literal[0, 1]) -> None:
    root, _ = make("voc", tmp_path / "set")
    options = Options(base=base)
    to = rewritten("voc", root, tmp_path / "to", {**ADD, "image": "JPEGImages/b.jpg"}, options=options)
    text = (to / "Annotations/b.xml").read_text()
    assert [re.findall(rf"<{e}>(.*)</{e}>", text) for e in ("xmin", "ymin", "xmax", "ymax")] == [
        [f"{16 + base}"], [f"{12.5 + base}"], ["48"], ["36.25"]]
    assert of(Read("voc", to, options))[-1] == ("JPEGImages/b.jpg", "dog", 16.0, 12.5, 48.0, 36.25)


def test_new_coco_ids_are_none_that_another_edit_gives(tmp_path: Path) -> None:
    root, _ = make("coco", tmp_path / "set")
    give = {"action": "set-annotation-id", "source": "set.json", "index": 0, "text": "5"}
    made = json.loads(patches("coco", root, give, ADD)["set.json"] or b"")["annotations"]
    assert [a["id"] for a in made] == [5, 2, 6]


def test_new_yolo_boxes_follow_their_class_when_others_go(tmp_path: Path) -> None:
    root, _ = make("yolo", tmp_path / "set")
    drop = {"action": "drop-category", "category": "cat"}
    found = patches("yolo", root, drop, {**ADD, "image": "images/a.jpg"})
    assert [row.split()[0] for row in (found["labels/a.txt"] or b"").splitlines()] == [b"0", b"0"]  # dog was 1


def test_new_yolo_rows_and_names(tmp_path: Path) -> None:
    root, _ = make("yolo", tmp_path / "set")
    found = patches("yolo", root, {"action": "add-category", "category": "no"}, {**ADD, "image": "images/a.jpg", "text": "no"},
                    {**ADD, "image": "images/b.jpg"})
    assert (found["labels/a.txt"] or b"").splitlines()[2] == b"2 0.05 0.05078125 0.05 0.049479166666666664"
    assert (found["labels/b.txt"] or b"").startswith(b"1 0.05 ")
    document = yaml.safe_load(found["data.yaml"] or b"")
    assert document["names"] == ["cat", "dog", "no"]
    assert document["nc"] == 3
    assert (found["data.yaml"] or b"").decode() == YAML.replace("nc: 2", "nc: 3").replace("# last\n", "# last\n  - 'no'\n")


@pytest.mark.parametrize(("names", "expected"), [
    ("names: [cat, dog]\n", "names: [cat, dog, fish]\n"), ("names:\n  0: cat\n  1: dog", "names:\n  0: cat\n  1: dog\n  2: fish"),
    ("names: {0: cat, 1: dog}\n", "names: {0: cat, 1: dog, 2: fish}\n"),
    ('names: ["cat", "dog"]\n', 'names: ["cat", "dog", "fish"]\n')])
def test_names_in_every_form_of_yaml(tmp_path: Path, names: str, expected: str) -> None:
    root, _ = make("yolo", tmp_path / "set")
    write(root, "data.yaml", "train: images\n" + names)
    found = patches("yolo", root, {"action": "add-category", "category": "fish"})
    assert (found["data.yaml"] or b"").decode() == "train: images\n" + expected


def test_keypoints_and_polygons_get_rows_of_their_kind(tmp_path: Path) -> None:
    root, _ = make("yolo", tmp_path / "set")
    write(root, "data.yaml", YAML + "kpt_shape: [2, 3]\n")
    write(root, "labels/a.txt", "0 0.5 0.5 0.1 0.1 0.5 0.5 2 0.5 0.5 2\n")
    found = patches("yolo", root, {**ADD, "image": "images/a.jpg"})
    assert len((found["labels/a.txt"] or b"").splitlines()[1].split()) == 11
    write(root, "data.yaml", YAML)
    write(root, "labels/a.txt", "0 0.5 0.5 0.6 0.5 0.6 0.6\n")
    found = patches("yolo", root, {**ADD, "image": "images/a.jpg"})
    assert len((found["labels/a.txt"] or b"").splitlines()[1].split()) == 9


def test_new_rows_of_tables(tmp_path: Path) -> None:
    file, _ = make("table", tmp_path / "set")
    (new,) = patches("table", file, ADD, {**ADD, "image": "b.jpg"}).values()
    assert (new or b"").decode().split("\r\n")[2:] == [
        "b.jpg;16;12.5;48;36.25;dog;640;480;", "a.jpg;1;2;3;4;dog;640;480;", "a.jpg;16;12.5;48;36.25;dog;640;480;"]


@pytest.mark.parametrize("name", ["coco", "voc"])
def test_mark_as_crowd(tmp_path: Path, name: str) -> None:
    root, _ = make(name, tmp_path / "set")
    source = "set.json" if name == "coco" else "Annotations/a.xml"
    read = Read(name, rewritten(name, root, tmp_path / "to", {"action": "mark-as-crowd", "source": source, "index": 1}))
    flags = read.annotations["is_crowd" if name == "coco" else "is_ignored"].tolist()
    assert flags == [False, True]


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
@pytest.mark.parametrize(("change", "told"), [
    ({"image": "none.jpg"}, "no "), ({"text": "dgo"}, "did you mean 'dog'"), ({"text": None}, "names no category"),
    ({"x_max": 10.0}, "no area"), ({"x_max": float("nan")}, "no finite number")])
def test_what_cannot_be_added_is_told(tmp_path: Path, name: str, change: dict[str, Any], told: str) -> None:
    root, prefix = make(name, tmp_path / "set")
    wrong = {**ADD, "image": prefix + ADD["image"], **change}
    with pytest.raises(UserError, match=told):
        patches(name, root, wrong)
    with pytest.raises(UserError, match="another edit drops the image"):
        patches(name, root, {**ADD, "image": prefix + "a.jpg"}, {"action": "drop-image", "image": prefix + "a.jpg"})


@pytest.mark.parametrize(("name", "action"), [("yolo", "mark-as-crowd"), ("table", "mark-as-crowd")])
def test_formats_without_a_place_refuse(tmp_path: Path, name: str, action: str) -> None:
    root, _ = make(name, tmp_path / "set")
    with pytest.raises(UserError, match="no place for that"):
        patches(name, root, {"action": action, "source": "labels/a.txt" if name == "yolo" else "set.csv", "index": 0, **FRAME})


def test_every_box_that_is_added_to_one_image_of_json_is_there(tmp_path: Path) -> None:
    write(tmp_path / "set", "_annotations.createml.json", json.dumps([{"image": "a.jpg", "annotations": [
        {"label": "dog", "coordinates": {"x": 10, "y": 20, "width": 4, "height": 6}}]}, {"image": "b.jpg", "annotations": []}]))
    changes = [{**ADD, "x_max": x, "image": i} for i, x in (("a.jpg", 48.0), ("b.jpg", 50.0), ("a.jpg", 52.0))]
    to = rewritten("createml", tmp_path / "set", tmp_path / "to", *changes)
    assert of(Read("createml", to)) == [
        ("a.jpg", "dog", 8, 17, 12, 23), ("a.jpg", "dog", 16, 12.5, 48, 36.25), ("a.jpg", "dog", 16, 12.5, 52, 36.25),
        ("b.jpg", "dog", 16, 12.5, 50, 36.25)]

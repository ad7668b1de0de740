"""KITTI, VisDrone, DOTA, MOT and WIDER FACE: rows of text, their conventions, and rows that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from formats.reading import Read, detected, put

KITTI = "Car 0.5 1 -1.5 10 20 30.5 40 1.5 1.6 3.7 1 2 3 0.1\n"
TAIL = "-1 -1 -1 -1000 -1000 -1000 -10"


def test_kitti(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "training/label_2/000001.txt": f"{KITTI}DontCare -1 -1 -10 1 2 3 4 {TAIL}\n\nCar 0 0 0 1 2 3\n"
                                       f"tram car 0 0 0 1 2 3 x {TAIL}\ntram car 0 0 0 1 2 3 4 {TAIL} 0.75\n",
        "training/label_2/000002.txt": "", "training/image_2/000001.png": "", "training/image_2/000002.png": "",
        "training/image_2/000003.png": "", "readme.txt": "KITTI"})
    assert detected(root) == "kitti"
    read = Read("kitti", root)
    assert read.images["path"].tolist() == [f"training/image_2/00000{k}.png" for k in (1, 2)] + ["training/image_2/000003.png"]
    assert read.images["split"].tolist() == ["train"] * 3
    assert read.boxes() == [("training/image_2/000001.png", "Car", 10, 20, 30.5, 40),
                            ("training/image_2/000001.png", "DontCare", 1, 2, 3, 4),
                            ("training/image_2/000001.png", "tram car", 1, 2, 3, 4)]
    assert read.ignored() == [False, True, False]
    assert read.annotations["index"].tolist() == [0, 1, 4]
    assert read.annotations["line"].tolist() == [1, 2, 6]
    said = [json.loads(v) for v in read.annotations["attributes"]]
    assert said[0] == {"truncated": 0.5, "occluded": 1, "alpha": -1.5, "dimensions": [1.5, 1.6, 3.7], "location": [1, 2, 3],
                       "rotation_y": 0.1}
    assert said[2]["score"] == 0.75
    source = "training/label_2/000001.txt"
    assert read.faults() == [(source, 4, 2, "has 7 fields, a row has 15, or 16 with a score"),
                             (source, 5, 3, "'x' is not a number")]
    assert [p.image for p in read.info.problems] == ["training/image_2/000003.png"]


def test_visdrone(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "VisDrone2019-DET-train/annotations/a.txt": "684,8,273,116,0,0,0,0,\n1,2,3,4,1,4,1,2\n1,2,3,4,1,11,0,0\n1,2,3,4,0,5,0,0\n",
        "VisDrone2019-DET-train/images/a.jpg": "",
        "VisDrone2019-DET-val/annotations/b.txt": "1,2,3,4,1,12,0,0\n1,2,3,4,1,4\n1,2,x,4,1,4,0,0\n",
        "VisDrone2019-DET-val/images/b.jpg": ""})
    assert detected(root) == "visdrone"
    read = Read("visdrone", root)
    a, b = "VisDrone2019-DET-train/images/a.jpg", "VisDrone2019-DET-val/images/b.jpg"
    assert read.boxes() == [(a, "ignored regions", 684, 8, 957, 124), (a, "car", 1, 2, 4, 6), (a, "others", 1, 2, 4, 6),
                            (a, "van", 1, 2, 4, 6), (b, None, 1, 2, 4, 6)]
    assert read.annotations["category_id"].tolist() == [0, 4, 11, 5, 12]
    assert read.ignored() == [True, False, False, True, False]
    assert read.images["split"].tolist() == ["train", "val"]
    assert [f[1:] for f in read.faults()] == [
        (2, 1, "has 6 values, a row has 8 (x,y,w,h,score,category,truncation,occlusion)"), (3, 2, "'x' is not a number")]


def test_dota(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "train/labelTxt/P1.txt": "imagesource:GoogleEarth\ngsd:0.15\n0 0 4 0 4 2 0 2 plane 0\n10 5 15 10 10 15 5 10 ship 1\n"
                                 "0 0 4 0 4 2 0 2 harbor\n0 0 4 0 4 2 plane 0\n", "train/images/P1.png": ""})
    assert detected(root) == "dota"
    read = Read("dota", root)
    p = "train/images/P1.png"
    assert read.boxes() == [(p, "plane", 0, 0, 4, 2), (p, "ship", 5, 5, 15, 15), (p, "harbor", 0, 0, 4, 2)]
    assert read.ignored() == [False, True, False]
    corners = read.annotations[[f"corner_{axis}{k}" for k in range(1, 5) for axis in "xy"]].to_numpy()
    np.testing.assert_array_equal(corners[1], [10, 5, 15, 10, 10, 15, 5, 10])
    assert read.annotations["attributes"].tolist() == [b'{"difficulty":0.0}', b'{"difficulty":1.0}', None]
    assert read.annotations["line"].tolist() == [3, 4, 5]
    assert [f[1:] for f in read.faults()] == [(6, 3, "has 8 fields, a row has 9 or 10 (four corners, class, difficulty)")]


def test_mot(tmp_path: Path) -> None:
    rows = "1,3,11,21,30,40,1,1,0.5\n2,3,1,1,5,5,1,2,1\n2,-1,-3,1,5,5,0,8,1\n3,1,1,1\nx,1,1,1,5,5,1,1,1\n"
    root = put(tmp_path, {"train/A/gt/gt.txt": rows, "train/A/seqinfo.ini": "[Sequence]\nimDir=img1\nimWidth=100\nimHeight=50\n",
                          **{f"train/A/img1/00000{k}.jpg": "" for k in (1, 2, 3)}, "train/A/det/det.txt": rows,
                          "train/B/gt/gt.txt": "1,7,1,1,5,5\n"})
    assert detected(root) == "mot"
    read = Read("mot", root)
    one, two, other = "train/A/img1/000001.jpg", "train/A/img1/000002.jpg", "train/B/img1/000001.jpg"
    assert read.images["path"].tolist() == [one, two, "train/A/img1/000003.jpg", other]
    assert read.images["file"].notna().tolist() == [True, True, True, False]
    assert read.images["width"].tolist()[:3] == [100] * 3
    assert read.boxes() == [(one, "pedestrian", 10, 20, 40, 60), (two, "person on vehicle", 0, 0, 5, 5),
                            (two, "distractor", -4, 0, 1, 5), (other, "pedestrian", 0, 0, 5, 5)]
    assert read.ignored() == [False, False, True, False]
    assert read.annotations["track"].tolist() == ["3", "3", None, "7"]
    assert read.annotations["attributes"].tolist()[0] == b'{"visibility":0.5}'
    assert [f[1:3] for f in read.faults()] == [(4, 3), (5, 4)]
    assert Read("mot", root, base=0).boxes()[0] == (one, "pedestrian", 11, 21, 41, 61)


def test_wider_face(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "wider_face_split/wider_face_train_bbx_gt.txt":
            "0--Parade/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n1 2 0 0 2 0 0 1 0 0\n0--Parade/none.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
            "0--Parade/b.jpg\n0\n0--Parade/c.jpg\n2\n5 6 7 8 0 0 0 0 0 0\n5 x 7 8 0 0 0 0 0 0\n0--Parade/d.jpg\nmany\n"
            "0--Parade/e.jpg\n3\n1 1 1 1\n",
        **{f"WIDER_train/images/0--Parade/{n}.jpg": "" for n in ("a", "none", "b", "c", "d", "e")}})
    assert detected(root) == "widerface"
    read = Read("widerface", root)
    assert [p.rpartition("/")[2] for p in read.images["path"]] == ["a.jpg", "none.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert read.images["file"].notna().all()
    assert [b[2:] for b in read.boxes()] == [(1, 2, 4, 6), (1, 2, 1, 2), (5, 6, 12, 14), (1, 1, 2, 2)]
    assert read.ignored() == [False, True, False, False]
    assert read.annotations["line"].tolist() == [3, 4, 12, 18]
    assert json.loads(read.annotations["attributes"][1]) == {
        "blur": 2, "expression": 0, "illumination": 0, "invalid": 1, "occlusion": 0, "pose": 0}
    reasons = [f[3] for f in read.faults()]
    assert reasons == ["'x' is not a number", "the number of faces is expected after the image's name",
                       "an image's name is expected here", "3 faces are announced, 2 fewer are there"]


def test_wider_face_with_the_number_of_images_on_top(tmp_path: Path) -> None:
    root = put(tmp_path, {"faces.txt": "2\na.jpg\n1\n1 2 3 4 0 0 0 0 0 0\nb.jpg\n0\n"})
    assert detected(root) == "widerface"
    assert Read("widerface", root).boxes() == [("a.jpg", "face", 1, 2, 4, 6)]
    assert Read("widerface", root).faults() == []


def test_labels_of_no_image_stay(tmp_path: Path) -> None:
    read = Read("kitti", put(tmp_path, {"label_2/1.txt": KITTI}))
    assert read.boxes() == [("image_2/1.png", "Car", 10, 20, 30.5, 40)]
    assert read.images["file"].tolist() == [None]
    assert not read.info.has_files


def test_sequences_of_visdrone_have_tracks(tmp_path: Path) -> None:
    rows = "1,0,684,8,273,116,1,4,0,0\n2,0,3,4,5,6,1,4,1,2\n2,7,1,2,3,4,0,0,0,0,\n2,8,1,2\n"
    root = put(tmp_path, {"annotations/s1.txt": rows, "sequences/s1/0000001.jpg": "", "sequences/s1/0000002.jpg": ""})
    assert detected(root) == "visdrone"
    read = Read("visdrone", root)
    assert read.boxes() == [("sequences/s1/0000001.jpg", "car", 684, 8, 957, 124), ("sequences/s1/0000002.jpg", "car", 3, 4, 8, 10),
                            ("sequences/s1/0000002.jpg", "ignored regions", 1, 2, 4, 6)]
    assert read.annotations["track"].tolist() == ["0", "0", "7"]
    assert read.ignored() == [False, False, True]
    assert [f[1:3] for f in read.faults()] == [(4, 3)]


def test_rows_of_kitti_without_line_ends_between_them(tmp_path: Path) -> None:
    row = KITTI.strip()
    root = put(tmp_path, {
        "label_2/1.txt": f"{row}{row}{row}\n{row}\n", "label_2/2.txt": f"0 1 {row}\n{row} 1 2 3\n{row} 0.5{row}\n",
        "image_2/1.png": "", "image_2/2.png": ""})
    assert detected(root) == "kitti"
    read = Read("kitti", root)
    assert read.annotations["category"].tolist() == ["Car"]
    other = "a row has 15 fields, or 16 with a score (rows of KITTI's tracking are not read)"
    assert read.faults() == [
        ("label_2/1.txt", 1, 0, "has 43 fields, a row has 15, or 16 with a score: are several rows on one line?"),
        ("label_2/2.txt", 1, 0, f"has 17 fields and numbers in its type '0 1 Car'; {other}"),
        ("label_2/2.txt", 2, 1, f"has 18 fields and numbers in its type 'Car 0.5 1'; {other}"),
        ("label_2/2.txt", 3, 2, "has 30 fields, a row has 15, or 16 with a score: are several rows on one line?")]
    assert detected(put(tmp_path / "scored", {"label_2/1.txt": f"{row} 0.5{row} 0.5"})) == "kitti"


@pytest.mark.parametrize(("name", "path", "row"), [
    ("kitti", "label_2/1.txt", KITTI.strip()),
    ("kitti", "label_2/1.txt", f"{KITTI.strip()} 0.5"),
    ("dota", "labelTxt/1.txt", "0 0 4 0 4 2 0 2 plane 0"),
    ("dota", "labelTxt/1.txt", "0 0 4 0 4 2 0 2 plane"),
    ("visdrone", "annotations/1.txt", "1,2,3,4,1,4,1,0"),
    ("visdrone", "annotations/1.txt", "1,2,3,4,1,4,1,0,"),
    ("visdrone", "annotations/s1.txt", "1,0,3,4,5,6,1,4,0,0"),
    ("mot", "A/gt/gt.txt", "1,3,11,21,30,40,1,1,0.5"),
    ("mot", "A/gt/gt.txt", "1,3,11,21,30,40"),
    ("yolo", "labels/1.txt", "0 0.5 0.5 0.2 0.2 ")])
def test_two_rows_on_one_line_are_a_fault(tmp_path: Path, name: str, path: str, row: str) -> None:
    read = Read(name, put(tmp_path, {path: f"{row}\n{row}\n{row}\n{row}{row}\n"} | (
        {"sequences/s1/0000001.jpg": ""} if "s1" in path else {})))
    assert len(read.annotations) == 3
    assert [f[:3] for f in read.faults()] == [(path, 4, 3)]
    assert read.annotations["category"].nunique() == 1


@pytest.mark.parametrize("row", ["1 2 3 4 0 0 0 0 0 0", "1 2 3 4"])
def test_two_faces_on_one_line_are_a_fault(tmp_path: Path, row: str) -> None:
    read = Read("widerface", put(tmp_path, {"faces.txt": f"a.jpg\n3\n{row}\n{row}{row}\n{row}\n"}))
    assert len(read.annotations) == 2
    assert [f[:3] for f in read.faults()] == [("faces.txt", 4, 1)]


def test_two_boxes_of_yolo_on_one_line_are_told_as_a_mixture(tmp_path: Path) -> None:
    row = "0 0.5 0.5 0.2 0.2"
    read = Read("yolo", put(tmp_path, {"labels/1.txt": f"{row}\n{row}{row}\n{row}\n"}))  # 9 numbers are a polygon's as well
    assert read.problems["kind"].tolist() == ["mixed-row-kinds"]

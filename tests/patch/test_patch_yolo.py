"""Edits of YOLO sets: rows, lists and class names change where edits say; other text and line ends stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import Read, patches, rewritten, write

from dsinspect.errors import UserError

LABEL = "labels/train/a.txt"
AT = {"source": LABEL}
IMAGE = "images/train/a.jpg"
ROWS = "0 0.500000 0.5 0.20 4e-1\n\n2  0.1\t0.2 0.1 0.100 0.987654 \n1 0.1 0.1 0.5 0.1 0.5 0.5\n0.0 0.25 0.25 0.5 0.5"
YAML = """# made by hand
path: .
train: images/train   # the folder
val: val.txt
nc: 3
names: ['cat', "dog" , fish]  # three
"""
BLOCK = "names:\n  # first\n  - cat # c\n  - 'dog'\n  - fish\n"
MAPPING = "names:\n  0: cat # c\n  1: 'dog'\n  2: fish\n"


def make(folder: Path, rows: str = ROWS, config: str = YAML) -> Path:
    write(folder, "data.yaml", config)
    write(folder, LABEL, rows)
    write(folder, IMAGE, b"image")
    for name in "bc":
        write(folder, f"images/val/{name}.jpg", b"image")
        write(folder, f"labels/val/{name}.txt", f"{'012'['abc'.index(name)]} 0.5 0.5 0.1 0.1\n")
    write(folder, "val.txt", "./images/val/b.jpg\r\n# no image\r\nimages/val/c.jpg")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "set")


def row(root: Path, *changes: dict[str, Any], source: str = LABEL) -> str:
    found = patches("yolo", root, *changes)
    assert list(found) == [source]
    return (found[source] or b"").decode()


def box(index: int, *px: float) -> dict[str, Any]:
    return {"action": "set-box", **AT, "index": index, **dict(zip(("x_min", "y_min", "x_max", "y_max"), px, strict=True))}


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-category", **AT, "index": 1, "text": "cat"}, "2  0.1\t", "0  0.1\t"),
    ({"action": "set-category", **AT, "index": 3, "text": "dog"}, "0.0 0.25", "1 0.25"),
    (box(0, 256, 0, 384, 480), "0.500000 0.5 0.20 4e-1", "0.500000 0.5 0.20 1.0"),
    (box(1, 32, 72, 64, 120), "0.1\t0.2 0.1 0.100 0.987654 ", "0.07500000000000001\t0.2 0.05 0.100 0.987654 "),
    (box(2, 64, 48, 192, 240), "0.1 0.1 0.5 0.1 0.5 0.5", "0.1 0.1 0.3 0.1 0.3 0.5"),
    ({"action": "drop-polygon", **AT, "index": 2}, "0.1 0.1 0.5 0.1 0.5 0.5", "0.3 0.3 0.4 0.4"),
    ({"action": "drop-annotation", **AT, "index": 0}, "0 0.500000 0.5 0.20 4e-1\n", ""),
    ({"action": "drop-annotation", **AT, "index": 3}, "\n0.0 0.25 0.25 0.5 0.5", ""),
])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_one_value_changes(tmp_path: Path, change: dict[str, Any], old: str, new: str, ends: str) -> None:
    rows = ROWS.replace("\n", ends)
    root = make(tmp_path / "set", rows)
    old = old.replace("\n", ends)
    assert old in rows
    assert row(root, change) == rows.replace(old, new, 1)


def test_box_reads_back(root: Path, tmp_path: Path) -> None:
    to = rewritten("yolo", root, tmp_path / "to", box(0, 10.3, 20.7, 300.1, 401.9))
    now = np.array(Read("yolo", to).boxes()[0]) * [640, 480, 640, 480]
    assert np.abs(now - [10.3, 20.7, 300.1, 401.9]).max() < 1e-9


def test_a_polygon_that_would_grow_is_refused_unless_it_becomes_a_box(root: Path) -> None:
    with pytest.raises(UserError, match=r"a\.txt, record 2: the row is a polygon"):
        patches("yolo", root, box(2, 0, 0, 640, 480))
    assert "\n1 0.5 0.5 1.0 1.0\n" in row(root, box(2, 0, 0, 640, 480), {"action": "drop-polygon", **AT, "index": 2})


def test_pose_rows_keep_their_keypoints(tmp_path: Path) -> None:
    root = make(tmp_path / "set", "0 0.5 0.5 0.2 0.2 0.1 0.2 2 0.30 0.4 1\n", YAML + "kpt_shape: [2, 3]\n")
    assert row(root, box(0, 0, 192, 640, 288)) == "0 0.5 0.5 1.0 0.2 0.1 0.2 2 0.30 0.4 1\n"


def test_drop_image_takes_the_label_and_the_line(root: Path) -> None:
    assert patches("yolo", root, {"action": "drop-image", "image": IMAGE}) == {LABEL: None}
    assert patches("yolo", root, {"action": "drop-image", "image": "images/val/c.jpg"}) == {
        "labels/val/c.txt": None, "val.txt": b"./images/val/b.jpg\r\n# no image"}


def test_set_path_changes_the_line_of_the_list(root: Path) -> None:
    assert patches("yolo", root, {"action": "set-path", "image": "images/val/b.jpg", "text": "ä.jpg"}) == {
        "val.txt": "ä.jpg\r\n# no image\r\nimages/val/c.jpg".encode()}
    with pytest.raises(UserError, match="no list names the image"):
        patches("yolo", root, {"action": "set-path", "image": IMAGE, "text": "z.jpg"})
    windows = write(root, "val.txt", "images\\val\\b.jpg\n").parent
    assert patches("yolo", windows, {"action": "set-path", "image": "images/val/b.jpg"}) == {"val.txt": b"images/val/b.jpg\n"}


@pytest.mark.parametrize(("names", "renamed", "dropped"), [
    ('names: [\'cat\', "dog" , fish]  # three\n', 'names: [\'lynx\', "a: b" , \'on\']  # three\n',
     "names: ['cat' , fish]  # three\n"),
    (BLOCK, BLOCK.replace("cat", "lynx").replace("'dog'", "'a: b'").replace("fish", "'on'"), BLOCK.replace("  - 'dog'\n", "")),
    (MAPPING, MAPPING.replace("cat", "lynx").replace("'dog'", "'a: b'").replace("fish", "'on'"),
     MAPPING.replace("  1: 'dog'\n", "").replace("2:", "1:")),
    ("names: {0: cat, 1: dog, 2: fish}", "names: {0: lynx, 1: 'a: b', 2: 'on'}", "names: {0: cat, 1: fish}"),
])
def test_names_change_where_they_stand(tmp_path: Path, names: str, renamed: str, dropped: str) -> None:
    config = YAML[:YAML.index("names")] + names
    root = make(tmp_path / "set", config=config)
    new = patches("yolo", root, *({"action": "rename-category", "category": a, "text": b}
                                  for a, b in (("cat", "lynx"), ("dog", "a: b"), ("fish", "on"))))
    assert {k: (v or b"").decode() for k, v in new.items()} == {"data.yaml": config.replace(names, renamed)}
    gone = patches("yolo", root, {"action": "drop-category", "category": "dog"})
    assert (gone["data.yaml"] or b"").decode() == config.replace(names, dropped).replace("nc: 3", "nc: 2")
    assert yaml.safe_load(gone["data.yaml"] or b"")["nc"] == 2
    assert gone["labels/val/b.txt"] == b""
    assert gone["labels/val/c.txt"] == b"1 0.5 0.5 0.1 0.1\n"


def test_merging_moves_rows_and_the_numbers_after_them(root: Path, tmp_path: Path) -> None:
    before = Read("yolo", root)
    to = Read("yolo", rewritten("yolo", root, tmp_path / "to", {"action": "merge-category", "category": "cat", "text": "fish"}))
    assert to.names() == ["fish" if n == "cat" else n for n in before.names()]
    assert to.boxes() == before.boxes()
    assert [(c.category_id, c.name) for c in to.info.categories] == [(0, "dog"), (1, "fish")]


def test_darknet_names_and_count(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write(root, "obj.data", "classes = 3\ntrain = train.txt\nnames = obj.names\n")
    write(root, "obj.names", "cat\r\n\r\ndog\r\nfish\r\n")
    write(root, "train.txt", "a.jpg\n")
    write(root, "a.jpg", b"image")
    write(root, "a.txt", "2 .5 .5 .1 .1\n")
    assert patches("yolo", root, {"action": "drop-category", "category": "dog"},
                   {"action": "rename-category", "category": "fish", "text": "Fisch"}) == {
        "obj.data": b"classes = 2\ntrain = train.txt\nnames = obj.names\n", "obj.names": b"cat\r\n\r\nFisch\r\n",
        "a.txt": b"1 .5 .5 .1 .1\n"}


def test_class_numbers_stand_for_names_where_there_are_none(tmp_path: Path) -> None:
    root = write(tmp_path / "set", "labels/a.txt", "7 .5 .5 .1 .1\n3 .5 .5 .1 .1\n").parent.parent
    write(root, "images/a.jpg", b"image")
    assert patches("yolo", root, {"action": "merge-category", "category": "7", "text": "3"}) == {
        "labels/a.txt": b"3 .5 .5 .1 .1\n3 .5 .5 .1 .1\n"}
    with pytest.raises(UserError, match="the set holds no class names"):
        patches("yolo", root, {"action": "rename-category", "category": "7", "text": "x"})


def test_edits_combine_and_dropping_wins(root: Path) -> None:
    changes = [box(0, 256, 0, 384, 480), {"action": "set-category", **AT, "index": 0, "text": "fish"}, box(1, 0, 0, 1, 1),
               {"action": "drop-annotation", **AT, "index": 1}]
    assert row(root, *changes) == row(root, *changes[::-1])
    assert row(root, *changes) == ROWS.replace("0 0.500000 0.5 0.20 4e-1", "2 0.500000 0.5 0.20 1.0").replace(
        "2  0.1\t0.2 0.1 0.100 0.987654 \n", "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_the_encoding_stays_unless_asked(tmp_path: Path, encoding: str) -> None:
    rows = ROWS + "\n猫和狗的图片 1 2 3 4\n"
    root = make(tmp_path / "set", rows)
    write(root, LABEL, rows.encode(encoding))
    change = {"action": "drop-annotation", **AT, "index": 0}
    assert patches("yolo", root, change) == {LABEL: rows[rows.index("\n") + 1:].encode(encoding)}
    assert patches("yolo", root, {"action": "rewrite-utf8", **AT}) == {LABEL: rows.encode()}
    assert row(root, {"action": "drop-record", **AT, "index": 4}, {"action": "rewrite-utf8", **AT}) == ROWS + "\n"


@pytest.mark.parametrize(("change", "says"), [
    ({"action": "drop-annotation", **AT, "index": 4}, "a.txt, record 4: no such row that can be read; the file has 4"),
    ({"action": "drop-annotation", "source": "z.txt", "index": 0}, "no such label file"),
    ({"action": "set-area", **AT, "index": 0, "text": "3"}, "the yolo format has no place for that"),
    ({"action": "set-field", "text": "area"}, "the yolo format has no place for that"),
    ({"action": "set-image-size", "image": IMAGE, "text": "3x4"}, "the yolo format has no place for that"),
    ({"action": "set-category", **AT, "index": 0, "text": "dgo"}, "no category 'dgo'"),
    ({"action": "drop-image", "image": "z.jpg"}, "drop-image of z.jpg: no such image"),
    ({"action": "rewrite-utf8", "source": "z.txt"}, "no such file"),
    ({**box(0, 1, 2, 3, 4), "frame_width": float("nan")}, "the size of the image is not known"),
])
def test_what_cannot_be_done_is_told(root: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        patches("yolo", root, {"action": "drop-annotation", "source": "labels/val/b.txt", "index": 0}, change)


NUMBER = st.one_of(st.floats(0, 1).map(repr), st.sampled_from(["0.50", ".5", "1", "5e-1", "0.1234567890123456789"]))
GAP = st.sampled_from([" ", "  ", "\t"])


@st.composite
def label_rows(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        n = draw(st.sampled_from([4, 4, 5, 6, 8]))
        lines.append(draw(st.sampled_from(["", " "])) + "".join(
            [draw(st.sampled_from(["0", "1", "2.0"])), *(draw(GAP) + draw(NUMBER) for _ in range(n))]) + draw(
                st.sampled_from(["", " ", "\r"])))
        lines += draw(st.sampled_from([[], [], ["", " "]]))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\r\n"]))


HYPOTHESIS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@HYPOTHESIS
@given(label_rows(), st.data())
def test_drawn_labels(tmp_path_factory: pytest.TempPathFactory, rows: str, data: st.DataObject) -> None:
    root = make(tmp_path_factory.mktemp("drawn"), rows)
    before = Read("yolo", root)
    assert patches("yolo", root, *before.same_again()) == {}
    mine = [r[1:] for r in before.rows("source", "category", "index", "x_min", "y_min", "x_max", "y_max") if r[0] == LABEL]
    dropped = data.draw(st.sets(st.sampled_from([r[1] for r in mine])))
    moved = data.draw(st.sets(st.sampled_from([r[1] for r in mine])))
    new = patches("yolo", root, *({"action": "drop-annotation", **AT, "index": k} for k in dropped),
                  *({"action": "set-category", **AT, "index": k, "text": "dog"} for k in moved)).get(LABEL, rows.encode())
    assert new is not None
    now = Read("yolo", make(tmp_path_factory.mktemp("to"), new.decode()))
    assert [r for r in now.rows("category", "x_min", "y_min", "x_max", "y_max", "source") if r[5] == LABEL] == [
        ("dog" if r[1] in moved else r[0], *r[2:], LABEL) for r in mine if r[1] not in dropped]

    def values(text: str) -> set[str]:  # the last line may lose its end with the one after it
        return {line.rstrip("\r").split(None, 1)[1] for line in text.split("\n") if line.split()}

    assert values(new.decode()) <= values(rows)


def test_the_sixth_number_goes_and_all_else_stays(tmp_path: Path) -> None:
    rows = "0 0.5 0.5 0.2 0.4\r\n\r\n2  0.1\t0.2 0.1 0.100 0.987654 \r\n 1 0.1 0.2 0.3 0.4 7"
    assert row(make(tmp_path / "set", rows), {"action": "drop-extra-columns", **AT}) == (
        "0 0.5 0.5 0.2 0.4\r\n\r\n2  0.1\t0.2 0.1 0.100 \r\n 1 0.1 0.2 0.3 0.4")
    polygons = make(tmp_path / "polygons", "1 0.1 0.1 0.5 0.1 0.5 0.5\n0 0.5 0.5 0.2 0.4 0.9\n")
    assert row(polygons, {"action": "drop-extra-columns", **AT}) == "1 0.1 0.1 0.5 0.1 0.5 0.5\n0 0.5 0.5 0.2 0.4\n"

"""Reading YOLO sets: every shape of configuration and layout, rows of every kind, and what is wrong with them."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from formats import reading
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.errors import UserError
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import Problem
from dsinspect_formats.yolo._labels import LabelFile, read_labels, read_lines
from dsinspect_formats.yolo.format import Yolo

ROW = "0 0.5 0.5 0.2 0.4\n"


def put(root: Path, **files: str | bytes) -> Path:
    """Write files; `__` in a name is a slash, `_DOT_` a dot."""
    for name, content in files.items():
        write(root, name.replace("__", "/").replace("_DOT_", "."), content)
    return root


def write(root: Path, name: str, content: str | bytes = b"image") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(root: Path, columns: tuple[str, ...] = (), size: int = 2, **request: Any) -> tuple[
        DatasetInfo, pd.DataFrame, pd.DataFrame, list[Problem]]:
    source = Yolo().open(OpenRequest(root, columns=frozenset(columns), **request))
    shards = [pickle.loads(pickle.dumps(ref)).load() for ref in source.shards(size)]
    told = [Problem(**{str(k): v for k, v in row.items()}) for s in shards for row in s.problems.to_dict("records")]
    return (source.info, pd.concat([s.images for s in shards], ignore_index=True),
            pd.concat([s.annotations for s in shards], ignore_index=True), [*source.info.problems, *told])


def kinds(problems: list[Problem]) -> list[str]:
    return [p.kind for p in problems]


def ultralytics(root: Path, yaml: str = "names: [cat, dog]\ntrain: images/train\nval: images/val\n") -> Path:
    write(root, "data.yaml", yaml)
    for split, name in (("train", "a"), ("train", "b"), ("val", "c")):
        write(root, f"images/{split}/{name}.jpg")
        write(root, f"labels/{split}/{name}.txt", ROW)
    return root


def test_ultralytics_layout(tmp_path: Path) -> None:
    info, images, annotations, problems = read(ultralytics(tmp_path))
    assert problems == []
    assert info.splits == ("train", "val")
    assert [(c.category_id, c.name) for c in info.categories] == [(0, "cat"), (1, "dog")]
    assert info.box_units == "fraction"
    assert images["path"].tolist() == ["images/train/a.jpg", "images/train/b.jpg", "images/val/c.jpg"]
    assert images["split"].tolist() == ["train", "train", "val"]
    assert images["source"].tolist() == ["labels/train/a.txt", "labels/train/b.txt", "labels/val/c.txt"]
    assert all(Path(f).is_file() for f in images["file"])
    assert annotations["category"].tolist() == ["cat"] * 3
    assert annotations[["x_min", "y_min", "x_max", "y_max"]].to_numpy() == pytest.approx(np.array([[0.4, 0.3, 0.6, 0.7]] * 3))
    assert annotations["line"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("yaml", [
    "names: {0: cat, 1: dog}\ntrain: images/train\nval: images/val\n",
    "names:\n- cat\n- dog\nnc: 2\ntrain: ./images/train/\nval: [images/val]\n",
    "names: [cat, dog]\npath: .\ntrain: images/train\nval: images/val\n",
    "names: [cat, dog]\npath: /nowhere/at/all\ntrain: images/train\nval: images/val\n",
    "names: [cat, dog]\npath: datasets/gone\ntrain: images/train\nval: images/val\ntest:  # none\n",
    "names: [cat, dog]\npath: {root}\ntrain: images/train\nval: images/val\n",
    "names: [cat, dog]\ntrain: {root}/images/train\nval: {root}/images/val\n",
    "names: [cat, dog]\ntrain: ../images/train\nval: ../images/val\n",
    "names: [cat, dog]\ntrain: train.txt\nval: images/val\n",
    "names: [cat, dog]\ntrain: [images/train/a.jpg, images/train/b.jpg]\nval: images/val\n",
    "names: [cat, dog]\r\ntrain: images\\train\r\nval: images\\val\r\n",
    "\ufeffnames: [cat, dog]\ntrain: images/train\nval: images/val\n",
])
def test_every_shape_of_configuration(tmp_path: Path, yaml: str) -> None:
    root = ultralytics(tmp_path, yaml.replace("{root}", str(tmp_path)))
    write(root, "train.txt", "./images/train/a.jpg\n\nimages/train/b.jpg\r\n")
    info, images, annotations, problems = read(root)
    assert Yolo().detect(root)
    assert [p.kind for p in problems if p.kind != "odd-encoding"] == ["unportable-path"] * ("/nowhere" in yaml or "/gone" in yaml)
    assert info.splits == ("train", "val")
    assert images["path"].tolist() == ["images/train/a.jpg", "images/train/b.jpg", "images/val/c.jpg"]
    assert annotations["category"].tolist() == ["cat"] * 3
    assert str(tmp_path) not in repr(images.drop(columns=["file", "declared_path"]).to_dict())


def test_a_set_outside_of_its_configuration_is_not_read_unasked(tmp_path: Path) -> None:
    ultralytics(tmp_path / "sets" / "pets", "")
    config = write(tmp_path, "cfg/pets.yaml", "names: [cat]\npath: ../sets/pets\ntrain: images/train\nval: images/val\n")
    with pytest.raises(UserError, match=r"train: \.\./sets/pets/images/train lies outside of the dataset and is not read "
                                        r"\(--read-outside\)"):
        read(config)
    ultralytics(tmp_path / "mixed", "names: [cat]\ntrain: images/train\nval: ../sets/pets/images/more\n")
    write(tmp_path, "sets/pets/images/more/d.jpg")
    _, images, _, problems = read(tmp_path / "mixed")
    assert {p.split("/")[0] for p in images["path"].tolist()} == {"images"}
    assert [p.kind for p in problems if "--read-outside" in p.reason] == ["bad-class-list"]
    write(tmp_path / "mixed", "list.txt", "../sets/pets/images/train/a.jpg\n../sets/pets/images/train/b.jpg\nimages/val/c.jpg\n")
    write(tmp_path / "mixed", "data.yaml", "names: [cat]\ntrain: list.txt\nval: images/val\n")
    _, images, _, problems = read(tmp_path / "mixed")
    assert not [f for f in images["file"].tolist() if f and "pets" in f]
    assert len([p for p in problems if "--read-outside" in p.reason]) == 1


def test_configuration_named_itself_and_set_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_READ_OUTSIDE", "1")
    ultralytics(tmp_path / "sets" / "pets", "")
    config = write(tmp_path, "cfg/pets.yaml", "names: [cat]\npath: ../sets/pets\ntrain: images/train\nval: images/val\n")
    detection = Yolo().detect(config)
    assert detection
    assert detection.confidence >= 0.9
    info, images, annotations, problems = read(config)
    assert problems == []
    assert images["path"].tolist()[0] == "../sets/pets/images/train/a.jpg"
    assert len(annotations) == 3
    assert info.has_files


def test_roboflow_layout_is_named_as_the_configuration_names_it(tmp_path: Path) -> None:
    write(tmp_path, "data.yaml", "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['x']\n")
    for split in ("train", "valid", "test"):
        write(tmp_path, f"{split}/images/{split}.rf.123.jpg")
        write(tmp_path, f"{split}/labels/{split}.rf.123.txt", ROW)
    info, images, _, problems = read(tmp_path)
    assert problems == []
    assert info.splits == ("train", "val", "test")
    assert images["path"].tolist()[1] == "valid/images/valid.rf.123.jpg"


@pytest.mark.parametrize("layout", ["images+labels", "one folder", "split folders"])
def test_without_configuration(tmp_path: Path, layout: str) -> None:
    image, label = {"images+labels": ("images/a.b.jpg", "labels/a.b.txt"), "one folder": ("a.b.jpg", "a.b.txt"),
                    "split folders": ("train/images/a.b.jpg", "train/labels/a.b.txt")}[layout]
    write(tmp_path, image)
    write(tmp_path, label, ROW)
    write(tmp_path, "classes.txt", "cat\ndog\n")
    assert Yolo().detect(tmp_path)
    info, images, annotations, problems = read(tmp_path)
    assert problems == []
    assert images["path"].tolist() == [image]
    assert annotations["category"].tolist() == ["cat"]
    assert info.splits == (("train",) if layout == "split folders" else ())
    assert [c.name for c in info.categories] == ["cat", "dog"]


def test_names_without_splits_name_the_classes(tmp_path: Path) -> None:
    root = put(tmp_path, data_DOT_yaml="names: [cat]\n", images__a_DOT_jpg="", labels__a_DOT_txt=ROW)
    info, _, annotations, problems = read(root)
    assert Yolo().detect(root)
    assert (problems, annotations["category"].tolist(), info.splits) == ([], ["cat"], ())


def test_plots_beside_a_set_are_no_images_of_it(tmp_path: Path) -> None:
    root = put(tmp_path, images__a_DOT_jpg="", labels__a_DOT_txt=ROW, runs__exp__curve_DOT_png="")
    _, images, _, problems = read(root)
    assert images["path"].tolist() == ["images/a.jpg"]
    assert problems == []


def test_darknet(tmp_path: Path) -> None:
    write(tmp_path, "obj.data", "classes = 2\ntrain  = data/train.txt\nvalid = data/test.txt\nnames = data/obj.names\n"
                                "backup = backup/\n")
    write(tmp_path, "obj.names", "cat\ndog\n")
    write(tmp_path, "train.txt", "data/obj_train_data/2.jpg\ndata/obj_train_data/1.jpg\n")
    write(tmp_path, "test.txt", "data/obj_train_data/3.jpg\n")
    for k in (1, 2, 3):
        write(tmp_path, f"obj_train_data/{k}.txt", ROW)
    write(tmp_path, "obj_train_data/1.jpg")
    info, images, annotations, problems = read(tmp_path)
    assert problems == []
    assert [p.rpartition("/")[2] for p in images["path"]] == ["2.jpg", "1.jpg", "3.jpg"]  # the order of the list
    assert [f is not None for f in images["file"]] == [False, True, False]
    assert info.splits == ("train", "val")
    assert annotations["category"].tolist() == ["cat"] * 3
    assert read(tmp_path / "obj.data")[1]["path"].tolist() == images["path"].tolist()


def test_labels_alone_are_images_without_files(tmp_path: Path) -> None:
    root = put(tmp_path / "set", data_DOT_yaml="names: [cat]\ntrain: images/train\n", labels__train__a_DOT_txt=ROW)
    info, images, annotations, problems = read(root)
    assert not info.has_files
    assert images[["path", "file", "split"]].to_numpy().tolist() == [["images/train/a.jpg", None, "train"]]
    assert len(annotations) == 1
    assert kinds(problems) == ["bad-class-list"]
    write(tmp_path, "pictures/deep/a.png")
    info, images, _, _ = read(root, images=tmp_path / "pictures")
    assert images["path"].tolist() == ["../pictures/deep/a.png"]
    assert info.has_files


def test_rows_of_every_kind(tmp_path: Path) -> None:
    rows = ["1 .5 .5 .2 .4", "", "  1 0.5 0.5 0.2 0.4 0.9  ", "0 .1 .2 .5 .1 .3 .9", "0 .1 .1 .4 .1 .4 .3 .1 .3",
            "-1 .5 .5 .1 .1", "99 5e-1 +.5 .1 .1"]
    write(tmp_path, "images/a.jpg")
    write(tmp_path, "labels/a.txt", "\r\n".join(rows))
    write(tmp_path, "classes.txt", "cat\ndog\n")
    _, _, annotations, problems = read(tmp_path, ("yolo:n_values", "yolo:row"))
    assert annotations["category"].tolist() == ["dog", "dog", "cat", "cat", None, None]
    assert annotations["category_id"].tolist() == [1, 1, 0, 0, -1, 99]
    assert annotations["line"].tolist() == [1, 3, 4, 5, 6, 7]
    assert annotations["index"].tolist() == list(range(6))
    assert annotations["yolo:n_values"].tolist() == [5, 6, 7, 9, 5, 5]
    assert annotations["yolo:row"].tolist() == [r.strip() for r in rows if r]
    boxes = annotations[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    assert boxes[:4] == pytest.approx(np.array([[.4, .3, .6, .7], [.4, .3, .6, .7], [.1, .1, .5, .9], [.1, .1, .4, .3]]))
    assert kinds(problems) == ["mixed-row-kinds", "extra-columns"]


def test_pose_rows_are_boxes(tmp_path: Path) -> None:
    write(tmp_path, "data.yaml", "names: [p]\nkpt_shape: [2, 3]\nflip_idx: [0, 1]\ntrain: images\n")
    write(tmp_path, "images/a.jpg")
    write(tmp_path, "labels/a.txt", "0 .5 .5 .2 .4 .1 .1 2 .9 .9 0\n" + ROW)
    _, _, annotations, problems = read(tmp_path)
    assert problems == []
    assert annotations["x_min"].tolist() == pytest.approx([0.4, 0.4])


@pytest.mark.parametrize("bad", ["0 .5 .5 .2", "0 .5 .5 x .2", "0 .5 .5 .2 .4 .1 .1 .2", "cat .5 .5 .2 .2", "0.5 .5 .5 .2 .2",
                                 "nan .5 .5 .2 .2", "1e300 .5 .5 .2 .2", "0 .5 .5 .2 1_0", "0 .5 .5 1-2 .1", "0,.5,.5,.2,.2",
                                 "0 .5 .5 .2 \u0663", "\x00\x01"])
def test_malformed_row_is_told_with_its_line_and_the_rest_is_read(tmp_path: Path, bad: str) -> None:
    write(tmp_path, "images/a.jpg")
    write(tmp_path, "labels/a.txt", f"{ROW}\n{bad}\n{ROW}")
    write(tmp_path, "images/b.jpg")
    write(tmp_path, "labels/b.txt", ROW)
    _, images, annotations, problems = read(tmp_path)
    assert len(images) == 2
    assert annotations[["source", "line", "index"]].to_numpy().tolist() == [
        ["labels/a.txt", 1, 0], ["labels/a.txt", 4, 2], ["labels/b.txt", 1, 0]]
    assert [(p.kind, p.source, p.line, p.index, p.image) for p in problems] == [
        ("malformed-record", "labels/a.txt", 3, 1, "images/a.jpg")]
    assert "\n" not in problems[0].reason


def test_values_that_are_no_position_stay_rows(tmp_path: Path) -> None:
    root = put(tmp_path, images__a_DOT_jpg="", labels__a_DOT_txt="0 nan .5 .2 .2\n0 inf .5 .2 .2\n0 1e999 .5 inf .2\n")
    _, _, annotations, problems = read(root)
    assert problems == []
    assert len(annotations) == 3
    assert not np.isfinite(annotations["x_min"]).any()


def test_images_and_labels_that_do_not_match(tmp_path: Path) -> None:
    root = put(tmp_path, images__none_DOT_jpg="", images__empty_DOT_jpg="", labels__empty_DOT_txt="", labels__only_DOT_txt=ROW,
               images__two_DOT_jpg="", images__two_DOT_png="", labels__two_DOT_txt=ROW, labels__notes_DOT_txt="hello")
    _, images, annotations, problems = read(root)
    assert len(images) == 4
    assert len(annotations) == 2  # one box, under both images of its stem
    assert sorted((p.kind, p.source) for p in problems) == [
        ("ambiguous-stem", "labels/two.txt"), ("missing-label", "labels/none.txt"), ("orphan-label", "labels/only.txt")]


@pytest.mark.parametrize(("yaml", "contains"), [
    ("names: [a, b]\nnc: 3\n", "nc is 3, names has 2"),
    ("names: [a, a]\n", "names has 'a' twice: 0 and 1"),
    ("names: {0: a, 2: b}\n", "names has no class 1"),
    ("names: {zero: a}\n", "'zero' is no class number"),
    ("names: 7\n", "neither a list nor a mapping"),
    ("nc: 2\n", "names is missing"),
    ("names: [a]\nnc: many\n", "not a whole number"),
    ("names: [a]\ntest: images/test\n", "test: no file or folder images/test"),
    ("names: [a]\ntest: [[images]]\n", "a list is no path"),
    ("names: [a]\ntest: 3\n", "a int is no path"),
])
def test_faults_of_the_class_list(tmp_path: Path, yaml: str, contains: str) -> None:
    root = ultralytics(tmp_path, yaml + "train: images/train\nval: images/val\n")
    _, images, _, problems = read(root)
    assert len(images) == 3
    assert kinds(problems) == ["bad-class-list"]
    assert contains in problems[0].reason
    assert problems[0].source == "data.yaml"


@pytest.mark.parametrize("yaml", [
    "names: [a\ntrain: x", "[" * 100_000, "- a\n- b\n", "\x00", "a: !!python/object/apply:os.system [ls]"])
def test_configuration_that_cannot_be_read(tmp_path: Path, yaml: str) -> None:
    root = ultralytics(tmp_path / "set", yaml)
    info, images, annotations, problems = read(root)
    assert (len(images), len(annotations), info.splits) == (3, 3, ("train", "val"))
    assert kinds(problems) == ["bad-class-list"]
    config = write(tmp_path, "alone/data.yaml", yaml)
    with pytest.raises(UserError, match="neither images nor label files") as e:
        read(config)
    assert "\n" not in str(e.value)


def test_aliases_are_not_unfolded(tmp_path: Path) -> None:
    levels = "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 30))
    root = ultralytics(tmp_path, f"a0: &a0 [x]\n{levels}names: [*a29, b]\nnc: *a29\ntrain: images/train\nval: [*a29]\n")
    info, _, _, problems = read(root)
    assert [c.name for c in info.categories] == ["(list)", "b"]
    assert set(kinds(problems)) == {"bad-class-list", "orphan-image"}  # no split names the images of val


@pytest.mark.parametrize(("download", "is_code"), [
    ("https://x.org/a.zip", False), ("bash get.sh", True), ("|\n  import os\n", True)])
def test_code_in_configuration(tmp_path: Path, download: str, is_code: bool) -> None:
    root = ultralytics(tmp_path, f"names: [a]\ntrain: images/train\nval: images/val\ndownload: {download}\n")
    assert kinds(read(root)[3]) == ["code-in-config"] * is_code


def test_cache_older_than_a_label(tmp_path: Path) -> None:
    root = ultralytics(tmp_path)
    old, new = write(root, "labels/train.cache"), write(root, "labels/val.cache")
    os.utime(old, (1, 1))
    later = (root / "labels/val/c.txt").stat().st_mtime + 10
    os.utime(new, (later, later))
    assert [(p.kind, p.source) for p in read(root)[3]] == [("stale-cache", "labels/train.cache")]


@pytest.mark.parametrize(("encode", "name"), [
    (lambda t: b"\xef\xbb\xbf" + t.encode(), "UTF-8 with a byte order mark"), (lambda t: t.encode("utf-16"), "UTF-16")])
def test_encodings_of_labels(tmp_path: Path, encode: Callable[[str], bytes], name: str) -> None:
    write(tmp_path, "images/a.jpg")
    write(tmp_path, "images/b.jpg")
    write(tmp_path, "labels/a.txt", encode(ROW + "1 .5 .5 .1 .1\n"))
    write(tmp_path, "labels/b.txt", ROW)
    _, _, annotations, problems = read(tmp_path, ("yolo:row",))
    assert annotations["category_id"].tolist() == [0, 1, 0]
    assert annotations["yolo:row"].tolist()[0] == ROW.strip()
    assert [(p.kind, p.source, p.text) for p in problems] == [("odd-encoding", "labels/a.txt", name)]


@pytest.mark.parametrize(("text", "encoding", "name"), [
    ("行人", "gbk", "GB18030"), ("fiancée", "cp1252", "Windows-1252")])
def test_encodings_of_names(tmp_path: Path, text: str, encoding: str, name: str) -> None:
    write(ultralytics(tmp_path), "data.yaml", f"names: [{text}]\ntrain: images/train\nval: images/val\n".encode(encoding))
    info, _, annotations, problems = read(tmp_path)
    assert [c.name for c in info.categories] == [text]
    assert annotations["category"].tolist() == [text] * 3
    assert [(p.kind, p.source, p.text) for p in problems] == [("odd-encoding", "data.yaml", name)]


def test_listed_image_of_another_case_and_of_two_splits(tmp_path: Path) -> None:
    root = put(tmp_path, images__A_DOT_jpg="", labels__A_DOT_txt=ROW, train_DOT_txt="images/a.jpg\n", val_DOT_txt="images/A.jpg\n",
               data_DOT_yaml="names: [x]\ntrain: train.txt\nval: val.txt\n")
    if (root / "images/a.JPG").exists():
        pytest.skip("file names are not case-sensitive here")
    _, images, annotations, problems = read(root)
    assert images[["path", "split"]].to_numpy().tolist() == [["images/A.jpg", "train"], ["images/A.jpg", "val"]]
    assert len(annotations) == 2
    assert [(p.kind, p.source, p.line) for p in problems] == [("unportable-path", "train.txt", 1)]


def test_label_that_cannot_be_opened(tmp_path: Path) -> None:
    root = put(tmp_path, images__a_DOT_jpg="", images__b_DOT_jpg="", labels__b_DOT_txt=ROW)
    (root / "labels/a.txt").symlink_to("nowhere.txt")
    _, _, annotations, problems = read(root)
    assert len(annotations) == 1
    assert [(p.kind, p.source) for p in problems] == [("malformed-record", "labels/a.txt")]


@pytest.mark.parametrize("files", [
    {"notes.txt": "hello\n"}, {"a.jpg": "", "a.txt": "12 200 300 40 50\n"}, {"a.jpg": "", "requirements.txt": "numpy\n"},
    {"a.txt": "2753 2408 2861 2385 2888 2468 2805 2502 plane 0\n"}, {"a.jpg": ""}, {}])
def test_what_is_no_yolo(tmp_path: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        write(tmp_path, name, content)
    assert Yolo().detect(tmp_path) is None


def test_missing_split_is_not_read_from_the_folder_of_all_images(tmp_path: Path) -> None:
    root = put(tmp_path, images__a_DOT_jpg="", labels__a_DOT_txt=ROW,
               data_DOT_yaml="names: [x]\ntrain: images\nval: valid/images\n")
    _, images, _, problems = read(root)
    assert images["split"].tolist() == ["train"]
    assert kinds(problems) == ["bad-class-list"]


TOKENS = st.one_of(st.sampled_from(["0", "1", "-1", "2.0", "0.5", ".25", "1e-3", "+.5", "-0.1", "nan", "inf", "1e999", "x", "1_0",
                                    "1-2", "", "7.5", "1e300", "\u00bd", "\x0b"]),
                   st.floats(-2, 2).map(repr), st.integers(-2, 90).map(str))
LINES = st.lists(TOKENS, max_size=12).map(" ".join)
FILES = st.lists(st.tuples(st.lists(LINES, max_size=5), st.sampled_from(["\n", "\r\n"])).map(lambda f: f[1].join(f[0])), max_size=5)


@given(FILES, st.sampled_from([None, 7, 11]))
def test_files_read_together_and_line_by_line_agree(tmp_path_factory: pytest.TempPathFactory, files: list[str],
                                                    pose: int | None) -> None:
    folder = tmp_path_factory.mktemp("labels")
    labels = [LabelFile(str(write(folder, f"{k}.txt", text)), f"{k}.txt", f"{k}.jpg", None) for k, text in enumerate(files)]
    together = read_labels(labels, pose, texts=True)
    apart = [read_lines(text.encode(), label, pose) for text, label in zip(files, labels, strict=True)]
    assert together.counts.tolist() == [len(f.lines) for f, _ in apart]
    assert together.category_ids.tolist() == [c for f, _ in apart for c in f.category_ids]
    assert together.lines.tolist() == [c for f, _ in apart for c in f.lines]
    assert together.indices.tolist() == [c for f, _ in apart for c in f.indices]
    assert together.n_values.tolist() == [c for f, _ in apart for c in f.n_values]
    of_rows = [p for p in together.problems if p.kind != "extra-columns"]  # told of a file, not of a row
    assert of_rows == [p for _, told in apart for p in told]
    edges = np.array([e for f, _ in apart for e in f.edges], np.float64).reshape(-1, 4)
    assert np.array_equal(together.edges, edges, equal_nan=True)


def test_shared_sets(shared_data: Path) -> None:
    for name, n_images, n_boxes, n_categories in (
            ("sharks/sharks-tiny-yolov9", 10, 60, 3), ("rop_metrics/gts/yolo_format", 100, 273, 20),
            ("labelformat/object_detection/YOLOv8", 2, 16, 32), ("formats_tiny/yolo_dataset/yolo", 1, 2, 10),
            ("formats_tiny/yolo_dataset/yolov8_oriented_boxes", 1, 2, 10), ("formats_tiny/yolo_dataset/yolov8_pose", 1, 1, 1)):
        info, images, annotations, problems = read(shared_data / name, size=1000)
        assert (len(images), len(annotations), len(info.categories)) == (n_images, n_boxes, n_categories), name
        assert "malformed-record" not in kinds(problems)
        assert annotations["category"].notna().all()
        assert (annotations["image_row"] >= 0).all()
    info, images, annotations, _ = read(shared_data / "rop_metrics/gts/yolo_format", size=1000,
                                        images=shared_data / "rop_metrics/images")
    assert info.has_files
    assert images["file"].notna().all()
    assert int((annotations["category"] == "person").sum()) == 91


def test_outlines_are_fractions_as_json(tmp_path: Path) -> None:
    rows = "0 .5 .5 .2 .2\n1 .1 .2 .3 .2 .3 .4\n1 .1 .2 nan .2 .3 .4\n0 .1 .1 .3 .1 .3 .3 .1 .3\n"
    write(tmp_path, "images/a.jpg")
    write(tmp_path, "labels/a.txt", rows)
    _, _, annotations, _ = read(tmp_path, ("segmentation", "keypoints"))
    assert [v and json.loads(v) for v in annotations["segmentation"]] == [
        None, [[.1, .2, .3, .2, .3, .4]], None, [[.1, .1, .3, .1, .3, .3, .1, .3]]]
    assert annotations["keypoints"].tolist() == [None] * 4


@pytest.mark.parametrize(("shape", "row", "expected"), [
    ("[2, 3]", "0 .5 .5 .2 .2 .1 .2 2 .3 .4 0", [.1, .2, 2, .3, .4, 0]), ("[3, 2]", "0 .5 .5 .2 .2 .1 .2 0 0 .3 .4",
                                                                          [.1, .2, 2, 0, 0, 0, .3, .4, 2])])
def test_keypoints_of_poses(tmp_path: Path, shape: str, row: str, expected: list[float]) -> None:
    write(tmp_path, "images/a.jpg")
    write(tmp_path, "labels/a.txt", row + "\n")
    write(tmp_path, "data.yaml", f"names: [x]\nkpt_shape: {shape}\ntrain: images\n")
    _, _, annotations, _ = read(tmp_path, ("segmentation", "keypoints"))
    assert json.loads(annotations["keypoints"][0]) == expected
    assert annotations["segmentation"][0] is None


def darknet_elsewhere(root: Path, images: str) -> Path:
    """CVAT's archive whose labels are in its own folder, and whose images somewhere else."""
    for name in "ab":
        write(root, f"{images}/{name}.jpg")
        write(root, f"obj_train_data/{name}.txt", ROW)
    return put(root, obj_DOT_data="classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n", obj_DOT_names="cat\n",
               train_DOT_txt="data/obj_train_data/a.jpg\ndata/obj_train_data/b.jpg\n")


@pytest.mark.parametrize("given", [False, True])
def test_labels_where_the_images_are_declared(tmp_path: Path, given: bool) -> None:
    root = darknet_elsewhere(tmp_path / "set", "images")
    write(root, "obj_valid_data/a.txt", ROW * 3)  # of that name too, but not where the list says
    _, images, annotations, problems = read(root, images=root / "images" if given else None)
    assert images["path"].tolist() == ["images/a.jpg", "images/b.jpg"]
    assert images["source"].tolist() == ["obj_train_data/a.txt", "obj_train_data/b.txt"]
    assert len(annotations) == 2
    assert [(p.kind, p.source) for p in problems] == [("orphan-label", "obj_valid_data/a.txt")]


def test_images_outside_of_the_set_leave_the_labels_where_they_are_declared(tmp_path: Path) -> None:
    root = darknet_elsewhere(tmp_path / "set", "../photos")
    _, _, annotations, problems = read(root, images=tmp_path / "photos")
    assert len(annotations) == 2
    assert problems == []


def test_a_label_that_is_not_read_is_told_wherever_it_is(tmp_path: Path) -> None:
    root = ultralytics(tmp_path)
    write(root, "more/d.txt", ROW)
    write(root, "more/empty.txt", "")
    write(root, "more/words.txt", "no label\n")
    assert [(p.kind, p.source) for p in read(root)[3]] == [("orphan-label", "more/d.txt")]


def test_images_that_are_missing_are_not_told_as_without_labels(tmp_path: Path) -> None:
    listed = "images/a.jpg\nimages/b.jpg\nimages/gone.jpg\n"
    root = reading.put(tmp_path, {"images/a.jpg": "", "images/b.jpg": "", "labels/a.txt": ROW, "train.txt": listed,
                                  "data.yaml": "names: [cat]\ntrain: train.txt\n"})

    def told() -> list[str]:
        return [p.source for p in reading.Read("yolo", root).info.problems if p.kind == "missing-label"]

    assert told() == ["labels/b.txt"]
    (root / "images/a.jpg").unlink()
    (root / "images/b.jpg").unlink()
    assert told() == ["labels/b.txt", "labels/gone.txt"]


def test_of_two_configurations_the_one_whose_images_exist_is_read(tmp_path: Path) -> None:
    root = reading.put(tmp_path, {
        "images/train/a.jpg": "", "images/val/b.jpg": "", "labels/train/a.txt": ROW, "labels/val/b.txt": ROW,
        "colab.yaml": "path: /content/drive/Training\ntrain: images/train/\nval: images/val/\nnc: 1\nnames: [lemon]\n",
        "obj.data": "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n", "obj.names": "grape\n",
        "train.txt": "data/obj_train_data/a.PNG\ndata/obj_train_data/b.PNG\n"})
    read = reading.Read("yolo", root)
    assert read.images["path"].tolist() == ["images/train/a.jpg", "images/val/b.jpg"]
    assert [b[1] for b in read.boxes()] == ["lemon", "lemon"]
    assert read.info.notes == ("classes and splits are read from colab.yaml, not from obj.data (none of its images is here); "
                               "name a file to read that one",)
    assert reading.Read("yolo", root / "obj.data").images["path"].tolist() == [
        "data/obj_train_data/a.PNG", "data/obj_train_data/b.PNG"]
    assert reading.Read("yolo", root / "colab.yaml").info.notes == ()


def test_of_two_configurations_with_images_the_usual_name_is_read_and_the_other_named(tmp_path: Path) -> None:
    yaml = "train: images/train/\nnames: [{}]\n"
    root = reading.put(tmp_path, {"images/train/a.jpg": "", "labels/train/a.txt": ROW, "data.yaml": yaml.format("lemon"),
                                  "a.yaml": yaml.format("grape")})
    read = reading.Read("yolo", root)
    assert [b[1] for b in read.boxes()] == ["lemon"]
    assert read.info.notes == ("classes and splits are read from data.yaml, not from a.yaml; name a file to read that one",)
    (root / "a.yaml").unlink()
    assert reading.Read("yolo", root).info.notes == ()


def test_a_list_of_images_outside_is_not_looked_at_to_choose(tmp_path: Path) -> None:
    outside = reading.put(tmp_path / "other", {"c.jpg": "", "list.txt": "c.jpg\n"})
    root = reading.put(tmp_path / "set", {
        "images/a.jpg": "", "labels/a.txt": ROW, "a.yaml": "train: images\nnames: [lemon]\n",
        "data.yaml": f"train: {outside}/list.txt\nnames: [grape]\n"})
    assert [b[1] for b in reading.Read("yolo", root).boxes()] == ["lemon"]


@pytest.mark.parametrize(("path", "told"), [
    ("/content/dsinspect-set", True), ("C:/sets/x", True), ("../datasets/x", True), ("coco8", True), ("../datasets/set", False),
    ("set", False), (".", False)])
def test_a_path_that_is_not_there_is_told(tmp_path: Path, path: str, told: bool) -> None:
    """But for one that ends as the folder is called: it is the place of the set in the trainer's own folder."""
    tmp_path = tmp_path / "set"
    write(tmp_path, "data.yaml", f"# mine\npath: {path}\ntrain: images\nval: images\nnames: [x]\n")
    write(tmp_path, "images/a.jpg", "")
    write(tmp_path, "labels/a.txt", "0 0.5 0.5 0.1 0.1\n")
    problems = Yolo().open(OpenRequest(tmp_path)).info.problems
    assert [(p.kind, p.source, p.line, p.text) for p in problems] == ([("unportable-path", "data.yaml", 2, path)] if told else [])


def test_darknets_configuration_in_a_subfolder_of_a_repository(tmp_path: Path) -> None:
    write(tmp_path, "cfg/charts.data", "classes = 2\ntrain = charts/train_list.txt\nvalid = charts/test_list.txt\n"
          "names = cfg/charts.names\n")
    write(tmp_path, "cfg/charts.names", "bar\nline\n")
    write(tmp_path, "train_list.txt", "charts/dataset/a.jpg\ncharts/dataset/b.jpg\n")
    write(tmp_path, "test_list.txt", "charts/dataset/c.jpg\n")
    for path in ("dataset/train_list.txt", "dataset/test_list.txt", "images/a.jpg", "images/picture.jpg"):
        write(tmp_path, path, "")
    for name in "abc":
        write(tmp_path, f"dataset/{name}.jpg", "")
        write(tmp_path, f"dataset/{name}.txt", "1 0.5 0.5 0.1 0.1\n")
    info, images, annotations, problems = read(tmp_path)
    assert [c.name for c in info.categories] == ["bar", "line"]
    assert dict(zip(images["path"], images["split"], strict=True)) == {
        "dataset/a.jpg": "train", "dataset/b.jpg": "train", "dataset/c.jpg": "val"}
    assert annotations["category"].tolist() == ["line"] * 3
    assert {p.kind for p in problems} <= {"same-names"}


@pytest.mark.parametrize(("lists", "names"), [
    ({"set/classes.txt": "cat\ndog\n"}, ["cat", "dog"]),
    ({"set/classes.txt": "cat\ndog\n", "more/classes.txt": "cat\ndog\n"}, ["cat", "dog"]),
    ({"set/classes.txt": "cat\ndog\n", "more/classes.txt": "dog\ncat\n"}, []),
    ({"elsewhere/classes.txt": "cat\ndog\n"}, [])])
def test_names_beside_label_files(tmp_path: Path, lists: dict[str, str], names: list[str]) -> None:
    for place in ("set", "more"):
        write(tmp_path, f"{place}/{place}.jpg", "")
        write(tmp_path, f"{place}/{place}.txt", "1 0.5 0.5 0.1 0.1\n")
    for path, text in lists.items():
        write(tmp_path, path, text)
    assert [c.name for c in read(tmp_path)[0].categories] == names
    if names:
        edits = Edits.of([{"action": "rename-category", "category": "dog", "text": "hound"}])
        assert {p.path: p.after for p in Yolo().patch(OpenRequest(tmp_path), edits)} == dict.fromkeys(lists, b"cat\nhound\n")


def with_lists(root: Path, **lists: str) -> Path:
    for k in range(4):
        write(root, f"data/{k}.jpg", f"{k}")
        write(root, f"data/{k}.txt", ROW)
    for name, text in lists.items():
        write(root, f"{name}.txt", text)
    return root


@pytest.mark.parametrize("names", [("train", "val"), ("train_list", "test_list"), ("data/train", "data/valid")])
def test_lists_split_a_set_without_configuration(tmp_path: Path, names: tuple[str, str]) -> None:
    root = with_lists(tmp_path, **{names[0]: "data/0.jpg\ndata/1.jpg\ndata/gone.jpg\n", names[1]: "/home/me/set/data/2.jpg\n"})
    info, images, _, problems = read(root)
    assert [(p.rpartition("/")[2], s) for p, s in zip(images["path"], images["split"], strict=True)] == [
        ("0.jpg", "train"), ("1.jpg", "train"), ("gone.jpg", "train"), ("2.jpg", info.splits[1]), ("3.jpg", None)]
    assert info.splits == ("train", "test" if "test" in names[1] else "val")
    assert any(f"train from {names[0]}.txt" in n for n in info.notes)
    assert not [p for p in problems if p.kind.startswith("orphan")]


@pytest.mark.parametrize(("lists", "told"), [
    ({"train": "data/0.jpg", "train_list": "data/1.jpg"}, "both list images of train, and differ"),
    ({"train": "data/0.jpg\nval/x.jpg", "val": "data/1.jpg"}, "it names val/x.jpg, whose folder says val"),
    ({"train": "other/9.jpg"}, None)])
def test_lists_that_contradict_are_not_taken(tmp_path: Path, lists: dict[str, str], told: str | None) -> None:
    info, images, _, _ = read(with_lists(tmp_path, **lists))
    assert images["split"].isna().all()
    assert len(images) == 4
    assert [n for n in info.notes if "list" in n and "taken" in n and (told or "?") in n] == [
        n for n in info.notes if told and told in n]
    assert told is None or any(told in n for n in info.notes)


def test_a_dropped_image_leaves_the_list(tmp_path: Path) -> None:
    root = with_lists(tmp_path / "set", train="data/0.jpg\ndata/1.jpg\n", val="data/2.jpg\n")
    edits = Edits.of([{"action": "drop-image", "image": "data/1.jpg", "code": "BOX001"}])
    patches = {p.path: p.after for p in Yolo().patch(OpenRequest(root), edits)}
    assert patches["train.txt"] == b"data/0.jpg\n"
    assert "val.txt" not in patches

"""What a path is recognised as: weighed by records, never merged, never taken in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
ROW = "0 0.5 0.5 0.2 0.4\n"
Told = Callable[..., tuple[int, str]]


def write(root: Path, name: str, content: str | bytes = b"image") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def voc(root: Path, count: int, folder: str = "") -> Path:
    for k in range(count):
        write(root, f"{folder}{k:03}.jpg")
        write(root, f"{folder}{k:03}.xml", "<annotation><object><name>a</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
              "<xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>")
    return root


def table(root: Path, count: int, name: str = "boxes.csv") -> Path:
    rows = "".join(f"{k:03}.jpg,a,1,1,5,5\n" for k in range(count))
    return write(root, name, f"filename,class,xmin,ymin,xmax,ymax\n{rows}")


def yolo(root: Path, count: int, yaml: str | None = None) -> Path:
    for k in range(count):
        write(root, f"images/train/{k:03}.jpg")
        write(root, f"labels/train/{k:03}.txt", ROW)
    if yaml is not None:
        write(root, "data.yaml", yaml)
    return root


def coco(path: Path, names: list[str], **more: Any) -> Path:
    document = {"images": [{"id": k, "file_name": n, "width": 9, "height": 9} for k, n in enumerate(names)],
                "annotations": [{"id": k, "image_id": k, "category_id": 1, "bbox": [0, 0, 2, 2]} for k, _ in enumerate(names)],
                "categories": [{"id": 1, "name": "a"}], **more}
    return write(path.parent, path.name, json.dumps(document))


def opened(root: Path, **request: Any) -> Any:
    return open_dataset(DatasetRequest(str(root), root, **request), PLUGINS)


def refused(root: Path, **request: Any) -> str:
    with pytest.raises(UserError) as caught:
        opened(root, **request)
    return str(caught.value)


def paths(source: Any) -> list[str]:
    return [p for ref in source.shards(100) for p in ref.load().image_columns["path"].tolist()]


def splits(source: Any) -> dict[str, str | None]:
    return {p: s for ref in source.shards(100) for p, s in zip(*(ref.load().image_columns[c] for c in ("path", "split")),
                                                              strict=True)}


def test_the_reason_is_told(tmp_path: Path) -> None:
    assert "read as voc: 000.xml is an <annotation>" in opened(voc(tmp_path, 3)).info.notes


def test_a_small_table_beside_a_tree_is_named_and_left(tmp_path: Path) -> None:
    table(voc(tmp_path, 40), 2)
    info = opened(tmp_path).info
    assert info.format == "voc"
    assert info.notes[-1] == ("also there, and not read: table (boxes.csv holds a row a box, about 2 records); --format table "
                              "reads it")


def test_the_gate_says_what_it_does_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, quiet or not; an archive is not opened unless it is named."""
    table(voc(tmp_path / "set", 40), 2)
    (tmp_path / "set/more.zip").write_bytes(b"PK")
    main(["check", str(tmp_path / "set"), "--no-cache", "-q"])
    told = capsys.readouterr().err
    assert told.count("dsinspect: also there, and not read: table (boxes.csv holds a row a box, about 2 records)") == 1
    assert told.count("dsinspect: also there, and not read: more.zip; name the archive to read it") == 1
    main(["report", str(tmp_path / "set"), "--no-cache"])
    told = "".join(capsys.readouterr())
    assert told.count("also there") == 2


def test_an_archive_alone_is_to_be_named(tmp_path: Path) -> None:
    write(tmp_path, "set.tar", "")
    assert f"(an archive is read when it is named: {tmp_path / 'set.tar'})" in refused(tmp_path)


def test_two_that_find_as_much_are_asked_about(tmp_path: Path) -> None:
    table(voc(tmp_path, 20), 18)
    told = refused(tmp_path)
    assert "holds two datasets: voc (000.xml is an <annotation>, about 20 records); table (boxes.csv" in told
    assert "choose one with --format voc or --format table, or name its own folder or file" in told
    assert opened(tmp_path, format="table").info.format == "table"


def test_a_configuration_without_labels_does_not_beat_annotations(tmp_path: Path) -> None:
    write(voc(tmp_path, 5, "images/train/"), "data.yaml", "names: [a]\ntrain: images/train\nval: images/train\n")
    assert opened(tmp_path).info.format == "voc"


@pytest.mark.parametrize(("content", "title"), [
    ('{"images": [], "annotations": [{"segments_info": [{"bbox": [0,0,1,1], "image_id": 1}]}], "categories": []}',
     "COCO panoptic segmentation"),
    ('{"images": [{"file_name": "a"}], "annotations": [{"image_id": 1, "caption": "x"}]}', "COCO captions"),
    ('{"source-ref": "s3://a"}', None)])
def test_what_is_recognised_and_not_read_is_named(tmp_path: Path, content: str, title: str | None) -> None:
    write(tmp_path, "a.json", content)
    told = refused(tmp_path)
    assert (f"looks like {title} (a.json); dsinspect does not read that" in told) if title else "no dataset format" in told
    assert "no record" in refused(tmp_path, format="voc") if title else True


def test_a_named_format_that_finds_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voc(tmp_path, 3)
    assert main(["check", str(tmp_path), "--format", "yolo", "--no-cache"]) == 2
    assert "--format yolo: " in (told := capsys.readouterr().err)
    assert "holds no record of yolo; it looks like voc (000.xml is an <annotation>, about 3 records)" in told


def test_versions_of_one_json_are_no_splits(tmp_path: Path) -> None:
    names = [f"{k}.jpg" for k in range(8)]
    coco(tmp_path / "annotations.json", names)
    coco(tmp_path / "annotations_fixed.json", names[:7])
    assert ("annotations.json and annotations_fixed.json list the same images (7 of 7): two versions of one dataset; name the "
            "file to read") in refused(tmp_path)


@pytest.mark.parametrize(("first", "second", "shared"), [("train", "val", 8), ("a", "b", 2)])
def test_splits_may_share_images(tmp_path: Path, first: str, second: str, shared: int) -> None:
    coco(tmp_path / f"{first}.json", [f"{k}.jpg" for k in range(8)])
    coco(tmp_path / f"{second}.json", [f"{k}.jpg" for k in range(8 - shared, 16 - shared)])
    assert opened(tmp_path).info.splits == (first, second)


def test_datasets_in_folders_of_their_own_are_not_merged(tmp_path: Path) -> None:
    coco(tmp_path / "north" / "train" / "a.json", ["1.jpg"])
    coco(tmp_path / "south" / "annotations" / "b.json", ["2.jpg"])
    assert "holds 2 COCO datasets (north/train/a.json, south/annotations/b.json); name one" in refused(tmp_path)
    yolos = tmp_path / "yolos"
    for name in ("x", "y"):
        yolo(yolos / name, 2, "names: [a]\ntrain: images/train\nval: images/train\n")
    assert "holds 2 YOLO datasets (x/data.yaml, y/data.yaml); name one of these files" in refused(yolos)


def test_one_configuration_below_is_the_configuration(tmp_path: Path) -> None:
    yolo(tmp_path / "inner", 2, "names: [cat]\ntrain: images/train\nval: images/train\n")
    info = opened(tmp_path).info
    assert [c.name for c in info.categories] == ["cat"]


def test_wrong_paths_never_fall_back_to_everything_below(tmp_path: Path) -> None:
    yolo(tmp_path, 3, "names: [a]\ntrain: ../elsewhere/pictures\nval: nowhere\n")
    told = refused(tmp_path)
    assert "(data.yaml: train: no file or folder ../elsewhere/pictures); correct its paths" in told


@pytest.mark.parametrize(("folders", "expected"), [
    (("Training", "Testing", "validate"), ("train", "test", "val")), (("train", "valid", "test"), ("train", "val", "test"))])
def test_words_of_splits(tmp_path: Path, folders: tuple[str, ...], expected: tuple[str, ...]) -> None:
    for k, folder in enumerate(folders):
        voc(tmp_path / "voc", 1 + k, f"{folder}/")
        write(tmp_path / "yolo", f"{folder}/images/a.jpg")
        write(tmp_path / "yolo", f"{folder}/labels/a.txt", ROW)
        coco(tmp_path / "coco" / folder / "_annotations.coco.json", [f"{folder}.jpg"])
    for name in ("voc", "yolo", "coco"):
        source = opened(tmp_path / name)
        assert set(source.info.splits) == set(expected), name
        found = splits(source)
        assert all(found[p] == s for f, s in zip(folders, expected, strict=True) for p in found if p.startswith(f"{f}/"))


def test_a_link_to_the_images_is_another_name_of_them(tmp_path: Path) -> None:
    yolo(tmp_path, 3)
    (tmp_path / "all").symlink_to("images")
    source = opened(tmp_path)
    assert paths(source) == [f"images/train/00{k}.jpg" for k in range(3)]
    assert sum(len(r.load().annotation_columns) for r in source.shards(9)) == 3


def test_images_without_xml_are_no_backgrounds(tmp_path: Path) -> None:
    voc(tmp_path, 2)
    write(tmp_path, "extra.jpg")
    source = opened(tmp_path)
    assert paths(source) == ["000.jpg", "001.jpg"]
    assert [(p.kind, p.image) for p in source.info.problems] == [("orphan-image", "extra.jpg")]


def test_images_in_folders_of_splits_without_any_xml_are_told(tmp_path: Path) -> None:
    voc(tmp_path, 2, "images/")
    stray = ("images/test/a.jpg", "test/images/b.jpg")
    for name in (*stray, "images/masks/000.png", "plots/c.jpg", "test/plots/d.jpg"):
        write(tmp_path, name)
    source = opened(tmp_path)
    assert [(p.kind, p.image) for p in source.info.problems] == [("orphan-image", name) for name in stray]
    assert sum(len(ref.load().images) for ref in source.shards(10)) == 2


def test_an_image_of_a_folder_without_xml_takes_no_place_in_lists(tmp_path: Path) -> None:
    voc(tmp_path, 2, "JPEGImages/")
    write(tmp_path, "JPEGImages/test/000.jpg")
    write(tmp_path, "ImageSets/Main/train.txt", "000\n001\n")
    assert [(p.kind, p.image) for p in opened(tmp_path).info.problems] == [("orphan-image", "JPEGImages/test/000.jpg")]


def test_lists_of_voc_that_overlap_do_not_inflate_the_set(tmp_path: Path) -> None:
    voc(tmp_path, 3, "JPEGImages/")
    write(tmp_path, "JPEGImages/bare.jpg")
    write(tmp_path, "ImageSets/Main/train.txt", "000\n001\n")
    write(tmp_path, "ImageSets/Main/val.txt", "001\n002\nbare\n")
    source = opened(tmp_path)
    assert splits(source) == {"JPEGImages/000.jpg": "train", "JPEGImages/001.jpg": "train", "JPEGImages/002.jpg": "val",
                              "JPEGImages/bare.jpg": "val"}
    assert [(p.kind, p.source, p.line, p.image) for p in source.info.problems] == [
        ("overlapping-lists", "ImageSets/Main/val.txt", 1, "JPEGImages/001.jpg"),
        ("missing-label", "ImageSets/Main/val.txt", 3, "JPEGImages/bare.jpg")]


def test_two_sets_of_voc_are_named_and_one_must_be_chosen(tmp_path: Path) -> None:
    for year in ("VOC2007", "VOC2012"):
        voc(tmp_path / "kit" / year, 2, "Annotations/")
        write(tmp_path / "kit" / year, "ImageSets/Main/train.txt", "000\n001\n")
    told = refused(tmp_path / "kit")
    assert "holds 2 VOC datasets (VOC2007, VOC2012); name one of these folders" in told
    assert len(paths(opened(tmp_path / "kit/VOC2007"))) == 2
    for split in ("train", "val"):  # folders of splits are one set
        voc(tmp_path / "splits" / split, 2, "Annotations/")
        write(tmp_path / "splits" / split, "ImageSets/Main/train.txt", "000\n001\n")
    assert len(paths(opened(tmp_path / "splits"))) > 1


def test_roboflows_darknet_export_names_its_classes(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write(tmp_path, f"{split}/a_{split}.jpg")
        write(tmp_path, f"{split}/a_{split}.txt", ROW)
        write(tmp_path, f"{split}/_darknet.labels", "king\nqueen\n")
    source = opened(tmp_path)
    assert [c.name for c in source.info.categories] == ["king", "queen"]
    assert source.info.splits == ("train", "val")
    write(tmp_path, "valid/_darknet.labels", "queen\nking\n")
    assert [p.reason for p in opened(tmp_path).info.problems] == ["names other classes than train/_darknet.labels"]


def test_images_that_no_split_of_yolo_names_are_told(tmp_path: Path) -> None:
    yolo(tmp_path, 3, "names: [a]\ntrain: train.txt\nval: train.txt\n")
    write(tmp_path, "train.txt", "images/train/000.jpg\nimages/train/001.jpg\n")
    assert [(p.kind, p.image) for p in opened(tmp_path).info.problems] == [("orphan-image", "images/train/002.jpg")]


def test_a_list_of_images_is_a_dataset(tmp_path: Path) -> None:
    yolo(tmp_path, 4, "names: [cat]\ntrain: images/train\nval: images/train\n")
    names = write(tmp_path, "lists/val_small.txt", "images/train/001.jpg\n./images/train/003.jpg\n")
    source = opened(names)
    assert splits(source) == {"images/train/001.jpg": "val", "images/train/003.jpg": "val"}
    assert [c.name for c in source.info.categories] == ["cat"]


@pytest.mark.parametrize("command", [
    ["check"], ["report"], ["convert", "--to", "coco", "-o", "OUT"], ["transform", "--op", "flip", "-o", "OUT"], ["fix", "--diff"],
    ["view", "-o", "OUT.png"], ["balance"]])
@pytest.mark.parametrize(("more", "message"), [
    (["--images", "/nope"], "--images /nope: no such folder"),
    (["--config", "CONFIG"], "formats.cocoo: no such format (did you mean 'coco'?)"),
    (["--format", "cocoo"], "--format cocoo: no such format (did you mean 'coco'?)")])
def test_every_command_refuses_in_the_same_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str],
                                                 more: list[str], message: str) -> None:
    coco(tmp_path / "set" / "a.json", ["1.jpg"])
    write(tmp_path / "set", "1.jpg")
    config = write(tmp_path, "own.toml", "[formats.cocoo]\nx = 1\n")
    arguments = [*command, str(tmp_path / "set"), *more]
    arguments = [a.replace("OUT", str(tmp_path / "out")).replace("CONFIG", str(config)) for a in arguments]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_sample_sets_are_not_merged(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[2] / "sample_data"
    assert refused(root) == f"{root}: holds 8 datasets; name one of them:"
    main(["check", str(root)])
    told = capsys.readouterr().err
    assert [line.split(": ")[1].split(",")[0] for line in told.splitlines()[1:]] == [
        "coco", "coco", "coco", "dota", "table", "mot", "voc", "yolo"]
    assert f"  {root / 'table'}: table, about 190 records" in told


def test_formats_that_share_their_images_are_no_datasets_of_folders(tmp_path: Path) -> None:
    """Annotations of three formats beside each other, and the images elsewhere: the format is chosen, not a folder."""
    from convert.sets import coco, put

    coco(tmp_path, [{"file_name": "images/a.png"}], [{"image_id": 0, "bbox": [1, 1, 9, 9]}])
    put(tmp_path, "images/a.png")
    for folder, name, text in (("labels", "a.txt", "0 0.5 0.5 0.1 0.1\n"),
                               ("xml", "a.xml", "<annotation><filename>a.png</filename><object><name>cat</name><bndbox>"
                                "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    assert "; choose one, or name its own folder or file" in refused(tmp_path)


def test_the_splits_of_a_dataset_are_no_datasets(tmp_path: Path) -> None:
    from convert.sets import coco

    for split in ("train", "valid"):
        coco(tmp_path / split, [{"file_name": "a.png"}], [{"image_id": 0, "bbox": [1, 1, 9, 9]}], split=split)
        (tmp_path / split / "labels").mkdir()
        (tmp_path / split / "labels/a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    assert "name one of them" not in refused(tmp_path)


def test_a_folder_of_many_sets_names_each(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shared_data / "formats_tiny")]) == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert first.endswith("datasets; name one of them:")
    assert len(lines) == 31
    assert lines[-1].startswith("  and ")
    assert f"  {shared_data / 'formats_tiny/dota_dataset'}: dota, about 4 records" in lines


def test_formats_whose_images_lie_elsewhere_are_listed(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shared_data / "rop_metrics")]) == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert "holds datasets of 7 formats; choose one, or name its own folder or file:" in first
    assert [line.split()[0] for line in lines] == ["--format"] * 7
    assert max(map(len, lines)) <= 150


@pytest.mark.parametrize(("files", "message"), [
    ({"v.mp4.json": '{"size": {"height": 1, "width": 2}, "tags": [], "objects": [{"key": "o", "classTitle": "car"}], "frames": '
      '[{"index": 0, "figures": [{"objectKey": "o"}]}], "framesCount": 1}'}, "looks like Supervisely JSON for video (v.mp4.json)"),
    ({"a.json": '[{"image": "a.jpg", "joints": [[1, 2]]}]'}, "looks like JSON of keypoints or joints that is no COCO (a.json)"),
    ({"a.json": '{"mine": 1}', "b.json": "[]", "c.dat": ""},
     "there are 2 .json files and 1 .dat file (a.json begins with '{\"mine\": 1}')"),
    ({"notes": ""}, "there is 1 unsuffixed file;"), ({}, "there is no file;")])
def test_what_is_not_read_is_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        write(tmp_path, name, text)
    assert message in refused(tmp_path)


def test_the_beginning_of_a_file_outside_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path, "secret.txt", "secret")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.txt").symlink_to(tmp_path / "secret.txt")
    assert "there is 1 .txt file (a.txt is no regular file of this folder)" in refused(tmp_path / "set")


NUMBERED = "0 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"
POLYGON = "0 0.1 0.1 0.2 0.1 0.3 0.2 0.3 0.3 0.2 0.3 0.1 0.2 0.05 0.15\n"
PIXELS = "0 64 48 128 48 192 96 192 144 128 144 64 96 32 72\n"


@pytest.mark.parametrize(("row", "name", "box"), [
    (NUMBERED, "kitti", (587.01, 173.33, 614.12, 200.12)),
    (NUMBERED.replace("\n", " 0.9\n"), "kitti", (587.01, 173.33, 614.12, 200.12)),
    (POLYGON, "yolo", (0.05, 0.1, 0.3, 0.3)), (PIXELS, "yolo", (32, 48, 192, 144))])
@pytest.mark.parametrize("folders", [("images", "labels"), ("image_2", "label_2")])
def test_rows_of_fifteen_numbers_are_polygons_or_kittis(
        tmp_path: Path, row: str, name: str, box: tuple[float, ...], folders: tuple[str, str]) -> None:
    write(tmp_path, f"{folders[0]}/0.jpg")
    write(tmp_path, f"{folders[1]}/0.txt", row)
    if row == PIXELS and folders[1] == "label_2":  # neither: labels of YOLO in px are known by their folder only
        assert "no dataset format" in refused(tmp_path)
        return
    source = opened(tmp_path)
    assert source.info.format == name
    table = next(ref.load().annotation_columns for ref in source.shards(10))
    if len(table):  # YOLO's labels are in labels/, or beside their images
        assert tuple(float(table[c][0]) for c in ("x_min", "y_min", "x_max", "y_max")) == pytest.approx(box)
    assert len(table) or folders[1] == "label_2"
    if name == "kitti":
        told = refused(tmp_path, format="yolo")
        assert f"looks like kitti ({folders[1]}/0.txt has rows of a number as type, 14 numbers and a box in px" in told


def test_of_both_sorts_in_one_folder_one_is_to_be_chosen(tmp_path: Path) -> None:
    for k, row in enumerate((POLYGON, NUMBERED)):
        write(tmp_path, f"images/{k}.jpg")
        write(tmp_path, f"labels/{k}.txt", row)
    assert "holds two datasets: " in refused(tmp_path)


@pytest.mark.parametrize(("name", "content", "told"), [
    ("annotations.xml", '<annotations><image id="0" name="0.jpg" width="9" height="9"><box label="a" xtl="1" ytl="1" xbr="5" '
                        'ybr="5" occluded="0"/></image></annotations>', "2 CVAT datasets"),
    ("export.json", '{"assets": {"a": {"asset": {"name": "0.jpg", "size": {"width": 9, "height": 9}}, "regions": '
                    '[{"type": "RECTANGLE", "tags": ["a"], "boundingBox": {"left": 1, "top": 1, "width": 4, "height": 4}}]}}}',
     "2 VoTT datasets")])
def test_sets_of_cvat_and_vott_in_folders_of_their_own_are_not_merged(tmp_path: Path, name: str, content: str, told: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)
        (tmp_path / folder / "0.jpg").write_bytes(b"image")
    with pytest.raises(UserError, match=told):
        opened(tmp_path)
    (tmp_path / "two/0.jpg").unlink()  # two files of one set of images
    assert opened(tmp_path)

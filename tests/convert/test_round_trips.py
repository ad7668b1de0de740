"""What is written is read back: on drawn sets for each format, and around all formats on the shared sets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from convert.sets import coco, content, put, shards_of, tree
from hypothesis import given, settings
from hypothesis import strategies as st

from dsinspect.cli import main
from dsinspect.loader import load_plugins
from dsinspect.output.image_layout import Places
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import annotations_frame, images_frame

PLUGINS = load_plugins()
FORMATS = ("coco", "voc", "yolo", "table", "cvat", "labelme", "labelstudio", "createml", "via")
names = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), min_size=1, max_size=12).map(
    lambda s: s.strip()).filter(lambda s: s and s.lower() not in ("nan", "null"))
edges = st.floats(0, 5000, allow_subnormal=False) | st.integers(0, 5000).map(float)


@st.composite
def sets(draw: st.DrawFn) -> tuple[DatasetInfo, list[Shard], list[tuple[int, int]]]:
    """Two shards: images of two splits or of none, some without boxes; classes with names of all scripts."""
    classes = draw(st.lists(names, min_size=1, max_size=4, unique_by=str.casefold))
    splits = draw(st.sampled_from([("train", "val"), ("train", "val", "test"), (None,)]))
    shards, sizes, first = [], [], 0
    for number in range(2):
        n = draw(st.integers(0, 4)) if number else draw(st.integers(1, 4))
        wh = draw(st.lists(st.tuples(st.integers(2, 9000), st.integers(2, 9000)), min_size=n, max_size=n))
        sizes += wh
        rows = sorted(draw(st.lists(st.integers(0, n - 1), max_size=6))) if n else []
        boxes = np.array([draw(st.tuples(edges, edges, edges, edges)) for _ in rows]).reshape(-1, 2, 2)
        boxes = np.sort(boxes, axis=1).reshape(-1, 4)
        boxes[:, 2:] += 2
        codes = [draw(st.integers(0, len(classes) - 1)) for _ in rows]
        images = images_frame(
            n, image_id=np.arange(first, first + n), path=[f"a/{first + k:03}.png" for k in range(n)], file=["x"] * n,
            width=np.array([w for w, _ in wh], float), height=np.array([h for _, h in wh], float),
            split=[splits[k % len(splits)] for k in range(n)], source="s")
        annotations = annotations_frame(
            len(rows), annotation_id=np.arange(len(rows)), image_row=np.array(rows, np.int64), index=np.arange(len(rows)),
            image_id=np.array(rows, np.int64) + first, category_id=np.array(codes, np.int64),
            category=[classes[c] for c in codes], **{c: boxes[:, k] for k, c in enumerate(("x_min", "y_min", "x_max", "y_max"))})
        shards.append(Shard(images, annotations))
        first += n
    info = DatasetInfo("drawn", Path(), tuple(Category(k, c) for k, c in enumerate(classes)),
                       splits=tuple(dict.fromkeys(s for shard in shards for s in shard.images["split"] if s is not None)))
    return info, shards, sizes


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(drawn=sets())
def test_what_is_written_is_read_back(name: str, drawn: tuple[DatasetInfo, list[Shard], list[tuple[int, int]]]) -> None:
    info, shards, sizes = drawn
    kind = PLUGINS.formats[name]()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        places = Places(kind)
        placed, expected, k = [], {}, 0
        for shard in shards:
            paths = [places.of(p, s) for p, s in zip(shard.images["path"], shard.images["split"], strict=True)]
            for row, path in enumerate(paths):
                put(out, path, sizes[k])
                k += 1
                a = shard.annotations[shard.annotations["image_row"] == row]
                expected[shard.images["split"].iat[row], path.rpartition("/")[2]] = list(
                    a[["category", "x_min", "y_min", "x_max", "y_max"]].itertuples(index=False, name=None))
            placed.append(shard.replace(images=shard.images.assign(path=np.array(paths, object))))
        lost = kind.write(info, iter(placed), out)
        read = content(out, name)
        assert read.keys() == expected.keys()
        for key, boxes in expected.items():
            assert [b[0] for b in read[key]] == [b[0] for b in boxes]
            got, want = (np.array([b[1:] for b in x], float).reshape(-1, 4) for x in (read[key], boxes))
            if name in ("yolo", "labelstudio", "createml", "via"):  # fractions, percent, centres, widths
                np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)
            elif name == "coco":  # x + w cannot always be the old edge to the last bit
                np.testing.assert_array_max_ulp(got, want, maxulp=1)
            else:
                np.testing.assert_array_equal(got, want)
        assert set(lost) <= {"category ids, and the order of categories", "categories without an annotation"}
        assert not list(out.rglob("*.part"))


@pytest.mark.parametrize(("folder", "digits"), [("bccd", 9), ("rbc_coco", 9), ("sharks/sharks-tiny-coco", 9),
                                                ("rop_metrics/gts/pascalvoc_format", 9), ("rop_metrics/gts/coco_format_v1", 9)])
def test_around_all_formats(shared_data: Path, tmp_path: Path, folder: str, digits: int) -> None:
    source = shared_data / folder
    if not source.exists():
        pytest.skip(f"no {folder}")
    before = sorted((p, p.stat().st_size, p.stat().st_mtime_ns) for p in source.rglob("*"))
    images = ["--images", str(shared_data / "rop_metrics/images")] if folder.startswith("rop") else []
    here, wanted = source, None
    for step, name in enumerate(("coco", "voc", "yolo", "table", "coco")):
        out = tmp_path / f"{step}_{name}"
        assert main(["convert", str(here), "-o", str(out), "--to", name, "-q", *(images if not step else [])]) == 0
        read = content(out, digits=digits)
        wanted = wanted or read
        assert read == wanted
        here = out
    if not images:
        assert wanted == content(source, digits=digits)
    assert content(tmp_path / "0_coco") == content(tmp_path / "1_voc")
    assert content(tmp_path / "3_table") == content(tmp_path / "4_coco")
    assert before == sorted((p, p.stat().st_size, p.stat().st_mtime_ns) for p in source.rglob("*"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("is_landscape", [True, False])
def test_boxes_of_turned_pictures_keep_their_place(shared_data: Path, tmp_path: Path, orientation: int,
                                                   is_landscape: bool) -> None:
    folder = shared_data / "exif_orientation"
    kind = "landscape" if is_landscape else "portrait"
    found = sorted(p for p in folder.rglob(f"*_{orientation}.jpg") if kind in p.name.lower())
    if not found:
        pytest.skip("no such picture")
    labels = tmp_path / "yolo"
    (labels / "images").mkdir(parents=True)
    (labels / "labels").mkdir()
    (labels / "data.yaml").write_text("names: [thing]\n")
    (labels / "images" / "x.jpg").write_bytes(found[0].read_bytes())
    (labels / "labels" / "x.txt").write_text("0 0.25 0.375 0.125 0.25\n")
    here = labels
    for name in ("coco", "voc", "table", "yolo"):
        out = tmp_path / name if name != "yolo" else tmp_path / "again"
        assert main(["convert", str(here), "-o", str(out), "--to", name, "-q"]) == 0
        here = out
    row = (tmp_path / "again/labels/x.txt").read_text().split()
    np.testing.assert_allclose([float(v) for v in row], [0, 0.25, 0.375, 0.125, 0.25], atol=1e-12)


def test_coco_keeps_ids_outlines_and_keypoints(tmp_path: Path) -> None:
    triangle: list[Any] = [[1, 2, 9.5, 2, 5, 8]]
    source = coco(tmp_path / "set", [{"file_name": "a.png", "id": 77}, {"file_name": "sub/a.jpg", "id": 5}], [
        {"id": 900, "image_id": 77, "bbox": [0.1, 0.2, 0.2, 0.7], "segmentation": triangle, "area": 3.25, "category_id": 8},
        {"id": 4, "image_id": 5, "bbox": [1, 2, 3, 4], "iscrowd": 1, "segmentation": {"counts": [0, 4], "size": [2, 2]}},
        {"id": 12, "image_id": 5, "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2, 0, 0, 0], "ignore": 1}],
        [{"id": 8, "name": "cat", "supercategory": "animal"}, {"id": 1, "name": "dog", "supercategory": ""}])
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "coco", "--strict", "-q"]) == 0
    a, b = (shards_of(root) for root in (source, tmp_path / "out"))
    for old, new in zip(a, b, strict=True):
        for column in ("image_id", "path", "width", "height", "split"):
            assert old.images[column].tolist() == new.images[column].tolist()
        for column in ("annotation_id", "image_id", "category_id", "category", "x_min", "y_min", "x_max", "y_max", "is_crowd",
                       "is_ignored", "area"):
            assert old.annotations[column].tolist() == new.annotations[column].tolist()
    text = (tmp_path / "out/annotations/instances_train.json").read_text()
    assert '"bbox":[0.1,0.2,0.2,0.7]' in text
    assert '"num_keypoints":1' in text
    assert '"supercategory":"animal"' in text
    assert set(tree(tmp_path / "out")) == {"a.png", "sub/a.jpg", "annotations/instances_train.json", "conversion.json"}

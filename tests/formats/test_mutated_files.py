"""Sets with bytes changed at random: each ends in tables with problems, or in one UserError; nothing crashes or hangs.

    python -m formats.test_mutated_files 3000     # as many per format, from tests/
"""

from __future__ import annotations

import json
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from formats.reading import JPEG, Read, put
from formats.test_record_formats import HEADER, lines, tf_example, voc_mask

from dsinspect.errors import UserError
from dsinspect_formats.tfrecord._records import framed

KITTI = "Car 0.5 1 -1.5 10 20 30.5 40 1.5 1.6 3.7 1 2 3 0.1\nDontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n"
SHAPES = [{"label": "car", "polygon": [[1, 2], [10, 2], [5, 9]]}, {"label": "persongroup", "polygon": [[0, 0], [4, 0], [4, 4]]}]
BOX2D = {"id": "1", "category": "car", "attributes": {"occluded": True}, "box2d": {"x1": 1, "y1": 2, "x2": 30, "y2": 40}}
OBJECTS = {"bbox": [[1, 2, 3, 4], [5, 6, 7, 8.5]], "category": [0, 1], "area": [12, 59.5]}


def parquet_bytes() -> bytes:
    pa = pytest.importorskip("pyarrow")
    import io

    import pyarrow.parquet as parquet

    out = io.BytesIO()
    parquet.write_table(pa.table({"image": [{"bytes": JPEG, "path": "a.jpg"}], "objects": [OBJECTS]}), out)
    return out.getvalue()


SETS: dict[str, tuple[str, Callable[[], dict[str, str | bytes]]]] = {
    "kitti": ("kitti", lambda: {"label_2/a.txt": KITTI, "label_2/b.txt": KITTI, "image_2/a.png": ""}),
    "visdrone": ("visdrone", lambda: {
        "annotations/a.txt": "684,8,273,116,0,0,0,0,\n1,2,3,4,1,4,1,2\n", "annotations/b.txt": "1,2,3,4,1,4,1,2\n",
        "images/a.jpg": ""}),
    "visdrone video": ("visdrone", lambda: {
        "annotations/s1.txt": "1,0,684,8,273,116,1,4,0,0\n2,0,3,4,5,6,1,4,1,2\n2,7,1,2,3,4,0,0,0,0,\n",
        "sequences/s1/0000001.jpg": "", "sequences/s1/0000002.jpg": ""}),
    "dota": ("dota", lambda: {
        "labelTxt/a.txt": "gsd:0.15\n0 0 4 0 4 2 0 2 plane 0\n1 5 5 1 5 5 1 5 ship 1\n",
        "labelTxt/b.txt": "0 0 4 0 4 2 0 2 plane 0\n", "images/a.png": ""}),
    "mot": ("mot", lambda: {"gt/gt.txt": "1,3,11,21,30,40,1,1,0.5\n2,-1,-3,1,5,5,0,8,1\n", "img1/000001.jpg": "",
                            "seqinfo.ini": "[Sequence]\nimDir=img1\nimWidth=9\nimHeight=5\n", "gt/labels.txt": "a\nb\n"}),
    "widerface": ("widerface", lambda: {
        "x_bbx_gt.txt": "p/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n5 6 7 8 0 0 0 1 0 0\np/b.jpg\n0\n0 0 0 0\n"}),
    "openimages": ("openimages", lambda: {
        "train-annotations-bbox.csv": HEADER + 'a,x,/m/1,1,0.1,0.5,0.2,0.7,0,0,1,0,0\na,,/m/2,,"0,1",1,0,1\n',
        "class-descriptions.csv": "/m/1,Cat\n", "a.jpg": ""}),
    "huggingface": ("huggingface", lambda: {"train/metadata.jsonl": lines({"file_name": "a.jpg", "objects": OBJECTS}),
                                            "README.md": "---\nclass_label:\n  names:\n    '0': cat\n---\n"}),
    "huggingface csv": ("huggingface", lambda: {
        "metadata.csv": 'file_name,objects\na.jpg,"{""bbox"": [[1,2,3,4]], ""label"": [""x""]}"\n'}),
    "huggingface parquet": ("huggingface", lambda: {"data/train-0.parquet": parquet_bytes()}),
    "tfrecord": ("tfrecord", lambda: {"a.tfrecord": framed(tf_example("a.jpg", [1, 2], JPEG)) + framed(tf_example("b.jpg", [])),
                                      "label_map.pbtxt": "item { id: 1 name: 'cat' }\n"}),
    "cityscapes": ("cityscapes", lambda: {"gtFine/a_gtFine_polygons.json": json.dumps(
        {"imgHeight": 10, "imgWidth": 20, "objects": SHAPES})}),
    "bdd100k": ("bdd100k", lambda: {"det.json": json.dumps([{"name": "a.jpg", "labels": [BOX2D, {
        "category": "lane", "poly2d": [{"vertices": [[0, 0], [1, 1]]}]}]}])}),
    "odgt": ("odgt", lambda: {
        "a.odgt": lines({"ID": "27", "gtboxes": [{"fbox": [1, 2, 3, 4], "tag": "person", "extra": {"ignore": 1}}]})}),
    "vocmask": ("vocmask", lambda: {"SegmentationObject/a.png": voc_mask((2, 1, 6, 4, 1)),
                                    "SegmentationClass/a.png": voc_mask((2, 1, 6, 4, 3)), "JPEGImages/a.jpg": ""}),
}


def changed(rng: np.random.Generator, content: bytes, others: bytes) -> bytes:
    """Return content with one to four faults: bytes changed, cut out, put in, repeated, or the end cut off."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, len(data) + 1))
        length = int(rng.integers(1, 9))
        kind = int(rng.integers(0, 6))
        if kind == 0 and data:
            data[min(at, len(data) - 1)] = int(rng.integers(0, 256))
        elif kind == 1:
            del data[at:at + length]
        elif kind == 2:
            data[at:at] = rng.integers(0, 256, length, np.uint8).tobytes()
        elif kind == 3:
            data[at:at] = others[int(rng.integers(0, len(others))):][:length * 4]
        elif kind == 4:
            data[at:at] = [b"1e999", b"nan", b"-1", b"[" * 40, b"{}", b"null", b'"', b",", b"\n", b"9" * 30, b"\xff\xfe", b"\0"][
                int(rng.integers(0, 12))]
        elif rng.integers(0, 4) == 0:
            del data[at:]
    return bytes(data)


def run(case: str, count: int, folder: Path, seed: int = 0) -> tuple[int, int]:
    """Read so many mutated sets; return how many were refused in one line, and how many gave problems."""
    name, make = SETS[case]
    files = make()
    texts = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
    targets = [n for n, c in texts.items() if c]
    rng = np.random.default_rng([seed, zlib.crc32(case.encode())])
    refused = faulty = 0
    root = put(folder / "set", files)
    for _ in range(count):
        target = targets[int(rng.integers(0, len(targets)))]
        (root / target).write_bytes(changed(rng, texts[target], b"".join(texts.values())))
        try:
            read = Read(name, root)
            faulty += len(read.problems) > 0
            assert np.isfinite(read.annotations["image_row"]).all()
        except UserError as e:
            refused += 1
            assert "\n" not in str(e)
        finally:
            (root / target).write_bytes(texts[target])
    return refused, faulty


@pytest.mark.parametrize("case", SETS)
def test_mutated_sets(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    refused, faulty = run(case, 150, tmp_path)
    assert refused < 150
    assert refused + faulty > 10


if __name__ == "__main__":
    for each in SETS:
        with tempfile.TemporaryDirectory() as at:
            print(each, *run(each, int(sys.argv[1]), Path(at), 1), flush=True)

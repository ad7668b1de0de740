"""KITTI, DOTA, MOT, Open Images, Hugging Face and TFRecord: edits change what they name and no other byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from formats.reading import JPEG, put
from formats.row_sets import KITTI, RECORDS, SETS
from formats.test_record_formats import tf_example
from rewriting import Read, lines_lost, patches, rewritten

from dsinspect.errors import UserError
from dsinspect_formats.tfrecord._records import framed


@pytest.fixture(params=SETS)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    return str(request.param)


@pytest.fixture
def root(name: str, tmp_path: Path) -> Path:
    return put(tmp_path / "set", SETS[name])  # type: ignore[arg-type]


def test_what_is_set_to_itself_stays(name: str, root: Path) -> None:
    changes = [c for c in Read(name, root).same_again() if c["action"] != "set-image-size" or name in ("tfrecord", "mot")]
    assert changes
    assert patches(name, root, *changes) == {}


def test_dropping_takes_out_what_it_names(name: str, root: Path, tmp_path: Path) -> None:
    before = Read(name, root)
    at = before.rows("source", "index")
    to = rewritten(name, root, tmp_path / "to", *({"action": "drop-annotation", "source": s, "index": k} for s, k in at[::2]))
    after = Read(name, to)
    assert after.rows() == [r for k, r in enumerate(before.rows()) if k % 2]
    assert after.paths() == before.paths()


def test_boxes_move(name: str, root: Path, tmp_path: Path) -> None:
    before = Read(name, root)
    w, h = (640.0, 480.0) if before.info.box_units == "fraction" else (1.0, 1.0)
    upright = [r for r in before.rows("source", "index", "x_min", "y_min", "x_max", "y_max") if r[2:] != (5, 5, 15, 15)]
    changes = [{"action": "set-box", "source": s, "index": k, "x_min": x * w, "y_min": y * h + h / 8, "x_max": r * w - w / 16,
                "y_max": b * h} for s, k, x, y, r, b in upright]
    after = Read(name, rewritten(name, root, tmp_path / "to", *changes))
    got = {r[:2]: r[2:] for r in after.rows("source", "index", "x_min", "y_min", "x_max", "y_max")}
    for s, k, x, y, r, b in upright:
        assert got[s, k] == pytest.approx((x, y + (h / 8) / h, r - (w / 16) / w, b), abs=1e-6)


def test_classes(name: str, root: Path, tmp_path: Path) -> None:
    before = Read(name, root)
    first, second = list(dict.fromkeys(before.names()))[:2]
    assert first
    assert second
    merged = Read(name, rewritten(name, root, tmp_path / "merged", {
        "action": "merge-category", "category": first, "text": second}))
    assert merged.names() == [second if n == first else n for n in before.names()]
    dropped = Read(name, rewritten(name, root, tmp_path / "dropped", {"action": "drop-category", "category": first}))
    assert dropped.names() == [n for n in before.names() if n != first]
    renamed = Read(name, rewritten(name, root, tmp_path / "renamed", {
        "action": "rename-category", "category": first, "text": "new"}))
    assert renamed.names() == ["new" if n == first else n for n in before.names()]
    one = before.rows("source", "index")[0]
    changed = Read(name, rewritten(name, root, tmp_path / "one", {"action": "set-category", "source": one[0], "index": one[1],
                                                                  "text": second}))
    assert changed.names() == [second, *before.names()[1:]]
    assert changed.boxes() == before.boxes()


def test_an_image_goes(name: str, root: Path, tmp_path: Path) -> None:
    before = Read(name, root)
    path = before.paths()[0]
    to = rewritten(name, root, tmp_path / "to", {"action": "drop-image", "image": path})
    rows = before.annotations["image_row"].tolist()
    assert Read(name, to).rows() == [r for k, r in enumerate(before.rows()) if rows[k] != 0]


def test_what_is_not_there_is_refused(name: str, root: Path) -> None:
    source = Read(name, root).rows("source")[0][0]
    for change in ({"action": "drop-annotation", "source": source, "index": 99}, {"action": "drop-image", "image": "no.jpg"},
                   {"action": "set-annotation-id", "source": source, "index": 0, "text": "7"},
                   {"action": "drop-annotation", "source": "no.txt", "index": 0}):
        with pytest.raises(UserError, match=r"(?s)\A[^\n]+\Z"):
            patches(name, root, change)


def test_only_the_named_text_changes(tmp_path: Path) -> None:
    kitti = put(tmp_path / "kitti", SETS["kitti"])  # type: ignore[arg-type]
    change = {"action": "set-box", "source": "label_2/a.txt", "index": 0, "x_min": 10, "y_min": 20, "x_max": 30.5, "y_max": 39}
    after = patches("kitti", kitti, change)["label_2/a.txt"]
    assert after == KITTI.replace("30.5 40 1.5", "30.5 39 1.5").encode()
    after = patches("kitti", kitti, {"action": "drop-record", "source": "label_2/a.txt", "index": 2})["label_2/a.txt"]
    assert after == KITTI.replace("broken\r\n", "").encode()
    after = patches("kitti", kitti, {"action": "set-field", "source": "label_2/a.txt", "index": 0,
                                     "text": "occluded=3"})["label_2/a.txt"]
    assert after == KITTI.replace("0.50 1 -1.5", "0.50 3 -1.5").encode()
    hugging = put(tmp_path / "hf", SETS["huggingface"])  # type: ignore[arg-type]
    source = "train/metadata.jsonl"
    after = patches("huggingface", hugging, {"action": "drop-annotation", "source": source, "index": 0})[source]
    gone, came = lines_lost(SETS["huggingface"][source].encode(), after or b"")  # type: ignore[union-attr]
    assert len(gone) == len(came) == 1
    assert json.loads(came[0])["objects"] == {"bbox": [[5, 6, 7, 8.5]], "category": ["dog"], "id": [8]}
    after = patches("huggingface", hugging, {"action": "drop-annotation", "source": source, "index": 3})[source]
    assert json.loads((after or b"").splitlines()[1])["objects"] == [RECORDS[1]["objects"][0]]  # type: ignore[index]


def test_rotated_boxes_shrink_and_do_not_grow(tmp_path: Path) -> None:
    root = put(tmp_path, SETS["dota"])  # type: ignore[arg-type]
    at = {"action": "set-box", "source": "labelTxt/a.txt", "index": 1}
    after = patches("dota", root, {**at, "x_min": 6, "y_min": 5, "x_max": 15, "y_max": 14})["labelTxt/a.txt"]
    assert b"10 5 15 10 10 14 6 10 ship" in (after or b"")
    with pytest.raises(UserError, match="rotated"):
        patches("dota", root, {**at, "x_min": 0, "y_min": 5, "x_max": 15, "y_max": 15})


def test_records_without_an_edit_keep_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    root = put(tmp_path / "set", SETS["tfrecord"])  # type: ignore[arg-type]
    before = (root / "train.tfrecord").read_bytes()
    after = patches("tfrecord", root, {"action": "drop-annotation", "source": "train.tfrecord", "index": 3})["train.tfrecord"]
    third = framed(tf_example("c.jpg", [2, 1], JPEG))
    assert after is not None
    assert after.startswith(before[:-len(third)])
    assert JPEG in after[-len(third):]

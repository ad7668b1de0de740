"""Edits of COCO files: each changes what it names, and every other byte stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.conftest import cli  # noqa: F401 - a fixture of the tests here as well
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import Read, lines_lost, patches, rewritten, write

from dsinspect.errors import UserError
from dsinspect_formats.coco._spans import strict_spans, tolerant_spans
from dsinspect_formats.coco._tolerant import LISTS

FILE = """{
  "info": {"year": 2024, "note": "a \\"quoted\\" } ] [ { \\\\", "v": 1.50},
  "images": [
    {"id": 7, "file_name": "a.jpg", "width": 100, "height": 80, "licence": null},
    {"id": 9, "width": 100, "height": 80, "file_name": "sub/b.jpg"},
    {"id": 12, "file_name": "c.jpg", "width": 1e2, "height": 80.0}
  ],
  "annotations": [
    {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1.50, 2, 30.0, 4.250], "area": 127.5, "iscrowd": 0},
    {"image_id": 9, "id": 2, "bbox":[ 10 , 20 , 30 , 40 ], "category_id": 5, "track": {"a": [1, {"b": "]"}]}},
    {"id": 3, "image_id": 9, "category_id": 3, "segmentation": [[1,1,5,1,5,5]], "bbox": [1, 1, 4, 4], "area": 8.00},
    {"id": 4, "image_id": 12, "category_id": 8, "bbox": [0, 0, 9, 9], "iscrowd": 1}
  ],
  "categories": [
    {"id": 3, "name": "cat", "supercategory": "animal"},
    {"id": 5, "name": "d\\u00f6g"},
    {"id": 8, "name": "crowd"}
  ]
}
"""
ROWS = [("cat", 1.5, 2, 31.5, 6.25), ("dög", 10, 20, 40, 60), ("cat", 1, 1, 5, 5), ("crowd", 0, 0, 9, 9)]
AT = {"source": "set.json"}
IN = ("category", "x_min", "y_min", "x_max", "y_max")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "set", "set.json", FILE).parent


def after(root: Path, *changes: dict[str, Any]) -> bytes:
    found = patches("coco", root, *changes)
    assert list(found) == ["set.json"]
    new = found["set.json"]
    assert new is not None
    return new


def lost(root: Path, *changes: dict[str, Any]) -> tuple[list[str], list[str]]:
    before = (root / "set.json").read_bytes()
    new = after(root, *changes)
    json.loads(new)
    gone, came = lines_lost(before, new)
    return [g.decode().strip() for g in gone], [c.decode().strip() for c in came]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("dropped", [{0}, {1}, {3}, {0, 1}, {2, 3}, {0, 3}, {0, 1, 2, 3}])
def test_drop_annotation(tmp_path: Path, ends: str, dropped: set[int]) -> None:
    root = write(tmp_path / "set", "set.json", FILE.replace("\n", ends)).parent
    before = (root / "set.json").read_bytes()
    new = after(root, *({"action": "drop-annotation", **AT, "index": k} for k in dropped))
    gone, came = lines_lost(before, new)
    # When the last goes the one before it loses its comma; with none left the brackets meet.
    assert len(came) <= 1
    assert len(gone) - len(came) == len(dropped) + (len(dropped) == 4)
    to = write(tmp_path / "to", "set.json", new).parent
    assert Read("coco", to).rows(*IN) == [r for k, r in enumerate(ROWS) if k not in dropped]


def test_set_box_keeps_the_text_of_numbers_that_stay_and_an_area_that_was_the_box_follows(root: Path) -> None:
    _, came = lost(root, {"action": "set-box", **AT, "index": 0, "x_min": 1.5, "y_min": 2, "x_max": 20, "y_max": 6.25})
    assert came == ['{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1.50, 2, 18.5, 4.250], "area": 78.625, "iscrowd": 0},']
    _, came = lost(root, {"action": "set-box", **AT, "index": 1, "x_min": 10.25, "y_min": 20, "x_max": 40, "y_max": 60})
    assert '"bbox":[ 10.25 , 20 , 29.75 , 40 ]' in came[0]


def test_set_box_that_is_not_finite_is_refused(root: Path) -> None:
    with pytest.raises(UserError, match=r"set\.json, record 0: the new box has an edge"):
        patches("coco", root, {"action": "set-box", **AT, "index": 0, "x_min": 1, "y_min": np.inf, "x_max": 2, "y_max": 3})


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-category", "index": 0, "text": "dög"}, '"category_id": 3,', '"category_id": 5,'),
    ({"action": "set-annotation-id", "index": 0, "text": "77"}, '"id": 1,', '"id": 77,'),
    ({"action": "set-annotation-id", "index": 0}, '"id": 1,', '"id": 5,'),
    ({"action": "set-area", "index": 0, "text": "12.250"}, '"area": 127.5', '"area": 12.250'),
    ({"action": "set-area", "index": 1, "text": "5"}, '"]"}]}}', '"]"}]}, "area": 5}'),
    ({"action": "set-field", "index": 1, "text": "iscrowd=0"}, '"]"}]}}', '"]"}]}, "iscrowd": 0}'),
    ({"action": "set-field", "index": 0, "text": 'tag={"x": [1]}'}, '"iscrowd": 0}', '"iscrowd": 0, "tag": {"x": [1]}}'),
    ({"action": "drop-polygon", "index": 2}, '"segmentation": [[1,1,5,1,5,5]]', '"segmentation": []'),
    ({"action": "set-image-size", "image": "c.jpg", "text": "100x81"}, "80.0}", "81}"),
    ({"action": "set-path", "image": "c.jpg", "text": "d/ä.jpg"}, '"c.jpg"', '"d/\\u00e4.jpg"'),
    ({"action": "rename-category", "category": "cat", "text": "lynx"}, '"cat"', '"lynx"'),
    ({"action": "rename-category", "category": "dög", "text": "dog"}, '"d\\u00f6g"', '"dog"'),
])
def test_one_value_changes(root: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert FILE.count(old) >= 1
    result = after(root, {**AT, **change} if "index" in change else change).decode()
    place = FILE.index('"categories"') if "category" in change else FILE.index('"annotations"') if "index" in change else 0
    assert result == FILE[:place] + FILE[place:].replace(old, new, 1)


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"])
def test_a_new_field_is_laid_out_as_those_it_has(tmp_path: Path, indent: int | str | None) -> None:
    document = json.loads(FILE)
    separators = (",", ":") if indent is None else None
    root = write(tmp_path / "set", "set.json", json.dumps(document, indent=indent, separators=separators)).parent
    document["annotations"][3]["area"] = 81
    expected = json.dumps(document, indent=indent, separators=separators)
    assert after(root, {"action": "set-area", **AT, "index": 3, "text": "81"}).decode() == expected


def test_drop_image_takes_its_annotations(root: Path) -> None:
    gone, came = lost(root, {"action": "drop-image", "image": "sub/b.jpg"})
    assert came == []
    assert [g[:12] for g in gone] == ['{"id": 9, "w', '{"image_id":', '{"id": 3, "i']


def test_merge_and_drop_of_categories(root: Path, tmp_path: Path) -> None:
    changes = [{"action": "merge-category", "category": "dög", "text": "cat"}, {"action": "drop-category", "category": "crowd"},
               {"action": "rename-category", "category": "cat", "text": "pet"}]
    results = {after(root, *order) for order in (changes, changes[::-1])}
    assert len(results) == 1
    to = Read("coco", write(tmp_path / "to", "set.json", results.pop()).parent)
    assert to.rows(*IN) == [("pet", *r[1:]) for r in ROWS[:3]]
    assert [(c.category_id, c.name) for c in to.info.categories] == [(3, "pet")]


def test_edits_of_one_record_combine_and_dropping_wins(root: Path) -> None:
    changes = [{"action": "set-area", **AT, "index": 0, "text": "1"}, {"action": "set-category", **AT, "index": 0, "text": "crowd"},
               {"action": "drop-annotation", **AT, "index": 3}, {"action": "set-area", **AT, "index": 3, "text": "3"}]
    assert after(root, *changes) == after(root, *changes[::-1])
    gone, came = lost(root, *changes)
    assert len(gone) == 3
    assert '"category_id": 8' in came[0]
    assert '"area": 1,' in came[0]


@pytest.mark.parametrize(("change", "says"), [
    ({"action": "drop-annotation", **AT, "index": 4}, "record 4: the file has no such annotation"),
    ({"action": "drop-annotation", "source": "sat.json", "index": 0}, "sat.json, record 0: no such file"),
    ({"action": "drop-annotation", **AT}, "names no record"),
    ({"action": "set-category", **AT, "index": 0, "text": "crow"}, "no category 'crow'.*did you mean 'crowd'"),
    ({"action": "drop-image", "image": "z.jpg"}, "drop-image of z.jpg: no record names such an image"),
    ({"action": "drop-category", "category": "catt"}, "drop-category of catt: no such category .did you mean 'cat'"),
    ({"action": "merge-category", "text": "cat"}, "names no category"),
    ({"action": "rename-category", "category": "cat", "text": "crowd"}, "'crowd' is taken"),
    ({"action": "set-annotation-id", **AT, "index": 0, "text": "x"}, "'x' is not a whole number"),
    ({"action": "set-area", **AT, "index": 0, "text": "NaN"}, "'NaN' is not a number"),
    ({"action": "set-field", **AT, "index": 0, "text": "iscrowd"}, "not NAME=JSON"),
    ({"action": "set-image-size", "image": "a.jpg", "text": "12"}, "not WIDTHxHEIGHT"),
    ({"action": "rewrite-utf8", "source": "b.json"}, "no such file"),
])
def test_what_cannot_be_done_is_told_before_anything(root: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        patches("coco", root, {"action": "set-area", **AT, "index": 1, "text": "1"}, change)


def test_contradicting_edits_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match="two edits want different values: '1' and '2'"):
        patches("coco", root, *({"action": "set-annotation-id", **AT, "index": 0, "text": t} for t in "12"))


def test_set_field_without_a_record_fills_in_what_is_missing(root: Path, tmp_path: Path) -> None:
    new = json.loads(after(root, {"action": "set-field", "text": "iscrowd"}, {"action": "set-field", "text": "area"}))
    assert [(a["iscrowd"], a["area"]) for a in new["annotations"]] == [(0, 127.5), (0, 1200), (0, 8), (1, 81)]


def test_records_that_cannot_be_read_go(tmp_path: Path) -> None:
    text = FILE.replace('"category_id": 5', '"category_id": "five"').replace('"file_name": "c.jpg", ', "")
    root = write(tmp_path / "set", "set.json", text).parent
    before = Read("coco", root)
    faulty = sorted(set(before.problems["index"].tolist()))
    assert faulty == [1, 2]
    to = rewritten("coco", root, tmp_path / "to", *({"action": "drop-record", **AT, "index": k} for k in (1, 2)))
    now = Read("coco", to)
    # Index 2 names the image that cannot be read, and the annotation that can be stays.
    assert now.rows(*IN) == [ROWS[k] for k in (0, 2, 3)]
    assert not len(now.problems)


@pytest.mark.parametrize("cut", ['"iscrowd": 1}', '"bbox": [0, 0, 9', '{"id": 4', '"area": 8.00},'])
def test_a_file_that_breaks_off_is_closed(tmp_path: Path, cut: str) -> None:
    content = FILE[:FILE.index(cut) + len(cut)].replace("1.50", "NaN", 1).encode()
    root = write(tmp_path / "set", "set.json", content).parent
    before = Read("coco", root)
    index = max(before.problems["index"].tolist())
    new = patches("coco", root, {"action": "drop-record", **AT, "index": index})["set.json"]
    assert new is not None
    assert new.endswith(b"]}")
    now = Read("coco", write(tmp_path / "to", "set.json", new).parent)
    assert now.rows(*IN) == before.rows(*IN)
    assert not len(now.problems)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030", "cp1252"])
def test_the_encoding_stays_unless_asked(tmp_path: Path, encoding: str) -> None:
    note = "猫和狗的图片" if encoding != "cp1252" else "Bär, Größe"
    text = FILE.replace("a \\\"quoted", note + " \\\"")
    root = write(tmp_path / "set", "set.json", text.encode(encoding)).parent
    change = {"action": "set-category", **AT, "index": 0, "text": "crowd"}
    expected = text.replace('"category_id": 3, "bbox"', '"category_id": 8, "bbox"', 1)
    assert after(root, change) == expected.encode(encoding)
    assert after(root, change, {"action": "rewrite-utf8", **AT}) == expected.encode()
    rename = after(root, {"action": "rename-category", "category": "cat", "text": "€猫"}).decode(encoding)
    assert json.loads(rename)["categories"][0]["name"] == "€猫"


@pytest.mark.parametrize("is_strict", [True, False])
def test_bytes_that_mean_nothing_stay(tmp_path: Path, is_strict: bool) -> None:
    text = FILE if is_strict else FILE.replace("1.50]", "NaN]").replace('"v": 1.50', '"v": NaN')
    content = text.replace("a \\\"quoted", "h\xe4nd \\\"").encode("latin-1").replace(b"animal", b"\x81\x9d")
    root = write(tmp_path / "set", "set.json", content).parent
    change = {"action": "rename-category", "category": "cat", "text": "lynx"}
    assert after(root, change) == content.replace(b'"cat"', b'"lynx"')
    assert after(root, change, {"action": "rewrite-utf8", **AT}).decode().count("\ufffd") == 2


def test_set_path_without_a_text_leads_to_the_image(tmp_path: Path) -> None:
    root = write(tmp_path / "set", "train/set.json", FILE.replace('"sub/b.jpg"', '"C:\\\\me\\\\sub\\\\b.jpg"')).parent.parent
    write(root, "train/sub/b.jpg", b"image")
    before = Read("coco", root)
    assert "train/sub/b.jpg" in before.paths()
    new = patches("coco", root, {"action": "set-path", "image": "train/sub/b.jpg"})["train/set.json"]
    assert new is not None
    assert new.decode() == FILE


def test_files_of_several_splits_have_their_own_ids(tmp_path: Path) -> None:
    root = write(tmp_path / "set", "instances_train.json", FILE).parent
    write(root, "instances_val.json", FILE.replace('"id": 5', '"id": 50').replace('"category_id": 5', '"category_id": 50'))
    found = patches("coco", root, {"action": "set-category", "source": "instances_val.json", "index": 0, "text": "dög"})
    assert {k: (v or b"").count(b'"category_id": 50') for k, v in found.items()} == {"instances_val.json": 2}
    assert set(patches("coco", root, {"action": "drop-category", "category": "crowd"})) == {
        "instances_train.json", "instances_val.json"}


def test_a_single_file_keeps_its_name(tmp_path: Path) -> None:
    file = write(tmp_path / "set", "annotations/instances.json", FILE)
    source = Read("coco", file).rows("source")[0][0]
    assert set(patches("coco", file, {"action": "drop-annotation", "source": source, "index": 0})) == {"instances.json"}


# Drawn files: any white space, key order, unknown keys, escapes and nesting.

SPACE = st.text(" \t\r\n", max_size=3)
TEXTS = st.text(max_size=8) | st.sampled_from(['"', "\\", "}]", '[{"', "\\\"", "é", "猫", "\u2028", "images", "annotations"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10**6, 10**6) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6)


@st.composite
def number_texts(draw: st.DrawFn, low: int = 0) -> str:
    whole = draw(st.integers(low, 500))
    return draw(st.sampled_from([f"{whole}", f"{whole}.0", f"{whole}.50", f"{whole}.125", f"{whole}e0", f"{whole}.1"]))


@st.composite
def json_texts(draw: st.DrawFn, value: Any) -> str:
    """Write a value as JSON in some way of the many; a `Raw` stands as it is."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        items = [f"{draw(SPACE)}{json.dumps(k, ensure_ascii=draw(st.booleans()))}{draw(SPACE)}:{draw(SPACE)}"
                 f"{draw(json_texts(v))}{draw(SPACE)}" for k, v in value.items()]
        return "{" + (",".join(items) or draw(SPACE)) + "}"
    if isinstance(value, list):
        items = [f"{draw(SPACE)}{draw(json_texts(v))}{draw(SPACE)}" for v in value]
        return "[" + (",".join(items) or draw(SPACE)) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


class Raw:
    def __init__(self, text: str) -> None:
        self.text = text


@st.composite
def documents(draw: st.DrawFn) -> str:
    def record(known: dict[str, Any]) -> dict[str, Any]:
        unknown = draw(st.dictionaries(TEXTS.map(lambda t: f"x{t}"), VALUES, max_size=2))
        return dict(draw(st.permutations([*known.items(), *unknown.items()])))

    n_images = draw(st.integers(1, 3))
    images = [record({"id": k * 3, "file_name": f"{k}.jpg", "width": Raw(draw(number_texts(1))), "height": 50})
              for k in range(n_images)]
    annotations = [record({
        "id": k, "image_id": 3 * draw(st.integers(0, n_images - 1)), "category_id": draw(st.sampled_from([1, 2])),
        "bbox": [Raw(draw(number_texts())) for _ in range(4)], **draw(st.sampled_from([{}, {"area": 5.0}, {"iscrowd": 0}]))})
        for k in range(draw(st.integers(1, 5)))]
    categories = [record({"id": 1, "name": "a"}), record({"id": 2, "name": "ü\\"})]
    whole = record({"images": images, "annotations": annotations, "categories": categories})
    return draw(SPACE) + draw(json_texts(whole)) + draw(SPACE)


HYPOTHESIS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@HYPOTHESIS
@given(documents())
def test_drawn_files_stay_when_everything_is_set_to_itself(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = write(tmp_path_factory.mktemp("drawn"), "set.json", text).parent
    assert patches("coco", root, *Read("coco", root).same_again()) == {}


@HYPOTHESIS
@given(documents(), st.data())
def test_drawn_files_change_only_where_they_should(
        tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject) -> None:
    root = write(tmp_path_factory.mktemp("drawn"), "set.json", text).parent
    before = json.loads(text)
    n = len(before["annotations"])
    dropped = data.draw(st.sets(st.integers(0, n - 1)))
    boxed = data.draw(st.sets(st.integers(0, n - 1)))
    changes: list[dict[str, Any]] = [{"action": "drop-annotation", **AT, "index": k} for k in dropped]
    changes += [{"action": "set-box", **AT, "index": k, "x_min": 1.1, "y_min": 2, "x_max": 4.2, "y_max": 600} for k in boxed]
    changes += [{"action": "set-field", **AT, "index": k, "text": 'new=[1, "é"]'} for k in boxed]
    new = patches("coco", root, *changes).get("set.json", text.encode())
    assert new is not None
    now = json.loads(new)
    for k in boxed:
        x, y, w, h = next(a for a in now["annotations"] if a["id"] == k)["bbox"] if k not in dropped else (1.1, 2, 3.1, 598)
        assert (x, y, x + w, y + h) == (1.1, 2, 4.2, 600)
        drawn = before["annotations"][k]
        area = drawn["bbox"][2] * drawn["bbox"][3]
        if "area" in drawn and abs(drawn["area"] - area) <= max(1, 0.01 * abs(area)):  # that of the box follows it
            drawn["area"] = round(w * h, 4)
        drawn.update(bbox=[x, y, w, h], new=[1, "é"])
    before["annotations"] = [a for k, a in enumerate(before["annotations"]) if k not in dropped]
    assert now == before
    assert list(now) == list(before)
    assert [list(a) for a in now["annotations"]] == [list(a) for a in before["annotations"]]


@HYPOTHESIS
@given(documents())
def test_both_scanners_find_the_same_records(text: str) -> None:
    content = text.encode()
    fast, slow = strict_spans(content), tolerant_spans(content, "")
    assert set(fast) == set(slow) == set(LISTS)
    for key in LISTS:
        assert fast[key].pairs() == slow[key].pairs()
        assert (fast[key].opened, fast[key].closed) == (slow[key].opened, slow[key].closed)
        assert [json.loads(content[a:b]) for a, b in fast[key].pairs()] == json.loads(text)[key]


def test_spans_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    content = FILE.encode()
    whole = strict_spans(content)
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("dsinspect_formats.coco._spans._CHUNK", size)
        assert {k: v.pairs() for k, v in strict_spans(content).items()} == {k: v.pairs() for k, v in whole.items()}


def test_a_new_id_is_none_that_a_record_without_a_readable_box_has(tmp_path: Path, cli: Any) -> None:  # noqa: F811
    annotations = [{"id": n, "image_id": 1, "category_id": 1, "bbox": box, "area": 4, "iscrowd": 0}
                   for n, box in ((1, [1, 1, 2, 2]), (1, [4, 4, 2, 2]), (2, ["five", 1, 2, 2]))]
    document = {"images": [{"id": 1, "file_name": "a.png", "width": 9, "height": 9}], "annotations": annotations,
                "categories": [{"id": 1, "name": "car"}]}
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.json").write_text(json.dumps(document))
    cli("fix", tmp_path / "set", "-o", tmp_path / "out", "--select", "REC003", "--no-cache")
    fixed = json.loads((tmp_path / "out" / "a.json").read_text())["annotations"]
    assert [a["id"] for a in fixed] == [1, 3, 2]

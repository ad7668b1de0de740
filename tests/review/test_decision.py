"""Decisions: written and read back, wrong ones told, those of several reviewers brought together."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from dsinspect.errors import UserError
from dsinspect.protocols.decisions import (
    MEANINGS,
    OF_CHECKS,
    OF_FINDINGS,
    Decision,
    Decisions,
    NewBox,
    Record,
    Seen,
    Settings,
    choices_of,
)
from dsinspect.protocols.run import Census, Run
from dsinspect.review.audit_sheet import write_sheet
from dsinspect.review.decision import decode_decisions, encode_decisions, merge_decisions, read_decisions
from dsinspect.review.resolve import _differs, resolve_decisions
from dsinspect.review.store import Store, read_store
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect.tables.schema import BOX_COLUMNS, annotation_columns, image_columns

PRINTS = st.sampled_from([f"{k:016x}" for k in range(6)])
TEXTS = st.none() | st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
BOXES = st.tuples(*[st.floats(-1e6, 1e6)] * 4)
DECISIONS = st.one_of(
    st.builds(Decision, st.sampled_from(["keep", "fix", "drop"]), finding=PRINTS, comment=TEXTS, reviewer=TEXTS,
              seen=st.none() | st.builds(Seen, code=TEXTS, image=TEXTS, bbox_xyxy=st.none() | BOXES)),
    st.builds(Decision, st.just("set-box"), finding=PRINTS, value=BOXES),
    st.builds(Decision, st.just("set-category"), finding=PRINTS, value=st.sampled_from(["cat", "dog"])),
    st.builds(Decision, st.just("add-box"), record=st.builds(Record, image=st.text(max_size=5)),
              value=st.builds(NewBox, BOXES, st.text(max_size=5))),
    st.builds(Decision, st.sampled_from(OF_CHECKS), check=st.sampled_from(["BOX001", "IMG002"])))


@given(st.lists(DECISIONS, max_size=8))
def test_written_and_read_back(decisions: list[Decision]) -> None:
    settings = Settings(format="coco", select=("BOX",), checks={"BOX005": {"min_side": 30}}, shared_options={"imgsz": 640})
    document = Decisions("a set", settings, tuple(decisions))
    content = encode_decisions(document)
    read = decode_decisions(content, "d.json")
    assert read.settings == settings
    assert read.dataset == "a set"
    assert [d.place for d in read.decisions] == [f"d.json, decision {k}" for k in range(1, len(decisions) + 1)]
    assert [(d.key, d.choice, d.comment, d.seen) for d in read.decisions] == [
        (d.key, d.choice, d.comment, d.seen) for d in decisions]


@pytest.mark.parametrize(("text", "told"), [
    ("", "no file of decisions"), ("[1]", "no file of decisions"), ("{}", "no list named decisions"),
    ('{"decisions": []}', ""), ("\x00", "no file of decisions"),
    ('{"schema_version": 2}', "another version"), ("[" * 5000, "no file of decisions"),
    ('{"decisions": [{"action": "dorp", "finding": "0"}]}', "did you mean 'drop'"),
    ('{"decisions": [{"action": "drop"}]}', "decision 1: nothing given"),
    ('{"decisions": [{"action": "drop", "finding": "0", "check": "BOX001"}]}', "finding and check given"),
    ('{"decisions": [{"action": "keep", "finding": "0"}, {"action": "set-box", "check": "BOX001"}]}', "decision 2: set-box cannot"),
    ('{"decisions": [{"action": "set-box", "finding": "0", "value": [1, 2, 3]}]}', "no file of decisions"),
])
def test_wrong_documents_are_told_in_a_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "decisions.json"
    path.write_text(text)
    if not told:
        assert read_decisions(path).decisions == ()
        return
    with pytest.raises(UserError, match=told):
        read_decisions(path)


def test_two_reviewers_who_agree_are_one_and_who_disagree_are_named() -> None:
    a = Decisions(decisions=(Decision("drop", finding="1" * 16, reviewer="Ada", comment="gone", place="a.xlsx, B2"),
                             Decision("keep", finding="2" * 16, reviewer="Ada", place="a.xlsx, B3"),
                             Decision("keep", check="BOX001")))
    b = Decisions(decisions=(Decision("drop", finding="1" * 16, reviewer="Bob"),
                             Decision("drop", finding="2" * 16, reviewer="Bob", place="b.json, decision 2")))
    merged = merge_decisions([a, b])
    assert [(d.action, d.reviewer, d.comment) for d in merged.decisions.decisions] == [
        ("drop", "Ada, Bob", "gone"), ("keep", None, None)]
    (conflict,) = merged.conflicts
    assert str(conflict) == (f"finding {'2' * 16}: keep by Ada (a.xlsx, B3), drop by Bob (b.json, decision 2)")


@given(st.lists(st.lists(DECISIONS, max_size=6), max_size=3))
def test_no_decision_is_lost_in_a_merge(lists: list[list[Decision]]) -> None:
    merged = merge_decisions([Decisions(decisions=tuple(d)) for d in lists])
    every = {d.key for part in lists for d in part}
    kept = {d.key for d in merged.decisions.decisions}
    contradicted = {d.key for c in merged.conflicts for d in c.decisions}
    assert kept | contradicted == every
    assert not kept & contradicted


def test_reports_with_different_settings_are_not_merged() -> None:
    a, b = Decisions(settings=Settings(select=("BOX",))), Decisions(settings=Settings(ignore=("IMG",)))
    with pytest.raises(UserError, match=r"different settings \(select, ignore\)"):
        merge_decisions([a, b])
    assert merge_decisions([Decisions(), a]).decisions.settings == a.settings
    with pytest.raises(UserError, match="review apply SECOND OUT"):
        merge_decisions([a, b])


def test_a_configuration_that_changes_nothing_is_no_other_setting() -> None:
    a, b = (Decisions(settings=Settings(format="coco", config=c)) for c in (None, "dsinspect.toml"))
    assert merge_decisions([a, b]).decisions.settings == a.settings


def test_only_possible_choices() -> None:
    def choices(**given: object) -> tuple[str, ...]:
        known = {"has_annotation": False, "source": None, "index": None, "image": None, "category": None, "fix": None}
        return choices_of(**{**known, **given})  # type: ignore[arg-type]

    assert choices() == ("keep",)
    assert choices(image="a.jpg") == ("keep", "drop-image")
    assert choices(category="cat") == ("keep", "rename-class", "merge-class")
    assert choices(source="a.json", index=3) == ("keep", "drop")
    box = {"has_annotation": True, "source": "a.txt", "index": 0, "image": "a.jpg", "category": "cat"}
    assert choices(**box) == ("keep", "drop", "set-box", "set-category", "mark-as-crowd", "drop-image")
    assert choices(**box, fix="drop-annotation", no_place={"mark-as-crowd"}) == (
        "keep", "fix", "drop", "set-box", "set-category", "drop-image")
    assert choices(image="a.jpg", fix="drop-annotation") == ("keep", "drop-image"), "a fix needs its record"
    assert set(OF_FINDINGS) < set(MEANINGS)


def test_the_same_audit_is_the_same_bytes_whatever_stands_in_it(tmp_path: Path) -> None:
    hostile = ["=1+1", "a\nb", "<b>&", "_x0041_", "\x00\x1b\ud800", "x" * 40_000, None, 7, 2.5, "تسمية"]
    for name in ("a.xlsx", "b.xlsx"):
        write_sheet(tmp_path / name, "Audit", ["A"] * 10, [20] * 10, [hostile] * 300, 9, "B2")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    sheet: Any = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    read = [unescape(c.value) if isinstance(c.value, str) else c.value for c in sheet[301]]
    assert read[:4] == ["=1+1", "a\nb", "<b>&", "_x0041_"]
    assert read[4] == "\ufffd\ufffd\ufffd"
    assert len(read[5]) == 32_767
    assert read[6:] == [None, 7, 2.5, "تسمية"]
    assert all(c.data_type != "f" for c in sheet[301])


@pytest.mark.parametrize(("first", "second"), [
    (Decision("set-category", finding="1" * 16, value="cat"), Decision("set-category", finding="1" * 16, value="dog")),
    (Decision("set-box", finding="1" * 16, value=(1, 2, 3, 4)), Decision("set-box", finding="1" * 16, value=(1, 2, 3, 5))),
    (Decision("drop", record=Record(source="a.txt", index=1)), Decision("mark-as-crowd", record=Record(source="a.txt", index=1))),
    (Decision("keep", check="BOX001"), Decision("fix", check="BOX001"))])
def test_one_action_with_another_value_contradicts(first: Decision, second: Decision) -> None:
    merged = merge_decisions([Decisions(decisions=(first,)), Decisions(decisions=(second,))])
    assert (len(merged.decisions.decisions), len(merged.conflicts)) == (0, 1)


def test_decisions_on_two_records_of_a_file_or_two_boxes_of_an_image_stand_beside_each_other() -> None:
    both = [Decision("drop", record=Record(source="a.txt", index=k)) for k in (1, 2)]
    both += [Decision("mark-as-crowd", record=Record(source="b.txt", index=1))]
    both += [Decision("add-box", record=Record(image="a.jpg"), value=NewBox((0, 0, k, 9), "cat")) for k in (1, 2)]
    assert merge_decisions([Decisions(decisions=(d,)) for d in both]).decisions.decisions == tuple(both)


@pytest.mark.parametrize("setting", [s for s in Settings.__struct_fields__ if s != "config"])
def test_every_setting_but_the_name_of_the_configuration_counts(setting: str) -> None:
    values = {"select": ("BOX",), "extend_select": ("BOX",), "ignore": ("BOX",), "severity": {"BOX": "info"},
              "per_split_ignores": {"val": ("BOX",)}, "checks": {"BOX005": {"min_side": 3}}, "formats": {"voc": {"base": 1}},
              "shared_options": {"imgsz": 640}}
    base = {"format": "coco"} if setting != "format" else {"trainer": "yolox"}
    a, b = Settings(**base), Settings(**base, **{setting: values.get(setting, "x")})  # type: ignore[arg-type]
    with pytest.raises(UserError, match=rf"different settings \({setting}\)"):
        merge_decisions([Decisions(settings=a), Decisions(settings=b)])


def test_a_store_keeps_the_last_decision_of_each_reviewer(tmp_path: Path) -> None:
    path, finding = tmp_path / "r.sqlite", "1" * 16
    store = Store(path, "set", Settings())
    for reviewer, action in (("Ada", "drop"), ("Bob", "keep"), ("Ada", "mark-as-crowd")):
        store.add(reviewer, [("f", Decision(action, finding=finding, reviewer=reviewer))])
    assert [(d.reviewer, d.action) for d in store.decisions().decisions] == [("Bob", "keep"), ("Ada", "mark-as-crowd")]
    store.add("Ada", [("f", None)])
    store.close()
    assert [(d.reviewer, d.action) for d in read_store(path).decisions] == [("Bob", "keep")]


@pytest.mark.parametrize(("seen", "differs"), [
    (None, ""), (Seen(), ""), (Seen(code="BOX001", image="a.jpg", annotation=Record(id=7)), ""),
    (Seen(code="BOX002"), "code"), (Seen(image="b.jpg"), "image"), (Seen(annotation=Record(id=8)), "annotation"),
    (Seen(annotation=Record(source="other.json")), "")])
def test_a_finding_that_is_another_than_the_reviewer_saw_is_refused(seen: Seen | None, differs: str) -> None:
    finding: Any = SimpleNamespace(code="BOX001", image="a.jpg", annotation_id=7)
    told = _differs(seen, finding)
    assert told.partition(" is ")[0] == differs
    assert ("sorted apart" in told) == bool(differs)


def test_a_document_beyond_the_limit_is_refused_with_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_LIMITS", "decisions_mb=1")
    small, large = (b'{"decisions": []}' + b" " * n for n in ((1 << 20) - 17, (1 << 20) - 16))
    assert decode_decisions(small, "d.json").decisions == ()
    with pytest.raises(UserError, match="--read-limit decisions_mb"):
        decode_decisions(large, "d.json")


def records(*boxes: tuple[float, ...], indices: tuple[int, ...]) -> Run:
    """Return a run on annotations of the class cat in a.txt."""
    n, edges = len(boxes), np.array(boxes, float)
    table = annotation_columns(n, image_row=np.zeros(n, int), category=objects(["cat"] * n), source=objects(["a.txt"] * n),
                               index=np.array(indices), **{c: edges[:, k] for k, c in enumerate(BOX_COLUMNS)})
    images = image_columns(1, path=objects(["a.jpg"]), width=np.array([90.0]), height=np.array([80.0]))
    images = images.with_columns({"frame_width": images["width"], "frame_height": images["height"]})
    none = pd.DataFrame({"name": []})
    return Run("set", DatasetInfo("yolo", Path(), (Category(0, "cat"),)), Census(1, n, none, none), (), images,
               table.with_columns({"path": objects(["a.jpg"] * n)}))


@pytest.mark.parametrize(("index", "seen", "told"), [
    (3, (1, 2, 3, 4), ""), (3, None, ""), (3, (1, 2, 3, 4.0004), ""), (3, (1, 2, 3, 5), "was 1, 2, 3, 5 when it was decided on"),
    (9, None, "has no annotation with the index 9"), (5, None, "more than one annotation with the index 5")])
def test_a_decision_on_a_record_is_on_the_one_that_was_seen(index: int, seen: Any, told: str) -> None:
    run = records((1, 2, 3, 4), (5, 6, 7, 8), (5, 6, 7, 9), indices=(3, 5, 5))
    decision = Decision("drop", record=Record(source="a.txt", index=index), seen=seen and Seen(bbox_xyxy=seen))
    review = resolve_decisions([decision], run)
    assert [told in f.what for f in review.faults] == ([True] if told else [])
    assert [m.change and m.change["index"] for m in review.made] == ([] if told else [3])

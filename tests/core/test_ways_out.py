"""What is read and written stays inside: siblings whose names begin alike, `..`, links; files whole, limits as they were set."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest
from convert.sets import coco

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.io.archives import _inside, unpack
from dsinspect.io.atomic import write_atomic
from dsinspect.io.containment import SplitNames, held, leads_outside, name_of
from dsinspect.io.limits import limits, put_in_force
from dsinspect.io.reading import leaves
from dsinspect.output.destination import Apart, is_within, publish


def test_a_folder_whose_name_begins_alike_is_another(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set2").mkdir()
    assert leaves(tmp_path / "set2/a.txt", tmp_path / "set")
    assert not is_within(tmp_path / "set2", tmp_path / "set")
    assert is_within(tmp_path / "set", tmp_path / "set")
    assert not leaves(tmp_path / "set/x/../a.txt", tmp_path / "set")
    (tmp_path / "set/link").symlink_to(tmp_path / "set2")
    assert leaves(tmp_path / "set/link/a.txt", tmp_path / "set")
    with pytest.raises(UserError, match="a link on the way"):
        held(tmp_path / "set", "link/a.txt")
    Apart(tmp_path / "set").require([str(tmp_path / "set2/a.jpg"), None])
    with pytest.raises(UserError, match="holds files of the dataset"):
        Apart(tmp_path / "set2").require([str(tmp_path / "set/link/a.jpg")])


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/a", "a/.."])
def test_texts_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    assert leads_outside(path)
    with pytest.raises(UserError, match="leads out"):
        held(tmp_path, path)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "a\\..\\..\\b", "..\\a", "/a", "\\a", "", ".", "a\0b"])
def test_members_of_archives_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="leads outside"):
        _inside(Path("a.zip"), name)
    assert _inside(Path("a.zip"), "./a//b..c/d") == "a/b..c/d"


def test_separators_of_either_system_are_no_part_of_a_name() -> None:
    assert [name_of(t) for t in ("..\\..\\x", "a\\b", "a/b", ".hidden", "..")] == ["x", "a_b", "a_b", "hidden", "unnamed"]


def test_two_splits_never_share_a_name_nor_one_that_differs_in_case_only() -> None:
    names = SplitNames()
    given = [names.of(s) for s in ("train", "Train", "a/b", "a_b", "A\\B", "train", None)]
    assert given == ["train", "Train__2", "a_b", "a_b__2", "A_B__3", "train", None]
    assert names.changed == {"Train": "Train__2", "a/b": "a_b", "a_b": "a_b__2", "A\\B": "A_B__3"}


def test_an_output_that_was_filled_meanwhile_is_not_touched(tmp_path: Path) -> None:
    stage, out = tmp_path / ".out.1.part", tmp_path / "out"
    for folder, text in ((stage, "new"), (out, "old")):
        folder.mkdir()
        (folder / "a.txt").write_text(text)
    with pytest.raises(UserError, match="another run has filled it"):
        publish(stage, out, force=False)
    assert (out / "a.txt").read_text() == "old"


def test_with_force_no_file_is_moved_when_one_would_leave_through_a_link(tmp_path: Path) -> None:
    stage, out, other = tmp_path / ".out.1.part", tmp_path / "out", tmp_path / "other"
    for folder in (stage / "z", out, other):
        folder.mkdir(parents=True)
    (stage / "a.txt").write_text("new")
    (stage / "z/b.txt").write_text("new")
    (out / "z").symlink_to(other)
    with pytest.raises(UserError, match="leads out"):
        publish(stage, out, force=True)
    assert [*other.iterdir()] == []
    assert not (out / "a.txt").exists()


def test_a_durable_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[bytes, bool]] = []
    path = tmp_path / "a.json"
    monkeypatch.setattr("dsinspect.io.atomic.flush", lambda partial: flushed.append((partial.read_bytes(), path.exists())))
    write_atomic(path, b"{}")
    assert flushed == [(b"{}", False)]
    write_atomic(path, b"[]", durable=False)
    assert flushed == [(b"{}", False)]
    assert path.read_bytes() == b"[]"


def test_the_command_line_beats_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_LIMITS", "rows=5")
    put_in_force({"rows": 6, "columns": 7}, weak=True)
    assert (limits().rows, limits().columns) == (5, 7)
    put_in_force({"rows": 8})
    assert (limits().rows, limits().columns) == (8, 7)


@pytest.mark.parametrize("most", [3, 2])
def test_an_archive_may_hold_as_many_files_as_the_limit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setenv("DSINSPECT_LIMITS", f"archive_files={most}")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("a.txt", "b/c.txt", "b/d.txt"):
            archive.writestr(name, name)
    if most == 3:
        folder = unpack(tmp_path / "a.zip", tmp_path / "into")
        assert sorted(p.name for p in folder.rglob("*.txt")) == ["a.txt", "c.txt", "d.txt"]
        return
    with pytest.raises(UserError, match=r"more than 2 files .*archive_files"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_no_class_of_the_weights_is_a_formula(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "a.png"}], [{"image_id": 0, "bbox": [1, 2, 3, 4]}], [{"id": 1, "name": "=1+1"}])
    assert main(["balance", str(source), "--split", "all", "-o", str(tmp_path / "w.csv"), "--quiet"]) == 0
    (row,) = csv.DictReader((tmp_path / "w.csv").open(encoding="utf-8"))
    assert row["class"] == "'=1+1"

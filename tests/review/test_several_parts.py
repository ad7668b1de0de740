"""Several datasets as one (`train=A val=B`): fix and review apply write each part's corrected copy below the output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from books import Book, contents

from dsinspect.cli import main

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def parts(tmp_path: Path) -> tuple[str, str]:
    for name in ("clean", "coco"):
        shutil.copytree(SAMPLES / name, tmp_path / "sets" / name)
    return f"train={tmp_path}/sets/clean", f"val={tmp_path}/sets/coco"


def differing(before: Path, after: Path) -> set[str]:
    a, b = contents(before), contents(after)
    return {k for k in {*a, *b} if a.get(k) != b.get(k)}


def test_fix_writes_each_part(cli: Any, tmp_path: Path, parts: tuple[str, str]) -> None:
    done = cli("fix", *parts, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    alone = cli("fix", tmp_path / "sets/coco", "-o", tmp_path / "alone")
    assert alone.code == 0, alone.err
    assert differing(tmp_path / "alone", tmp_path / "out/coco") == set()
    assert differing(tmp_path / "sets/clean", tmp_path / "out/clean") == set()
    assert "fixed: none" not in done.out
    assert "new:" not in done.out
    diff = cli("fix", *parts, "--diff")
    assert "--- a/coco/annotations/instances_train.json" in diff.out


def test_images_may_stay_where_they_are(cli: Any, tmp_path: Path, parts: tuple[str, str]) -> None:
    done = cli("fix", *parts, "-o", tmp_path / "out", "--annotations-only")
    assert done.code == 0, done.err
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_a_review_of_both_applies(cli: Any, tmp_path: Path, parts: tuple[str, str]) -> None:
    assert cli("report", *parts, "-o", tmp_path / "two.xlsx", "--quiet").code == 0
    book = Book(tmp_path / "two.xlsx")
    row = book.rows("BOX003")[0]
    book.decide(row, "drop")
    book.add("rename-class", None, "bicycle", "bike")
    printed = next(str(c.value) for line in book.book["Summary"] for c in line if "review apply" in str(c.value or ""))
    command = printed.split("dsinspect ")[1].split()
    command[2:3] = [str(book.save(tmp_path / "reviewed.xlsx"))]
    command[-1] = str(tmp_path / "out")
    done = cli(*command)
    assert done.code == 0, done.err
    for name in ("clean", "coco"):
        document = json.loads((tmp_path / "out" / name / "annotations/instances_train.json").read_text())
        assert "bike" in [c["name"] for c in document["categories"]]
    assert cli("review", "apply", tmp_path / "reviewed.xlsx", *parts, "--diff").code == 0
    assert cli("review", "import", tmp_path / "reviewed.xlsx", *parts, "-o", tmp_path / "again.xlsx").code == 0
    assert len(Book(tmp_path / "again.xlsx").decisions()) == 1


def test_what_is_not_applied_names_the_corrected_parts(cli: Any, tmp_path: Path, parts: tuple[str, str]) -> None:
    assert cli("report", *parts, "-o", tmp_path / "two.xlsx", "--quiet").code == 0
    book = Book(tmp_path / "two.xlsx")
    book.decide(book.rows("BOX003")[0], "drop")
    book.decide(book.rows("BOX005")[0], "set-box", New_value="1, 2, 3")
    done = cli("review", "apply", book.save(tmp_path / "reviewed.xlsx"), *parts, "-o", tmp_path / "out", "--partial")
    assert done.code == 1
    assert f"train={tmp_path}/out/clean val={tmp_path}/out/coco -o NEW" in done.err
    rest = Book(tmp_path / "out-rest.xlsx")
    rest.decide(rest.rows("BOX005")[0], "drop", New_value=None)
    done = cli("review", "apply", rest.save(tmp_path / "rest.xlsx"), f"train={tmp_path}/out/clean", f"val={tmp_path}/out/coco",
               "-o", tmp_path / "new")
    assert done.code == 0, done.err


def test_files_side_by_side(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "coco", tmp_path / "set")
    files = [f"{s}={tmp_path}/set/annotations/instances_{s}.json" for s in ("train", "val")]
    done = cli("fix", *files, "-o", tmp_path / "out", "--images", tmp_path / "set")
    assert done.code == 0, done.err
    alone = cli("fix", tmp_path / "set", "-o", tmp_path / "alone")
    assert alone.code == 0
    for s in ("train", "val"):
        name = f"instances_{s}.json"
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "alone/annotations" / name).read_bytes()


def test_a_part_in_another_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLES / "clean", tmp_path / "set")
    file = tmp_path / "set/annotations/instances_val.json"
    assert main(["fix", f"train={tmp_path}/set", f"val={file}", "-o", str(tmp_path / "out")]) == 2
    assert "val lies in the folder of train" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_status_of_a_set_in_parts(cli: Any, tmp_path: Path) -> None:
    parts = [f"train={SAMPLES / 'coco'}", f"val={shutil.copytree(SAMPLES / 'coco', tmp_path / 'more')}"]
    report = tmp_path / "report.xlsx"
    assert cli("report", *parts, "-o", report, "--select", "BOX001,BOX003", "--quiet").code == 0
    book = Book(report)
    book.decide(2, "drop")
    book.decide(3, "drop")
    book.save(report)
    done = cli("review", "status", report, "--dataset", parts[0], "--dataset", parts[1])
    assert done.code == 0, done.err
    assert "2 of" in done.out
    assert "cannot be applied" not in done.out
    assert "not checked" not in done.out
    book.sheet.cell(2, book.columns["Fingerprint"]).value = "0" * 16
    book.save(report)
    done = cli("review", "status", report, "--dataset", parts[0], "--dataset", parts[1])
    assert "1 decision cannot be applied" in done.out


def test_a_review_is_named_before_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "apply", "train=a", "val=b", "-o", "out"]) == 2
    assert "no review" in capsys.readouterr().err

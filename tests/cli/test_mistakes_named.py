"""Mistakes of a newcomer's: each is refused, in one line that says what is really wrong and what to do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dsinspect
from dsinspect.commands.transform import IN_WORDS, report_written
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import ACTIONS, FIX_WORDS
from dsinspect.transformation.pipeline import Summary

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.mark.parametrize(("arguments", "told"), [
    (("check", "{s}/coco", "--no-plugin", "checks"), "no check is left to run"),
    (("report", "{s}/coco", "--no-plugin", "checks"), "no check is left to run"),
    (("fix", "{s}/coco", "--diff", "--no-plugin", "checks"), "no check is left to run"),
    (("check", "{s}/coco", "--select", "BOX", "--ignore", "BOX"), "ignore (BOX) leaves out what select (BOX) names"),
    (("check", "{s}/coco", "--ignore", "ALL"), "ignore (ALL) leaves out what select (all checks) names"),
    (("check", "{s}/coco", "--anchors", "abc"), "SIZ004: anchors 'abc': write width and height"),
    (("check", "{s}/coco", "--anchors", "1,2,3"), "SIZ004: anchors '1,2,3': write width and height"),
    (("check", "{s}/coco", "--anchors", "10,0"), "SIZ004: anchors '10,0'"),
    (("check", "{s}/coco", "--select", "BOX", "--anchors", "1 2 3"), "SIZ004: anchors"),
    (("check", "{s}/coco", "--columns", "image=a"), "is read as coco, which has no columns"),
    (("balance", "{s}/coco", "--columns", "image=a"), "is read as coco, which has no columns"),
    (("view", "one.jpg", "-o", "two.png"), "one.jpg: no dataset format recognised"),
    (("view", "none.npy", "-o", "two.png"), "none.npy: no such file"),
    (("report", "none", "-o", "no/folder.json"), "none: no such file"),
    (("simulate", "none", "--trainer", "mmdet", "-o", "no/folder.json"), "none: no such file"),
    (("fix", "none", "-o", "full"), "none: no such file"),
    (("convert", "none", "-o", "full", "--to", "voc"), "none: no such file"),
    (("transform", "one.jpg", "-o", "full", "--op", "flip"), "one.jpg: no dataset format recognised"),
    (("review", "serve", "none"), "none: no such file"),
    (("review", "serve", "{s}/coco", "--store", "one.jpg"), "--store one.jpg: is no store of decisions"),
    (("review", "apply", "{s}/coco", "one.jpg", "-o", "out"), "write the reviews first and the dataset last"),
    (("review", "apply", "one.xlsx", "-o", "out"), "write dsinspect review apply REVIEW... DATASET"),
    (("check", "{s}/coco", "--selct", "BOX"), "no such option --selct (did you mean '--select'?)"),
    (("check", "{s}/coco", "--jobs", "0"), "--jobs: write a number of at least 1; "),
    (("check", "{s}/coco", "--max-findings", "x"), "--max-findings: write a whole number; "),
    (("check", "{s}/coco", "--fail-on"), "option '--fail-on' requires an argument; `dsinspect check --help`"),
    (("check", "{s}/coco", "--set", "box5.min_side=1"), "checks.BOX5: no such check (did you mean 'BOX005'?)"),
    (("check", "{s}/coco", "{s}/voc"), "as in train={s}/coco val={s}/voc;"),
    (("check", "train={s}/coco", "{s}/voc"), "as in val={s}/voc;"),
    (("check", "train={s}/coco", "val="), "val=: write the place of the dataset after the ="),
    (("check",), "missing argument; write dsinspect check DATASET..."),
    (("chek",), "no such command 'chek' (did you mean 'check'"),
    (("view", "{s}/coco"), "missing option '--output'"),
    (("explain", "BOX3"), "did you mean 'BOX003'"),
    (("check", "{s}/coco", "--select", "BOX3"), "did you mean 'BOX003'"),
    (("simulate", "{s}/coco", "--trainer", "yolo"), "did you mean 'ultralytics'"),
    (("simulate", "{s}/coco", "--trainer", "yolov8"), "did you mean 'ultralytics'"),
    (("simulate", "{s}/coco", "--trainer", "yolo-x"), "did you mean 'yolox'"),
    (("convert", "{s}/coco", "-o", "out", "--for", "mmdetection"), "did you mean 'mmdet'"),
    (("view", "{s}/coco", "-o", "a.png", "--class", "zebra"), "no such class; there are car, person, bicycle"),
    (("view", "{s}/coco", "-o", "a.png", "--class", "carr"), "no such class (did you mean 'car'?)"),
    (("view", "{s}/coco", "-o", "a.png", "--split", "trian"), "no such split (did you mean 'train'?)"),
    (("view", "{s}/coco", "-o", "a.png", "--image", "nix/train_06.jpg"), "(did you mean 'train/train_06.jpg'?)"),
    (("check", "{s}/coco", "--output-file", "no/folder.json"), "--output-file no/folder.json: no folder no"),
    (("check", "{s}/coco", "--write-baseline", "no/folder.json"), "--write-baseline no/folder.json: no folder no"),
])
def test_what_is_wrong_is_said_in_one_line(cli: Any, arguments: tuple[str, ...], told: str) -> None:
    shutil.copy(SAMPLES / "coco/train/train_06.jpg", "one.jpg")
    shutil.copy("one.jpg", "two.png")
    Path("full").mkdir()
    Path("full/a").touch()
    done = cli(*(a.format(s=SAMPLES) for a in arguments))
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("dsinspect: error: ")
    assert done.err.count("\n") == 1, done.err
    assert told.format(s=SAMPLES) in done.err


@pytest.mark.parametrize("name", ["a.jpg", "train_99.jpg", "train/train_099.jpg"])
def test_no_image_of_another_number_is_suggested(cli: Any, name: str) -> None:
    done = cli("view", SAMPLES / "coco", "-o", "a.png", "--image", name)
    assert done.err == f"dsinspect: error: --image {name}: the dataset has no such image\n"


def test_codes_are_read_in_small_letters_too(cli: Any) -> None:
    small = cli("check", SAMPLES / "coco", "--select", "box003", "--set", "box003.tolerance=11")
    assert small.out == cli("check", SAMPLES / "coco", "--select", "BOX003", "--set", "BOX003.tolerance=11").out
    assert "limit 11 px" in small.out


def test_anchors_are_read_in_the_forms_that_configurations_have(cli: Any) -> None:
    said = {cli("check", SAMPLES / "coco", "--select", "SIZ004", "--anchors", text).out
            for text in ("10,13 16,30", "10,13, 16,30", "[[10, 13], [16, 30]]", "10 13 16 30")}
    assert len(said) == 1
    assert "given anchors" in said.pop()


def test_the_suffix_of_the_file_chooses_what_check_writes(cli: Any) -> None:
    cli("check", SAMPLES / "coco", "-o", "a.json")
    cli("check", SAMPLES / "coco", "--output-file", "b.json", "--output-format", "json")
    cli("check", SAMPLES / "coco", "--output-file", "c.json", "--output-format", "concise")
    cli("check", SAMPLES / "coco", "--output-file", "d.log")
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    assert Path("c.json").read_text().startswith("train")
    assert "BOX001 no-area" in Path("d.log").read_text()


def test_the_help_of_a_group_without_a_command_stays(cli: Any) -> None:
    done = cli("review")
    assert done.code == 2
    assert "Usage: dsinspect review" in done.out + done.err


def test_a_library_call_without_a_check_is_refused_too() -> None:
    with pytest.raises(UserError, match="no check is left to run"):
        dsinspect.inspect(SAMPLES / "coco", ignore=["ALL"])


def test_two_reports_of_one_suffix_are_both_named(cli: Any) -> None:
    Path("mine.py").write_text(
        "from dsinspect import hookimpl\nfrom dsinspect.protocols.reports import Report\n"
        "class Mine(Report):\n    name = 'mine'\n    suffix = '.json'\n"
        "    def text(self, run):\n        return 'mine'\n"
        "@hookimpl\ndef dsinspect_reports():\n    return [Mine]\n")
    Path("dsinspect.toml").write_text('plugins = ["mine.py"]\n')
    for command in (("report", "-o"), ("check", "-o")):
        done = cli(command[0], SAMPLES / "coco", command[1], "a.json", "--config", "dsinspect.toml")
        assert done.code == 2
        assert "two reports write .json" in done.err
        assert "plugin 'mine'" in done.err
        assert "plugin 'reports'" in done.err
        assert not Path("a.json").exists()
    done = cli("check", SAMPLES / "coco", "--output-format", "json", "-o", "a.json", "--config", "dsinspect.toml")
    assert done.code == 1
    assert Path("a.json").read_text().startswith('{"schema_version"')


@pytest.mark.parametrize(("text", "told"), [
    ('select = "BOX"', "c.toml: select: write a list such as"),
    ('severity = {CLS = "warn"}', "severity.CLS: write one of info, warning, error, not 'warn' (did you mean 'warning'?)"),
    ("checks = {BOX005 = 3}", "checks.BOX005: write a table of settings, not 3"),
    ('[per-split-ignores]\ntrian = "BOX"', "per-split-ignores.trian: write a list such as"),
    ('[checks.BOX005]\nmin_side = "w"', "BOX005.min_side: write a number, not 'w'"),
])
def test_a_wrong_value_of_the_configuration_is_said_in_plain_words(cli: Any, text: str, told: str) -> None:
    Path("c.toml").write_text(text)
    done = cli("check", SAMPLES / "coco", "--config", "c.toml")
    assert done.code == 2
    assert told in done.err


def test_a_setting_for_a_split_that_does_not_exist_is_reported(cli: Any) -> None:
    Path("c.toml").write_text('[per-split-ignores]\ntrian = ["BOX"]\nval = ["IMG"]\n')
    done = cli("check", SAMPLES / "coco", "--config", "c.toml", "--select", "CLS001")
    assert done.err == "dsinspect: per-split-ignores.trian: the dataset has no such split (did you mean 'train'?)\n"


def test_a_wrong_choice_of_an_option_names_the_choices(cli: Any) -> None:
    done = cli("transform", SAMPLES / "coco", "-o", "out", "--op", "flip:axis=diagonal")
    assert done.err == "dsinspect: error: --op flip.axis: write one of horizontal, vertical, both, not 'diagonal'\n"


def test_a_file_that_is_no_archive_is_called_that(cli: Any) -> None:
    Path("fake.tar").write_text("hello")
    done = cli("check", "fake.tar")
    assert done.err == ("dsinspect: error: fake.tar: not a readable archive: no tar file, nor one that is packed with gzip, bzip2 "
                        "or xz\n")


def test_a_transform_that_leaves_no_image_writes_nothing(cli: Any) -> None:
    done = cli("transform", SAMPLES / "coco", "-o", "out", "--op", "crop:size=2x2,x=1900,y=1400")
    assert done.code == 2
    assert done.err.startswith("dsinspect: error: transform: no image is left of 76 (2 failed, such as train_15.jpg: IMG001")
    assert not Path("out").exists()


def test_boxes_beyond_the_edge_of_an_image_that_is_not_cut_are_counted(cli: Any) -> None:
    done = cli("transform", SAMPLES / "coco", "-o", "out", "--op", "flip")
    assert "2  annotations kept beyond the edge of the image, as they were" in done.out
    assert "1  annotation kept without keypoints that cannot be read" in done.out
    assert cli("check", "out", "--select", "BOX003,BOX004", "-q").out.count("train/train_0") == 2


def test_one_annotation_and_one_image_are_worded_as_one(capsys: Any) -> None:
    counts = {"kept beyond the edge of the image, as they were (only images that are cut clip boxes)": 1,
              "pictures left out: nothing is left of them": 1, "dropped: of a picture that failed": 1}
    report_written(Summary(2, 1, counts, [], {}, 1), Path("out"))
    out = capsys.readouterr().out
    assert "1  annotation kept beyond the edge of the image, as it was" in out
    assert "1  image left out: nothing is left of it" in out
    assert "1  annotation dropped: of an image that failed" in out
    assert "1  image has an EXIF orientation, and nothing in the set shows whether its boxes are" in out



def test_every_count_of_the_manifest_that_says_picture_has_its_words() -> None:
    core = Path(dsinspect.__file__).parent
    counts = re.compile(r'counts\["([^"]*(?:picture|they|them)[^"]*)"\]|Counter\({"([^"]*picture[^"]*)"')
    names = {name for path in (core / "geometry/annotations.py", core / "transformation/shard_task.py")
             for name in counts.findall(path.read_text())}
    assert {"".join(n) for n in names} == set(IN_WORDS) - {"clipped"}  # which reads wrong after `annotations`
    assert not [w for both in IN_WORDS.values() for w in both if "picture" in w]


def test_arrays_that_transform_wrote_are_drawn_with_their_boxes(cli: Any) -> None:
    import cv2

    cli("transform", SAMPLES / "clean", "-o", "arrays", "--op", "letterbox:size=64", "--op", "tensor:preset=imagenet")
    done = cli("view", "arrays", "-o", "sheet.png", "--limit", "4")
    assert done.code == 0
    drawn = cv2.imread("sheet.png")
    assert (np.ptp(drawn, axis=2) > 60).mean() > 0.05, "grey tiles only"


@pytest.mark.parametrize("source", ["coco", "voc", "rotated", "tracks"])
def test_convert_says_how_much_it_wrote(cli: Any, source: str) -> None:
    for name, kind in load_plugins().formats.items():
        if kind.writable:
            out = Path(f"out-{name}")
            done = cli("convert", SAMPLES / source, "-o", out, "--to", name)
            said = re.search(r"as \w+: (\d+) images \(.*\) and (\d+) annotations, from ", done.out)
            assert said, done
            made = dsinspect.open(out, format=name)
            missing = name == "yolo" and source in ("coco", "voc")  # a label file whose image is not there
            assert int(said[1]) - missing == len(made.images), name
            assert int(said[2]) - 2 * missing == len(made.annotations), name


def test_convert_says_which_names_the_format_gave(cli: Any) -> None:
    done = cli("convert", SAMPLES / "coco", "-o", "out", "--to", "mot")
    wrote, named = re.search(r"as mot: (\d+) images", done.out), re.search(r"(\d+)  images have another name", done.out)
    assert wrote, done
    assert named, done
    assert int(named[1]) == int(wrote[1])  # though two records name one file
    assert "images have another name, such as train/sequence/img1/000001.jpg for train/train_00.jpg" in done.out
    assert "another name" not in cli("convert", SAMPLES / "coco", "-o", "same", "--to", "voc").out


def test_simulate_says_what_a_conversion_makes_of_rotated_boxes(cli: Any) -> None:
    done = cli("simulate", SAMPLES / "rotated", "--trainer", "ultralytics")
    text = " ".join(done.out.split())
    assert "Rotated boxes are judged as their envelopes" in text
    assert "convert --for ultralytics counts what the conversion itself cannot keep" in text
    assert "arrive as they stand" not in text


def test_a_report_that_prints_results_only_prints_the_results(cli: Any) -> None:
    assert "BOX001" in cli("report", SAMPLES / "coco", "-q").out
    done = cli("report", SAMPLES / "coco", "-q", "-o", "a.json")
    assert (done.out, done.err) == ("", "")


@pytest.mark.parametrize("command", [("report",), ("simulate", "--trainer", "mmdet")])
def test_an_output_that_is_named_twice_is_refused(cli: Any, command: tuple[str, ...]) -> None:
    done = cli(command[0], SAMPLES / "clean", *command[1:], "-o", "a.json", "-o", "./a.json")
    assert done.err == "dsinspect: error: -o a.json: is named twice\n"


def test_every_fix_has_words_for_reviewers(cli: Any) -> None:
    assert {*ACTIONS} == {*FIX_WORDS}
    done = cli("check", SAMPLES / "coco", "--select", "BOX,REC", "-q")
    assert "fix: correct the box (safe)" in done.out
    assert "set-" not in done.out


def test_explain_begins_as_a_sentence_does(cli: Any) -> None:
    lines = cli("explain", "BOX003").out.split("\n")
    assert lines[1][0].isupper()
    for code in ("IMG019", "TRN004", "REC016"):
        assert "**" not in cli("explain", code).out


def test_no_name_of_a_temporary_folder_is_shown(cli: Any) -> None:
    done = cli("fix", SAMPLES / "coco", "-o", "/proc/x")
    assert done.code == 2
    assert ".part" not in done.err


def test_copies_with_equal_hashes_are_said_to_have_such(cli: Any) -> None:
    done = cli("check", SAMPLES / "coco", "--select", "IMG009")
    assert "look alike (hashes are equal, limit 6, option" in " ".join(done.out.split())

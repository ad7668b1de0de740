"""The linter's life: choosing checks, limits and severities, baselines, statistics, output formats, class weights."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
COCO = SAMPLES / "coco"


def codes(done: Any) -> set[str]:
    return {f["code"] for f in json.loads(done.out)["findings"]}


def test_select_ignore_and_extend_with_prefixes(cli: Any) -> None:
    assert codes(cli("check", COCO, "--select", "BOX", "--output-format", "json")) <= {f"BOX{k:03}" for k in range(1, 16)}
    some = codes(cli("check", COCO, "--select", "BOX,CLS001", "--ignore", "BOX001", "--output-format", "json"))
    assert "CLS001" in some
    assert "BOX001" not in some
    extended = codes(cli("check", COCO, "--select", "BOX001", "--extend-select", "CLS", "--output-format", "json"))
    assert {"BOX001", "CLS001"} <= extended
    assert all(c == "BOX001" or c.startswith("CLS") for c in extended)


def test_severities_and_limits_are_overridden_and_told(cli: Any, tmp_path: Path) -> None:
    config = tmp_path / "dsinspect.toml"
    config.write_text('select = ["CLS002"]\nseverity = {CLS = "error"}\n[checks.CLS002]\nmin_boxes = 7\n')
    done = cli("check", COCO, "--config", config)
    assert done.code == 1
    assert "limits 7 and 10" in done.out
    assert cli("check", COCO, "--config", config, "--set", "CLS002.min_boxes=1", "--set", "CLS002.min_images=1").code == 0


def test_findings_of_one_split_are_ignored(cli: Any, tmp_path: Path) -> None:
    config = tmp_path / "dsinspect.toml"
    config.write_text('select = ["BOX"]\n[per-split-ignores]\ntrain = ["BOX"]\n')
    left = json.loads(cli("check", COCO, "--config", config, "--output-format", "json").out)["findings"]
    assert not [f for f in left if f["split"] == "train"]
    config.write_text('select = ["BOX"]\n')
    assert [f for f in json.loads(cli("check", COCO, "--config", config, "--output-format", "json").out)["findings"]
            if f["split"] == "train"]


def test_baseline_keeps_the_known_quiet_and_tells_new_and_stale(cli: Any, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(COCO, root)
    baseline = tmp_path / "baseline.json"
    done = cli("check", root, "--write-baseline", baseline)
    assert done.code == 0
    assert baseline.is_file()
    quiet = cli("check", root, "--baseline", baseline)
    assert quiet.code == 0
    assert "known findings are not reported again" in quiet.out
    assert "no findings" in quiet.out

    file = root / "annotations" / "instances_val.json"
    document = json.loads(file.read_text())
    document["annotations"][0]["bbox"][2] = -3
    file.write_text(json.dumps(document))
    new = cli("check", root, "--baseline", baseline, "--output-format", "json")
    assert new.code == 1
    assert codes(new) >= {"BOX001"}
    assert len(json.loads(new.out)["findings"]) < 6

    shutil.copytree(COCO, tmp_path / "mended")
    for path in (tmp_path / "mended/annotations").glob("*.json"):
        document = json.loads(path.read_text())
        document["annotations"] = [a for a in document["annotations"] if a.get("bbox") and min(a["bbox"][2:]) > 0]
        path.write_text(json.dumps(document))
    stale = cli("check", tmp_path / "mended", "--baseline", baseline)
    assert "known ones are gone" in " ".join(stale.out.split())


def test_damaged_baseline_is_one_line(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("{")
    done = cli("check", COCO, "--baseline", tmp_path / "b.json")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert cli("check", COCO, "--baseline", tmp_path / "none.json").code == 2


def test_statistics_and_max_findings(cli: Any) -> None:
    statistics = cli("check", COCO, "--statistics").out
    assert "BOX001" in statistics
    assert "images/" not in statistics
    one = cli("check", COCO, "--select", "IMG", "--max-findings", "1").out
    every = cli("check", COCO, "--select", "IMG", "--max-findings", "0").out
    assert "more (--max-findings 0 shows all)" in one or len(one) == len(every)
    assert len(one) <= len(every)
    assert "more (--max-findings" not in every


def test_fail_on_and_exit_zero(cli: Any) -> None:
    assert cli("check", COCO, "--select", "CLS001").code == 0
    assert cli("check", COCO, "--select", "CLS001", "--fail-on", "warning").code == 1
    assert cli("check", COCO, "--fail-on", "never").code == 0
    assert cli("check", COCO, "--exit-zero").code == 0


@pytest.mark.parametrize("name", ["text", "concise", "json", "jsonl", "junit", "sarif", "github", "markdown", "csv", "html"])
def test_output_formats_go_to_standard_output_and_to_files(cli: Any, tmp_path: Path, name: str) -> None:
    assert cli("check", COCO, "--output-format", name).out
    done = cli("check", COCO, "--output-format", name, "--output-file", tmp_path / "out")
    assert done.code == 1
    assert (tmp_path / "out").stat().st_size > 100
    assert done.out == ""


def test_a_workbook_is_no_output_for_the_terminal(cli: Any) -> None:
    done = cli("check", COCO, "--output-format", "xlsx")
    assert done.code == 2
    assert "--output-file" in done.err


def test_balance_as_json(cli: Any, tmp_path: Path) -> None:
    done = cli("balance", COCO, "-o", tmp_path / "w.json", "--split", "all")
    assert done.code == 0
    weights = json.loads((tmp_path / "w.json").read_text())
    report = json.loads(cli("check", COCO, "--select", "CLS001", "--output-format", "json").out)
    expected = {c["class"]: c for c in report["checks"][0]["metrics"]["classes"]}
    for c in weights["classes"]:
        own = {k: v for k, v in c.items() if k not in ("id", "class")}
        assert own == pytest.approx({k: v for k, v in expected[c["class"]].items() if k != "class"})
        if not c["boxes"]:  # a weight of 0 would tell a loss to ignore the class
            assert own == {"boxes": 0, "images": 0, "share": 0, "inverse_frequency_weight": None, "effective_number_weight": None,
                           "repeat_factor": None}
    counted = {c["name"]: c["annotations"] for c in report["dataset"]["categories"]}
    assert {c["class"]: c["boxes"] for c in weights["classes"]} == counted
    assert len(weights["images"]) == report["dataset"]["images"]
    assert sum(c["share"] for c in weights["classes"]) == pytest.approx(1)


def test_balance_counts_the_training_split(cli: Any, tmp_path: Path) -> None:
    cli("balance", COCO, "-o", tmp_path / "w.csv", "--threshold", "1")
    images = list(csv.DictReader((tmp_path / "w_images.csv").open(newline="")))
    assert {i["split"] for i in images} == {"train"}
    classes = {c["class"]: c for c in csv.DictReader((tmp_path / "w.csv").open(newline=""))}
    rarest = min((c for c in classes.values() if c["boxes"] != "0"), key=lambda c: int(c["images"]))
    share = int(rarest["images"]) / len(images)
    assert float(rarest["repeat_factor"]) == pytest.approx(share ** -0.5)
    assert max(float(i["repeat_factor"]) for i in images) == pytest.approx(float(rarest["repeat_factor"]))
    assert any(float(i["repeat_factor"]) == 1 for i in images)  # of background images


def test_balance_of_wrong_choices(cli: Any, tmp_path: Path) -> None:
    assert cli("balance", COCO, "--split", "trian").code == 2
    assert cli("balance", COCO, "-o", tmp_path / "w.txt").code == 2
    assert cli("balance", tmp_path / "none").code == 2


@pytest.mark.parametrize(("kind", "told"), [("yolo", "Box repeats the box on line 1: "), ("coco", "Box repeats annotation ")])
def test_a_box_that_is_there_twice_names_what_it_repeats(cli: Any, kind: str, told: str) -> None:
    assert told in cli("check", SAMPLES / kind, "--select", "BOX006").out

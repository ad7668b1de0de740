"""Ultralytics: the fates of every recorded label file and image file, in every recorded release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainers.recorded import cases, fates, image, judge, judged, loaded, recorded

from dsinspect.protocols.trainers import DROPPED, Fates, Loaded, Trainer
from dsinspect_trainers.ultralytics import Ultralytics

RELEASES = fates("ultralytics")["releases"]
W, H = 64, 48


def write_labels(root: Path, chosen: list[dict[str, Any]], nc: int) -> Path:
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    for k, case in enumerate(chosen):
        (root / "images" / f"{k:05}.jpg").write_bytes(image("plain.jpg"))
        if case["label"] is not None:
            (root / "labels" / f"{k:05}.txt").write_bytes(case["label"].encode("latin-1"))
    names = ", ".join(f"class {k}" for k in range(nc))
    (root / "data.yaml").write_text(f"train: images\nval: images\nnames: [{names}]\n")
    return root


@pytest.fixture(scope="module")
def label_sets(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[dict[str, Any]], Loaded]]:
    made = []
    for nc in (2, 3):
        chosen = [c for c in cases()["labels"] if c["nc"] == nc]
        root = write_labels(tmp_path_factory.mktemp(f"nc{nc}"), chosen, nc)
        made.append((chosen, loaded(root, "yolo", Ultralytics())))
    return made


@pytest.fixture(scope="module")
def image_set(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    root = tmp_path_factory.mktemp("images")
    (root / "images").mkdir()
    (root / "labels").mkdir()
    for k, name in enumerate(cases()["images"]):
        suffix = name.rpartition(".")[2]
        (root / "images" / f"{k:05}.{suffix}").write_bytes(image(name))
        (root / "labels" / f"{k:05}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (root / "data.yaml").write_text("train: images\nval: images\nnames: [a, b]\n")
    return loaded(root, "yolo", Ultralytics())


def same_message(rule_says: str, recorded_text: str) -> bool:
    return any(recorded_text.startswith(s) for s in rule_says.split("|"))


def rows_of(made: Any, loaded: Loaded, k: int) -> list[list[float]]:
    mine = [i for i in np.flatnonzero(loaded.annotations["image_row"] == k) if made.fate[i] != DROPPED]
    rows = [[made.label[i], *made.boxes[i]] for i in mine]
    rows += [[e.label, *e.box] for e in made.extras if e.image_row == k]
    return sorted([[c, (x0 + x1) / 2 / W, (y0 + y1) / 2 / H, (x1 - x0) / W, (y1 - y0) / H] for c, x0, y0, x1, y1 in rows])


def difference(trainer: Trainer, made: Fates, shard: Loaded, k: int, fate: Any) -> tuple[Any, ...]:
    """Return what the loader made of a label file and what is said of it, where they differ."""
    rule = int(made.image_rule[k])
    key = trainer.rules[rule].key if rule >= 0 else "kept"
    if "left out" in fate:
        return () if rule >= 0 and same_message(trainer.rules[rule].says, fate["left out"]) else (fate, key)
    mine = rows_of(made, shard, k)
    theirs = sorted([[float(v) for v in row] for row in fate["rows"]])
    same = rule < 0 and len(mine) == len(theirs) and np.allclose(mine or [[0]], theirs or [[0]], rtol=1e-6, atol=1e-6)
    return () if same else (fate, mine, key)


@pytest.mark.parametrize("release", RELEASES)
def test_label_files_fare_as_recorded(release: str, label_sets: list[tuple[list[dict[str, Any]], Loaded]]) -> None:
    trainer = Ultralytics(release)
    compared, wrong = 0, []
    for chosen, shard in label_sets:
        _, made, _ = judge(shard, trainer)
        for k, case in enumerate(chosen):
            fate = recorded("ultralytics", release, "label " + case["name"])
            compared += 1
            if found := difference(trainer, made, shard, k, fate):
                wrong.append((case, *found))
    assert not wrong, f"{len(wrong)} of {compared} differ: {wrong[:3]}"
    assert compared >= 2_400


@pytest.mark.parametrize("release", RELEASES)
def test_image_files_fare_as_recorded(release: str, image_set: Loaded) -> None:
    trainer = Ultralytics(release)
    _, made, verdict = judge(image_set, trainer)
    written = {w.path: w.what for w in verdict.writes}
    for k, name in enumerate(cases()["images"]):
        fate = recorded("ultralytics", release, "image " + name)
        path = image_set.images["path"][k]
        rule = trainer.rules[made.image_rule[k]] if made.image_rule[k] >= 0 else None
        if "left out" in fate:
            assert rule is not None, (name, fate)
            assert same_message(rule.says, fate["left out"]), (name, fate, rule)
        else:
            assert rule is None, (name, fate, rule)
        assert (path in written) == ("rewritten" in fate), (name, fate)
        assert ("through hard links" in fate) == ("hard links" in written.get(path, "")), (name, fate)


@pytest.mark.parametrize(("config", "errors"), [
    ("train: train\nval: train\n", []),
    ("train: train\nvalidation: train\n", []),
    ("train: train\nval: train\ntest: nowhere\n", []),
    ("train: train\nval: nowhere\n", ["FileNotFoundError: images not found, missing path"]),
    ("train: train\nvalidation: nowhere\n", ["FileNotFoundError: images not found, missing path"]),
    ("train: train\nval: nowhere\ndownload: https://example.org/set.zip\n", []),
    ("train: nowhere\nval: train\n", ["FileNotFoundError: does not exist"]),
    ("train: train\n", ["SyntaxError: 'val:' key missing"]),
    ("train: train\nvalid: train\n", ["SyntaxError: 'val:' key missing"]),
    ("val: train\n", ["SyntaxError: 'train:' key missing"]),
    ("train: ../train\nval: train\n", []),
    ("train: train\nval: /home/somebody/set/train\n", ["FileNotFoundError: images not found, missing path"]),
    ("path: /home/somebody/set\ntrain: train\nval: train\n",
     ["FileNotFoundError: images not found, missing path", "FileNotFoundError: does not exist"]),
    ("path: .\ntrain: train\nval: train\n", []),
    ("path: ../elsewhere\ntrain: train\nval: train\n",
     ["FileNotFoundError: images not found, missing path", "FileNotFoundError: does not exist"]),
    ("path: coco8\ntrain: train\nval: train\n",
     ["FileNotFoundError: images not found, missing path", "FileNotFoundError: does not exist"]),
    ("path: some/set\ntrain: train\nval: train\n", []),
    ("path: ../some/set\ntrain: train\nval: train\n", []),
    ("train: [train, nowhere]\nval: train\n", ["FileNotFoundError: does not exist"])])
def test_a_configuration_without_its_splits_stops_it(tmp_path: Path, config: str, errors: list[str]) -> None:
    root = tmp_path / "some" / "set"
    root.mkdir(parents=True)
    one_image(root)
    (root / "data.yaml").write_text(f"{config}nc: 1\nnames: [a]\n")
    _, _, verdict = judged(root, "yolo", Ultralytics())
    assert [s.error for s in verdict.in_order()] == errors


@pytest.mark.parametrize(("release", "base", "stops"), [
    ("8.3.133", "path: .", True), ("8.3.134", "path: .", False), ("8.3.133", "path: set", False), ("8.3.0", "", False),
    ("8.3.0", "path: {root}", False)])
def test_up_to_8_3_133_a_relative_path_is_below_the_folder_of_datasets_only(
        tmp_path: Path, release: str, base: str, stops: bool) -> None:
    root = tmp_path / "set"
    root.mkdir()
    one_image(root)
    (root / "data.yaml").write_text(f"{base.format(root=root)}\ntrain: train\nval: train\nnames: [a]\n")
    _, _, verdict = judged(root, "yolo", Ultralytics(release))
    found = verdict.in_order()
    assert bool(found) == stops
    if stops:
        assert found[0].found == "val is not on disk where path: . puts it, below the folder of datasets"


@pytest.mark.parametrize(("classes", "errors"), [
    ("nc: 1\nnames: [a]\n", []), ("names: [a]\n", []), ("nc: 1.0\nnames: [a]\n", []), ("nc: 2\n", []),
    ("nc: 2\nnames: [a]\n", ["SyntaxError: 'names' length 1 and 'nc: 2' must match."]),
    ("nc: many\nnames: [a]\n", ["SyntaxError: 'nc: many' must be an integer"]),
    ("names: {0: a, 1: b}\n", []),
    ("names: {1: a, 2: b}\n", [
        "KeyError: '2-class dataset requires class indices 0-1, but you have invalid class indices 1-2 defined in your dataset "
        "YAML.'"]),
    ("nc: 3\nnames: {0: a, 2: b}\n", [
        "SyntaxError: 'names' length 2 and 'nc: 3' must match.",
        "KeyError: '2-class dataset requires class indices 0-1, but you have invalid class indices 0-2 defined in your dataset "
        "YAML.'"])])
def test_classes_that_do_not_agree_stop_it(tmp_path: Path, classes: str, errors: list[str]) -> None:
    one_image(tmp_path)
    (tmp_path / "data.yaml").write_text(f"train: train\nval: train\n{classes}")
    _, _, verdict = judged(tmp_path, "yolo", Ultralytics())
    assert [s.error for s in verdict.in_order()] == errors


def test_an_older_release_takes_nc_for_what_it_is(tmp_path: Path) -> None:
    one_image(tmp_path)
    (tmp_path / "data.yaml").write_text("train: train\nval: train\nnc: many\nnames: [a]\n")
    _, _, verdict = judged(tmp_path, "yolo", Ultralytics("8.4.84"))
    assert [s.error for s in verdict.in_order()] == ["SyntaxError: 'names' length 1 and 'nc: many' must match."]


def test_darknets_configuration_stops_it(tmp_path: Path) -> None:
    one_image(tmp_path)
    (tmp_path / "obj.data").write_text("classes=1\ntrain=train\nvalid=train\nnames=obj.names\n")
    (tmp_path / "obj.names").write_text("a\n")
    _, _, verdict = judged(tmp_path, "yolo", Ultralytics())
    assert [s.error for s in verdict.in_order()] == ["AssertionError: Not a YAML file"]


def one_image(root: Path) -> None:
    (root / "train").mkdir()
    (root / "train" / "x.jpg").write_bytes(image("plain.jpg"))
    (root / "train" / "x.txt").write_text("0 0.5 0.5 0.2 0.2\n")

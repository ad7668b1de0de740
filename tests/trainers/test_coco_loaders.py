"""COCO loaders: the fates of every recorded COCO document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainers.cases import outlined
from trainers.recorded import cases, fates, image, judge, judged, loaded, plugins, recorded

from dsinspect.protocols.trainers import DROPPED, Fates, Loaded, Stop, Trainer, Verdict

NAMES = ("yolox", "mmdet", "detectron2", "rtdetr", "rfdetr", "torchvision", "cocoeval")
WHILE_TRAINING = 9


class AllColumns(Trainer):
    """Asks for what every trainer asks for, so that a document is opened once."""

    columns = {"coco": tuple(sorted({c for t in plugins().trainers.values() for c in t.columns.get("coco", ())}))}
    measures = tuple(sorted({c for t in plugins().trainers.values() for c in t.measures}))

    def __init__(self) -> None:
        pass

    def judge(self, loaded: Loaded) -> Fates:
        raise NotImplementedError


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    root = tmp_path_factory.mktemp("coco")
    for name in ("plain.jpg", "plain.png", "grey.png"):
        (root / name).write_bytes(image(name))
    return {case["name"]: opened(root, case["document"]) for case in cases()["coco"]}


def opened(root: Path, document: Any) -> Loaded:
    path = root / "case.json"
    path.write_text(json.dumps(document))
    return loaded(path, "coco", AllColumns())


def lacks_file_name(document: Any) -> bool:
    return any("file_name" not in i for i in document["images"])


def rows_of(made: Fates, shard: Loaded) -> dict[str, list[list[float]]]:
    """Return the rows of each image that arrives, by its path; with its id, for two images may have one path."""
    found: dict[str, list[list[float]]] = {}
    for k in np.flatnonzero(made.image_rule < 0).tolist():
        found[f"{shard.images['image_id'][k]} {shard.images['path'][k]}"] = []
    keys = [f"{i} {p}" for i, p in zip(shard.images["image_id"].tolist(), shard.images["path"].tolist(), strict=True)]
    for k in np.flatnonzero(made.fate != DROPPED).tolist():
        # Annotations of a repeated image id belong to the last record.
        row = int(shard.annotations["image_row"][k])
        same = np.flatnonzero(shard.images["image_id"] == shard.images["image_id"][row])
        found[keys[int(same[-1])]].append([made.label[k], *made.boxes[k].tolist()])
    for e in made.extras:
        found[keys[e.image_row]].append([e.label, *e.box])
    return {key: sorted(rows) for key, rows in found.items()}


@pytest.fixture(scope="module")
def outlined_documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    root = tmp_path_factory.mktemp("outlined")
    for name in ("plain.jpg", "plain.png", "grey.png"):
        (root / name).write_bytes(image(name))
    return {case["name"]: opened(root, outlined(case["document"])) for case in cases()["coco"]}


RECORDED = [(n, r) for n in NAMES if n != "cocoeval" and n in plugins().trainers for r in fates(n)["releases"]]


@pytest.mark.parametrize(("name", "release"), RECORDED)
def test_documents_fare_as_recorded(name: str, release: str, documents: dict[str, Loaded]) -> None:
    fare_as_recorded(name, release, documents)


@pytest.mark.parametrize("release", fates("torchvision")["releases"])
def test_documents_with_outlines_fare_as_recorded(release: str, outlined_documents: dict[str, Loaded]) -> None:
    fare_as_recorded("torchvision", release, outlined_documents, "outlined ")


def fare_as_recorded(name: str, release: str, documents: dict[str, Loaded], prefix: str = "") -> None:
    is_release = name in ("mmdet", "rfdetr", "torchvision")  # the others are known by a commit
    trainer = plugins().trainers[name](release if is_release else None)
    compared, wrong = 0, []
    for case in cases()["coco"]:
        fate = recorded(name, release, prefix + case["name"])
        compared += 1
        if case["name"] == "height null":  # the tables do not tell null from missing: the error differs, that it stops does not
            assert "stops" not in fate or loader_stops(judge(documents[case["name"]], trainer)[2])
        elif found := difference(trainer, documents[case["name"]], case["document"], fate):
            wrong.append((case, *found))
    assert not wrong, f"{len(wrong)} of {compared} differ: {wrong[:3]}"
    assert compared >= 2_400


def loader_stops(verdict: Verdict) -> list[Stop]:
    return [s for s in verdict.in_order() if s.order[0] < WHILE_TRAINING]


def difference(trainer: Trainer, shard: Loaded, document: Any, fate: Any) -> tuple[Any, ...]:
    """Return what a loader made of a document and what is said of it, where they differ."""
    _, made, verdict = judge(shard, trainer)
    stops = loader_stops(verdict)
    if stops or "stops" in fate:
        return () if stops and fate.get("stops", "").startswith(stops[0].error) else (fate, stops[:1])
    if lacks_file_name(document):  # the image is no row of the tables: only its stop can be told
        return ()
    mine = rows_of(made, shard)
    theirs = {f"{k} {path}": sorted([[float(v) for v in row[:5]] for row in rows]) for k, path, rows in fate["images"]}
    same = mine.keys() == theirs.keys() and all(
        len(mine[k]) == len(theirs[k]) and np.allclose(mine[k] or [[0]], theirs[k] or [[0]], atol=1e-4) for k in mine)
    return () if same else (theirs, mine)


def test_cocoeval_counts_as_recorded(documents: dict[str, Loaded]) -> None:
    trainer = plugins().trainers["cocoeval"]()
    release = fates("cocoeval")["releases"][0]
    wrong = []
    for case in cases()["coco"]:
        if case["name"] == "bbox of texts":  # it made no prediction when recorded, so that nothing took the texts for numbers
            continue
        fate = recorded("cocoeval", release, case["name"])
        if case["name"] == "120 boxes" and "stops" not in fate:  # more than maxDets: only the first 100 can match
            continue
        if found := difference_of_judge(trainer, documents[case["name"]], case["document"], fate):
            wrong.append((case, *found))
    assert not wrong, f"{len(wrong)} differ: {wrong[:3]}"


def difference_of_judge(trainer: Trainer, shard: Loaded, document: Any, fate: Any) -> tuple[Any, ...]:
    """Return what COCOeval made of a document and what is said of it, where they differ."""
    _, made, verdict = judge(shard, trainer)
    stops = verdict.in_order()
    if stops or "stops" in fate:
        return () if stops and fate.get("stops", "").startswith(stops[0].error) else (fate, stops[:1])
    if lacks_file_name(document):
        return ()
    keys = [r.key for r in trainer.rules]
    mine, replaced = {}, set()
    for k in np.flatnonzero(made.fate != DROPPED).tolist():
        key, own = keys[made.rule[k]] if made.rule[k] >= 0 else "", str(int(shard.annotations["annotation_id"][k]))
        mine[own] = "ignored" if key in ("crowd", "outside-areas") else "unmatched" if key == "never-matched" else "matched"
        replaced |= {own} if key == "repeated-id" else set()
    theirs = {k: v for k, v in fate["truth"].items() if k not in replaced}
    return () if {k: v for k, v in mine.items() if k not in replaced} == theirs else (theirs, mine)


@pytest.mark.parametrize("name", ["detectron2", "mmdet"])
def test_equal_ids_in_different_files_are_no_fault_where_no_record_has_a_row(tmp_path: Path, name: str) -> None:
    for split in ("train", "val"):
        (tmp_path / f"{split}.json").write_text(json.dumps({
            "images": [{"id": 1, "file_name": f"{split}.jpg", "width": 64, "height": 48}], "categories": [{"id": 1, "name": "a"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1}]}))  # without a bbox
    _, _, verdict = judged(tmp_path, "coco", plugins().trainers[name]())
    errors = [s.error for s in verdict.in_order()]
    assert "KeyError: 'bbox'" in errors
    assert not any(e.startswith("AssertionError") for e in errors)

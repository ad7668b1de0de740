"""mmdetection's reader of VOC: the fates of every recorded XML file, each a set of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainers.recorded import cases, fates, image, judge, loaded, plugins, recorded

from dsinspect.inspection.measure import measured_shard
from dsinspect.inspection.trainer_fates import loaded_for_trainers, wanted_columns
from dsinspect.protocols.formats import OpenRequest
from dsinspect.protocols.trainers import DROPPED, Fates, Loaded
from dsinspect.tables.dataset import Category
from dsinspect_formats.voc._looks import Options
from dsinspect_trainers.mmdet import Mmdet

WHILE_TRAINING = 9
CLASSES = (Category(0, "a"), Category(1, "b"))


def write(root: Path, xml: str | None, *, has_image: bool = True) -> None:
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, content in ((root / "Annotations" / "case.xml", None if xml is None else xml.encode()),
                          (root / "Annotations" / "other.xml",
                           b"<annotation><size><width>64</width><height>48</height></size></annotation>"),
                          (root / "JPEGImages" / "other.jpg", image("plain.jpg")),
                          (root / "JPEGImages" / "case.jpg", image("plain.jpg") if has_image else None),
                          (root / "ImageSets" / "Main" / "train.txt", b"case\n")):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)


def of_case(shard: Loaded) -> int:
    """Return the row of the listed image; the other one keeps the folder a VOC set whatever the case is."""
    return next(k for k, p in enumerate(shard.images["path"].tolist()) if p.endswith("case.jpg"))


def rows_of(shard: Loaded, made: Fates, keys: list[str]) -> list[list[Any]]:
    names = [c.name for c in CLASSES]
    a, row = shard.annotations, of_case(shard)
    kept = [k for k in np.flatnonzero(made.fate != DROPPED).tolist() if a["image_row"][k] == row]
    found = [[names.index(a["category"][k]), *made.boxes[k].tolist(), keys[made.rule[k]] in ("difficult", "under-32-px")]
             for k in kept]
    return sorted(found + [[math.nan, *e.box, keys[e.rule] in ("difficult", "under-32-px")] for e in made.extras])


def test_xml_files_fare_as_recorded(tmp_path: Path) -> None:
    release = fates("mmdet")["releases"][0]
    trainer = Mmdet()
    keys = [r.key for r in trainer.rules]
    wrong = []
    for case in cases()["voc"]:
        write(tmp_path, case["xml"], has_image=case["image"])
        fate = recorded("mmdet", release, "voc " + case["name"])
        shard = loaded(tmp_path, "voc", trainer)
        _, made, verdict = judge(replace(shard, dataset=replace(shard.dataset, categories=CLASSES)), trainer)
        stops = [s for s in verdict.in_order() if s.order[0] < WHILE_TRAINING]
        if "stops" in fate:
            if not stops or not fate["stops"].startswith(stops[0].error):
                wrong.append((case, fate, stops[:1]))
            continue
        row = of_case(shard)
        left_out = bool(made.image_rule[row] >= 0)
        mine, theirs = rows_of(shard, made, keys), sorted([*map(float, r[:5]), bool(r[5])] for r in fate.get("rows", ()))
        if stops or left_out != ("left out" in fate) or mine != theirs:
            wrong.append((case, fate, stops[:1], mine, left_out))
    assert not wrong, f"{len(wrong)} differ: {wrong[:4]}"
    assert len(cases()["voc"]) >= 1_000


@pytest.mark.parametrize("base", [0, 1])
def test_what_the_reader_takes_off_is_not_taken_off_twice(tmp_path: Path, base: int) -> None:
    write(tmp_path, "<annotation><size><width>64</width><height>48</height></size><object><name>a</name><bndbox><xmin>11</xmin>"
                    "<ymin>12</ymin><xmax>50</xmax><ymax>46</ymax></bndbox></object></annotation>")
    trainer = Mmdet()
    source = plugins().formats["voc"]().open(OpenRequest(
        tmp_path, options=Options(base=base), columns=wanted_columns([trainer], "voc")))
    shard = source.shards(9)[0].load()
    _, made, _ = judge(loaded_for_trainers(source.info, shard, measured_shard(shard, None, "px")), trainer)
    assert made.boxes.tolist() == [[10, 11, 49, 45]]

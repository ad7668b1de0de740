"""RF-DETR's reader of YOLO labels: the fates of every recorded label file, each a set of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from trainers.recorded import cases, fates, image, judge, loaded, recorded

from dsinspect.protocols.trainers import DROPPED
from dsinspect_trainers.rfdetr import RfDetr

W, H = 64, 48


def test_label_files_fare_as_recorded(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "images" / "case.png").write_bytes(image("plain.png"))
    label = tmp_path / "labels" / "case.txt"
    release = fates("rfdetr")["releases"][0]
    trainer = RfDetr()
    wrong = []
    for case in cases()["labels"]:
        label.unlink(missing_ok=True)
        if case["label"] is not None:
            label.write_bytes(case["label"].encode("latin-1"))
        names = ", ".join(f"class {k}" for k in range(case["nc"]))
        (tmp_path / "data.yaml").write_text(f"train: images\nnames: [{names}]\n")
        fate = recorded("rfdetr", release, "label " + case["name"])
        _, made, verdict = judge(loaded(tmp_path, "yolo", trainer), trainer)
        stops = verdict.in_order()
        if "stops" in fate:
            theirs = fate["stops"].replace("yolo/labels", "labels")
            if not stops or not theirs.startswith(stops[0].error):
                wrong.append((case, theirs, stops[:1]))
            continue
        mine = sorted([*([made.label[k], *made.boxes[k].tolist()] for k in np.flatnonzero(made.fate != DROPPED).tolist()),
                       *([e.label, *e.box] for e in made.extras)])
        theirs = sorted([[float(v) for v in row] for row in fate["rows"]])
        if stops or len(mine) != len(theirs) or not np.allclose(mine or [[0]], theirs or [[0]], atol=1e-4):
            wrong.append((case, fate, mine, stops[:1]))
    assert not wrong, f"{len(wrong)} differ: {wrong[:4]}"

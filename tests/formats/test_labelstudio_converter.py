"""What we write for Label Studio is valid by its own library, and its own converter makes the same objects of it.

Runs where `DSINSPECT_LABEL_STUDIO_PYTHON` names an interpreter that has label-studio-sdk.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from convert.sets import content, shards_of

from dsinspect.cli import main
from dsinspect.tables.schema import CORNER_COLUMNS

PYTHON = os.environ.get("DSINSPECT_LABEL_STUDIO_PYTHON")
pytestmark = pytest.mark.skipif(not PYTHON, reason="DSINSPECT_LABEL_STUDIO_PYTHON names no interpreter with label-studio-sdk")
ROOT = Path(__file__).resolve().parents[2]
CODE = """
import json, sys
from pathlib import Path
from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.utils import convert_annotation_to_yolo_obb
from label_studio_sdk.label_interface import LabelInterface
root = Path(sys.argv[1])
config, tasks = (root / "config.xml").read_text(), json.loads((root / "tasks.json").read_text())
interface = LabelInterface(config)
valid = [bool(interface.validate_annotation(a)) for t in tasks for a in t["annotations"]]
converter = Converter(config=config, project_dir=str(root), download_resources=False)
converter.convert_to_coco(str(root / "tasks.json"), str(root / "out"), is_dir=False, output_image_dir=str(root / "out/images"))
made = json.loads((root / "out/result.json").read_text())
images = {i["id"]: Path(i["file_name"]).name for i in made["images"]}
names = {c["id"]: c["name"] for c in made["categories"]}
corners = [p for t in tasks for a in t["annotations"] for r in a["result"] if r["value"].get("rotation")
           for p in [convert_annotation_to_yolo_obb({**r["value"], **{k: r[k] for k in r if k.startswith("original")}}, False)]]
print(json.dumps({"corners": corners, "valid": valid, "images": sorted(images.values()), "objects": [
    [images[a["image_id"]], names[a["category_id"]], *a["bbox"]] for a in made["annotations"]]}))
"""


def converted(source: Path, out: Path) -> dict[str, Any]:
    """Write a set for Label Studio, and return what its own code makes of that; each annotation is valid."""
    assert main(["convert", str(source), "-o", str(out), "--to", "labelstudio", "-q"]) == 0
    done = subprocess.run([str(PYTHON), "-c", CODE, str(out)], capture_output=True, text=True, check=True, timeout=300)
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert made["valid"]
    assert all(made["valid"])
    return made


@pytest.mark.parametrize("name", ["sample_data/clean", "sample_data/tracks", "../shared/data/chess_voc",
                                  "../shared/data/sharks/sharks-tiny-coco", "../shared/data/rop_metrics/gts/coco_format_v1"])
def test_the_converter_makes_the_same_objects(tmp_path: Path, name: str) -> None:
    source, out = ROOT / name, tmp_path / "out"
    if not source.is_dir():
        pytest.skip(f"{name} is not there")
    made = converted(source, out)
    ours = content(out, "labelstudio", whole=True)
    assert made["images"] == sorted(p.rpartition("/")[2] for _, p in ours)
    rows = [(p.rpartition("/")[2], c, x, y, r - x, b - y) for (_, p), boxes in ours.items() for c, x, y, r, b in boxes]
    theirs = [tuple(o) for o in made["objects"]]
    assert len(rows) == len(theirs)

    def order(row: tuple[object, ...]) -> object:
        return row[0], *np.round(np.array(row[2:], float), 0).tolist(), row[1]

    for a, b in zip(sorted(rows, key=order), sorted(theirs, key=order), strict=True):
        assert a[:2] == b[:2]
        assert np.allclose(a[2:], b[2:], atol=0.05), (a, b)


def test_rotated_boxes_have_the_same_corners(tmp_path: Path) -> None:
    """Its COCO converter turns boxes in percent, which skews them in images that are not square; its OBB converter does not."""
    made = converted(ROOT / "sample_data/rotated", tmp_path / "out")
    shards = shards_of(tmp_path / "out", "labelstudio")
    corners = np.concatenate([s.annotations[list(CORNER_COLUMNS)].to_numpy(float) for s in shards])
    corners = corners[np.isfinite(corners).all(axis=1)]
    theirs = np.array(made["corners"]).reshape(-1, 8)
    assert len(corners) == len(theirs) > 5
    assert np.allclose(corners[np.lexsort(corners.T)], theirs[np.lexsort(theirs.T)], atol=1e-6)

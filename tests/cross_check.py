"""Read samples with readers that nobody here wrote, and compare images, boxes and classes.

    python tests/cross_check.py PEERS SAMPLES [--drawn]

PEERS is the bin folder of a virtual environment with datumaro, labelformat, panlabel and supervision; SAMPLES is the folder of
shared samples, which are read only. With `--drawn` the sets are those our own writers make. Prints a Markdown table, as
docs/verification.md shows it: a cell is `same`, what differs, or why the peer refuses.
"""

# ruff: noqa: E501 - the scripts for peers are texts, and their lines are theirs

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.loader import load_plugins

sys.path.insert(0, str(Path(__file__).resolve().parent))
Rows = list[list[Any]]
PANLABEL = {"createml": "create-ml", "huggingface": "hf", "widerface": "wider-face", "labelstudio": "label-studio",
            "table": "tfod", "vott": "vott-json", **{n: n for n in ("coco", "cvat", "labelbox", "tfrecord", "yolo", "voc", "labelme", "supervisely",
                                                   "cityscapes", "kitti", "via", "openimages", "datumaro")}}
DATUMARO = {"coco": ("coco", "roboflow_coco"), "voc": ("voc_detection", "voc", "roboflow_voc"), "yolo": ("yolo",), "cvat": ("cvat",),
            "kitti": ("kitti_detection",), "mot": ("mot_seq",), "dota": ("dota", "roboflow_yolo_obb"), "widerface": ("wider_face",),
            "openimages": ("open_images",), "datumaro": ("datumaro",), "table": ("vott_csv",),
            "vott": ("vott_json",), "createml": ("roboflow_create_ml",), "cityscapes": ("cityscapes",)}
DATUMARO_CODE = """
import json, sys, datumaro as dm
from pathlib import PurePosixPath
rows, images = [], []
for name in sys.argv[2].split(","):
    try:
        data = dm.Dataset.import_from(sys.argv[1], name)
        labels = data.categories().get(dm.AnnotationType.label)
        for item in data:
            images.append(PurePosixPath(item.id).name)
            for a in item.annotations:
                if a.type.name in ("bbox", "polygon", "rotated_bbox", "mask") and a.type.name != "label":
                    x, y, w, h = a.get_bbox()
                    rows.append([images[-1], labels[a.label].name if a.label is not None else None, x, y, x + w, y + h])
        break
    except Exception as e:
        rows, images, told = [], [], f"{name}: {type(e).__name__}: {e}"
else:
    print(json.dumps({"error": told})); sys.exit()
print(json.dumps({"images": images, "rows": rows}))
"""
SUPERVISION_CODE = """
import json, sys, supervision as sv, glob, os
from pathlib import Path
root, name = Path(sys.argv[1]), sys.argv[2]
rows, images = [], []
def take(d):
    for path, _, found in d:
        stem = Path(path).stem; images.append(stem)
        for box, c in zip(found.xyxy.tolist(), found.class_id.tolist()): rows.append([stem, d.classes[c], *box])
if name == "coco":
    for f in root.rglob("*.json"):
        take(sv.DetectionDataset.from_coco(str(f.parent if any(f.parent.glob("*.jpg")) else root), str(f)))
elif name == "voc":
    xml = next(root.rglob("*.xml")).parent
    pictures = root / "JPEGImages" if (root / "JPEGImages").is_dir() else xml
    take(sv.DetectionDataset.from_pascal_voc(str(pictures), str(xml)))
else:
    for labels in [p for p in root.rglob("labels") if p.is_dir()]:
        pairs = [(labels, labels.parent / "images")] if any(labels.glob("*.txt")) else [
            (p, labels.parent / "images" / p.name) for p in labels.iterdir() if p.is_dir()]
        for l, i in pairs: take(sv.DetectionDataset.from_yolo(str(i), str(l), str(next(root.glob("*.yaml")))))
print(json.dumps({"images": images, "rows": rows}))
"""
LABELFORMAT_CODE = """
import json, sys
from pathlib import Path
from labelformat import formats as f
root, name = Path(sys.argv[1]), sys.argv[2]
made = []
if name == "coco": made = [f.COCOObjectDetectionInput(input_file=p) for p in root.rglob("*.json")]
elif name == "yolo":
    y = next(root.glob("*.yaml")); made = []
    for s in ("train", "val", "test"):
        try: one = f.YOLOv8ObjectDetectionInput(input_file=y, input_split=s); list(one.get_images()); made.append(one)
        except Exception as e: told = e
    if not made: raise told
elif name == "cvat": made = [f.CVATObjectDetectionInput(input_file=p) for p in root.rglob("*.xml")]
elif name == "labelbox":
    names = []
    for p in root.rglob("*.ndjson"):
        names += [o["name"] for line in p.read_text().splitlines() if line.strip() for q in json.loads(line)["projects"].values()
                  for l in q["labels"] for o in l["annotations"]["objects"]]
    made = [f.LabelboxObjectDetectionInput(input_file=p, category_names=",".join(dict.fromkeys(names))) for p in root.rglob("*.ndjson")]
elif name == "kitti":
    folder = next(p for p in root.rglob("*") if p.is_dir() and any(p.glob("*.txt")) and "label" in p.name)
    images = next(q for q in (folder.parent / "image_2", folder.parent / "images", folder.parent) if q.is_dir())
    names = dict.fromkeys(l.split()[0] for p in folder.glob("*.txt") for l in p.read_text().splitlines() if l.strip())
    made = [f.KittiObjectDetectionInput(input_folder=folder, category_names=",".join(names), images_rel_path=str(
        __import__("os").path.relpath(images, folder)))]
elif name == "voc":
    import re
    folder = next(root.rglob("*.xml")).parent
    names = dict.fromkeys(n for p in folder.glob("*.xml") for n in re.findall(r"<object>.*?<name>(.*?)</name>", p.read_text(), re.S))
    made = [f.PascalVOCObjectDetectionInput(input_folder=folder, category_names=",".join(names))]
rows, images = [], []
for one in made:
    images += [Path(i.filename).stem for i in one.get_images()]
    for label in one.get_labels():
        for o in label.objects:
            rows.append([Path(label.image.filename).stem, o.category.name, o.box.xmin, o.box.ymin, o.box.xmax, o.box.ymax])
print(json.dumps({"images": images, "rows": rows}))
"""


def ours(root: Path) -> tuple[str, list[str], Rows]:
    """Return the format, the stems of the images, and the rows (stem, class, box in px)."""
    from convert.sets import shards_of

    kind = open_dataset(DatasetRequest(str(root), root), load_plugins(), ()).info.format
    images: list[str] = []
    rows: Rows = []
    for shard in shards_of(root):
        stems = [Path(p).stem for p in shard.images["path"]]
        images += stems
        a = shard.annotations
        for at, name, *box in zip(a["image_row"], a["category"], a["x_min"], a["y_min"], a["x_max"], a["y_max"], strict=True):
            rows.append([stems[at] if at >= 0 else None, name, *box])
    return kind, images, rows


def peer(code: str, python: Path, *arguments: str) -> dict[str, Any]:
    """Run a peer's script and return what it read, or its error."""
    done = subprocess.run([str(python), "-c", code, *arguments], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


SUFFIX = {"cvat": ".xml", "labelbox": ".ndjson", "table": ".csv", "tfrecord": ".tfrecord", "openimages": "bbox.csv",
          "widerface": ".txt", **dict.fromkeys(("coco", "via", "datumaro", "vott", "createml", "labelstudio"), ".json")}
"""Formats that panlabel wants the file of, and not the folder."""


def by_panlabel(peers: Path, root: Path, name: str) -> dict[str, Any]:
    """Convert to COCO with panlabel, file by file where it wants files, and read that."""
    if name not in SUFFIX:
        return _by_panlabel(peers, root, name, PANLABEL[name])
    kind = "vott-csv" if name == "table" and any(root.rglob("*-export.csv")) else PANLABEL[name]
    parts = [_by_panlabel(peers, p, name, kind) for p in sorted(root.rglob("*")) if p.is_file() and p.name.endswith(SUFFIX[name])]
    good = [p for p in parts if "error" not in p]
    if not good:
        return parts[0] if parts else {"error": "no such file"}
    return {"images": [i for p in good for i in p["images"]], "rows": [r for p in good for r in p["rows"]]}


def _by_panlabel(peers: Path, path: Path, name: str, kind: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        done = subprocess.run([str(peers / "panlabel"), "convert", "-f", kind, "-t", "coco", "-i", str(path), "-o", str(out),
                               "--allow-lossy"], capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not out.is_file():
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no output"]
            return {"error": lines[0]}
        read = json.loads(out.read_text())
    stems = {i["id"]: Path(i["file_name"]).stem for i in read["images"]}
    names = {c["id"]: c["name"] for c in read["categories"]}
    return {"images": list(stems.values()), "rows": [
        [stems[a["image_id"]], names[a["category_id"]], *(b := a["bbox"])[:2], b[0] + b[2], b[1] + b[3]] for a in read["annotations"]]}


def difference(images: list[str], rows: Rows, found: dict[str, Any]) -> str:
    """Say in words how what a peer read differs from what we read."""
    if "error" in found:
        return f"refuses: {found['error'][:100]}".replace("|", "/")
    told = []
    if sorted(images) != sorted(found["images"]):
        told.append(f"{len(found['images'])} images, ours {len(images)}")
    key = [sorted(rows, key=_key), sorted(found["rows"], key=_key)]
    if len(key[0]) != len(key[1]):
        told.append(f"{len(key[1])} boxes, ours {len(key[0])}")
    elif key[0]:
        classes = sum(a[1] != b[1] for a, b in zip(*key, strict=True))
        if classes:
            told.append(f"{classes} classes differ")
        edges = [np.array([r[2:] for r in k], float) for k in key]
        worst = float(np.abs(edges[0] - edges[1]).max())
        if worst > 0.02:
            told.append(f"edges differ by up to {worst:.3g} px")
    return "; ".join(told) or "same"


def _key(row: list[Any]) -> tuple[Any, ...]:
    return str(row[0]), *(round(v, 0) for v in row[2:]), str(row[1])


def sets_in(samples: Path) -> Iterator[Path]:
    """Yield the folders of the samples that are sets."""
    for pattern in ("formats_tiny/*_dataset", "formats_tiny/*_dataset/*", "labelformat/object_detection/*", "rop_metrics/gts/*",
                    "sharks/*", "bccd", "rbc_coco", "chess_voc"):
        yield from sorted(p for p in samples.glob(pattern) if p.is_dir())


def drawn_sets(folder: Path) -> Iterator[Path]:
    """Yield a drawn set in each format, those we write and those that the benchmark draws by template."""
    from formats.every_format import FORMATS, drawn

    for name in FORMATS:
        drawn(name, folder / name, 4, 3)
        yield folder / name


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--drawn", action="store_true")
    chosen = parser.parse_args()
    python = chosen.peers / "python"
    print("| sample | format | images | boxes | datumaro | labelformat | panlabel | supervision |\n|---|---|---:|---:|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for root in drawn_sets(Path(folder)) if chosen.drawn else sets_in(chosen.samples):
            shown = root.name if chosen.drawn else root.relative_to(chosen.samples).as_posix()
            try:
                name, images, rows = ours(root)
            except Exception as e:  # several sets below it, or none: the row says so
                print(f"| {shown} | {' '.join(str(e).replace('|', '/').replace(str(chosen.samples), '').split())[:150]} | | | | | | |",
                      flush=True)
                continue
            cells = [
                difference(images, rows, peer(DATUMARO_CODE, python, str(root), ",".join(DATUMARO[name]))) if name in DATUMARO else "",
                difference(images, rows, peer(LABELFORMAT_CODE, python, str(root), name)) if name in (
                    "coco", "yolo", "cvat", "labelbox", "kitti", "voc") else "",
                difference(images, rows, by_panlabel(chosen.peers, root, name)) if name in PANLABEL else "",
                difference(images, rows, peer(SUPERVISION_CODE, python, str(root), name)) if name in ("coco", "voc", "yolo") else ""]
            cells = [c.replace(str(root), "SET").replace(str(chosen.samples), "") for c in cells]
            print(f"| {shown} | {name} | {len(images)} | {len(rows)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""Load real sets with the trainers' own loaders: as they stand, and as `convert --for` wrote them.

    python tests/trainers/round_trips.py --work DIR --sets DIR [--checkout NAME=DIR ...]

The environments and sources are those of `record.py`, which is run first. As they stand: the images and boxes that the
loader keeps are held against `dsinspect simulate`. Converted: every box that the loader has is that of an annotation of the
source, of its class, and what the source has more is what `convert --for` said it left out. The figures go to
`round_trips.json` in the work folder, and from there to docs/verification.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from record import HERE, OF_ITS_OWN, checkout, environment, wheel
from recorded import cases

import dsinspect
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.trainers import Trainer

RELEASES = {"ultralytics": ("8.3.0", "8.4.190"), "mmdet": ("3.3.0",), "rfdetr": ("1.11.2",), "cocoeval": ("2.0.11",)}
FOLDERS = ("bccd", "chess_voc", "rbc_coco", "sharks", "rop_metrics/gts", "labelformat/object_detection", "formats_tiny")
"""Folders of real sets, and of folders of them."""
IMAGES = {"rop_metrics": "rop_metrics/images"}
NEAR_PX = 0.02
"""A box of a loader lies within this of the annotated one: YOLO's fractions and single precision."""


@dataclass(frozen=True)
class Loader:
    """One release of a trainer, and how it is run."""

    trainer: Trainer
    source: Path
    python: Path

    def run(self, content: dict[str, Any], work: Path) -> dict[str, Any]:
        """Return what it makes of documents and label files."""
        given, out = work / "given.json", work / "out.json"
        pictures = {k: v for k, v in cases()["images"].items() if k in ("plain.jpg", "plain.png", "grey.png")}
        given.write_text(json.dumps({"images": pictures, "labels": [], "coco": [], "pairs": [], **content}))
        done = subprocess.run([self.python, HERE / "runners.py", self.trainer.name, self.source, given, out, work / "run"],
                              env={**os.environ, "PYTHONUTF8": "1", "YOLO_CONFIG_DIR": str(work), "CUDA_VISIBLE_DEVICES": ""},
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.trainer.label}: {done.stderr[-2000:]}")
        made: dict[str, Any] = json.loads(out.read_text())
        return {k: v for k, v in made.items() if not k.startswith("image ")}


def loaders(work: Path, checkouts: list[list[str]]) -> list[Loader]:
    """Return the loaders of all trainers that can be had."""
    plugins = load_plugins()
    python = environment(work / "venv", ())
    found = []
    for name, releases in RELEASES.items():
        for release in releases:
            source = work if name == "cocoeval" else wheel(work, name, release)
            found.append(Loader(plugins.trainers[name](release), source, python))
    for name, repository in checkouts:
        _, source = checkout(work, name, repository)
        own = environment(work / f"venv-{name}", ()) if name in OF_ITS_OWN else python
        found.append(Loader(plugins.trainers[name](), source, own))
    return found


def boxes_of(fates: dict[str, Any], wh: dict[str, tuple[int, int]]) -> dict[str, list[tuple[int, list[float]]]]:
    """Return the boxes of each image that a loader keeps, px."""
    found: dict[str, list[tuple[int, list[float]]]] = {}
    for name, fate in fates.items():
        if "stops" in fate:
            raise RuntimeError(f"{name}: {fate['stops']}")
        for _, image, rows in fate.get("images", ()):
            found[f"{name}/{image}"] = [(int(r[0]), [float(v) for v in r[1:5]]) for r in rows if r[-1] != "ignore"]
        if "rows" in fate and "wh" in fate:
            w, h = wh[name]
            found[name] = [(int(c), [(x - bw / 2) * w, (y - bh / 2) * h, (x + bw / 2) * w, (y + bh / 2) * h])
                           for c, x, y, bw, bh in fate["rows"]]
        elif "rows" in fate:
            found[name] = [(int(r[0]), [float(v) for v in r[1:5]]) for r in fate["rows"]]
    return found


def sets_in(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and folder of every set that is read; a folder that is none is looked into."""
    def look(path: Path, deep: int) -> Iterator[tuple[str, Path]]:
        try:
            dsinspect.open(path)
            yield str(path.relative_to(root)), path
        except UserError as e:
            folders = [p for p in sorted(path.iterdir()) if p.is_dir()] if path.is_dir() and deep else []
            found = [s for p in folders for s in look(p, deep - 1)]
            if not found:
                print(f"not read: {path.relative_to(root)}: {e}"[:200], file=sys.stderr)
            yield from found

    for name in FOLDERS:
        yield from look(root / name, 3)


def _as_mmdet_wants(dataset: dsinspect.Dataset, work: Path) -> dict[str, Any]:
    """Lay a VOC set out in the folders of `XMLDataset`; a file keeps its bytes."""
    root = work / "voc"
    for folder in ("Annotations", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    stems = []
    images = dataset.images[~dataset.images["source"].isna()]
    for number, (source, file) in enumerate(zip(images["source"], images["file"], strict=True)):
        stems.append(f"{number:06}")
        (root / "Annotations" / f"{stems[-1]}.xml").write_bytes((dataset.info.root / source).read_bytes())
        if file:
            (root / "JPEGImages" / f"{stems[-1]}{Path(file).suffix}").write_bytes(Path(file).read_bytes())
    (root / "all.txt").write_text("".join(s + "\n" for s in stems))
    return {"name": "voc", "root": str(root), "classes": sorted(dataset.annotations["category"].dropna().unique())}


def content_of(dataset: dsinspect.Dataset, work: Path) -> dict[str, Any]:
    """Return the documents, the label files or the folder of a set, as the loaders are given them."""
    info, images = dataset.info, dataset.images
    if info.format == "voc":
        return {"voc_sets": [_as_mmdet_wants(dataset, work)]}
    if info.format == "yolo":
        root = info.root
        configuration = yaml.safe_load((root / "data.yaml").read_text()) if (root / "data.yaml").is_file() else {}
        points = {"points": configuration["kpt_shape"]} if "kpt_shape" in configuration else {}
        return {"pairs": [{**points, "name": path, "image": file, "label": str(root / source) if source else str(root / "none.txt"),
                           "nc": len(info.categories)} for path, file, source in zip(
            images["path"], images["file"], images["source"], strict=True) if file is not None]}
    documents = []
    for source in dict.fromkeys(images["source"]):
        own = images[images["source"] == source]
        document = json.loads((info.root / source if info.root.is_dir() else info.root).read_text())
        names = [i["file_name"] for i in document["images"]]
        file, name = next((f, n) for f in own["file"] for n in names if f and f.endswith(n))
        documents.append({"name": source, "document": document, "folder": file.removesuffix(name).rstrip("/")})
    return {"coco": documents}


Steps = Generator[dict[str, Any], dict[str, Any], dict[str, Any]]
"""Yields what is to be loaded, is sent what the loader made of it, and returns a line."""


def as_it_stands(name: str, path: Path, images: Path | None, loader: Loader, work: Path) -> Steps:
    """Hold `simulate` against a loader, where it reads the set's format."""
    dataset = dsinspect.open(path, images=images)
    if dataset.info.format not in loader.trainer.reads or not dataset.info.has_files:
        return {}
    copied = work / "copy"
    shutil.copytree(path, copied)  # a trainer may rewrite images
    for folder, _, _ in os.walk(copied):
        Path(folder).chmod(0o755)
    dataset = dsinspect.open(copied, images=images)
    (mine,) = dsinspect.simulate(copied, loader.trainer.label, images=images).trainers
    fates = yield content_of(dataset, work)
    stopped = [f["stops"] for f in fates.values() if "stops" in f]
    if stopped:
        return {"set": name, "trainer": loader.trainer.label, "theirs": stopped[0][:80],
                "mine": mine.stops[0].error[:80] if mine.stops else "nothing stops it",
                "equal": bool(mine.stops) and stopped[0].startswith(mine.stops[0].error.partition("'")[0][:40])}
    if loader.trainer.name == "cocoeval":
        theirs = [sum(len(f["images"]) for f in fates.values()), sum(len(f["truth"]) for f in fates.values())]
    else:
        size = {p: (w, h) for p, w, h in zip(dataset.images["path"], dataset.images["frame_width"], dataset.images["frame_height"],
                                             strict=True)}
        kept = boxes_of(fates, size)
        theirs = [len(kept), sum(map(len, kept.values()))]
    part = mine.part
    ours = [int(part.images[0]), int(part.annotations[0] + part.annotations[1]) + part.extras]
    if loader.trainer.name == "mmdet":  # they are there as regions to ignore
        ours[1] -= sum(loss.changed for rule, loss in mine.losses if rule.key in ("crowd", "difficult", "under-32-px"))
    return {"set": name, "trainer": loader.trainer.label, "theirs": theirs, "mine": ours, "equal": theirs == ours}


def converted(name: str, path: Path, images: Path | None, loader: Loader, work: Path) -> Steps:
    """Convert for a trainer, load with it, and hold what it has against the source."""
    trainer, out = loader.trainer, work / "out"
    source = dsinspect.open(path, images=images)
    if not source.info.has_files:
        return {}
    done = dsinspect.convert(path, out, trainer=trainer.label, images=images)
    assert trainer.target is not None
    if done.fitted == (0, 0):  # images that are nowhere: there is nothing to load
        gone = sum(count for what, count in done.losses.items() if what.startswith("images"))
        return {"set": name, "trainer": trainer.label, "images": [len(source.images), 0], "boxes": [len(source.annotations), 0],
                "strange": 0, "left_out": {k: v for k, v in done.losses.items() if v}, "equal": gone == len(source.images)}
    if trainer.target.format == "yolo":
        there = dsinspect.open(out)
        content = content_of(there, work)
        content["pairs"] = list({p["image"]: p for p in content["pairs"]}.values())
    else:
        splits = {trainer.target.splits.get(s, s) for s in source.info.splits or ("train",)}
        files = {s: out / trainer.target.annotations.format(split=s) for s in sorted(splits)}
        content = {"coco": [{"name": s, "document": json.loads(f.read_text()),
                             "folder": str(out / trainer.target.images.format(split=s))} for s, f in files.items() if f.is_file()]}
    sizes = {}
    if "pairs" in content:
        sizes = {p: (w, h) for p, w, h in zip(there.images["path"], there.images["frame_width"], there.images["frame_height"],
                                              strict=True)}
    kept = boxes_of((yield content), sizes)
    names = list(dict.fromkeys(c.name for c in sorted(source.info.categories, key=lambda c: c.category_id)))
    names = names or sorted(source.annotations["category"].dropna().unique())
    first = trainer.target.first_id if trainer.name in ("rtdetr", "torchvision") else 0
    frame = source.annotations.join(source.images[["frame_width", "frame_height"]], on="image_row")
    corners = frame[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    limits = frame[["frame_width", "frame_height"]].to_numpy()
    inner = np.clip(corners, 0, np.tile(limits, 2))
    annotated: Counter[tuple[str, ...]] = Counter()
    for category, box in zip(frame["category"], inner, strict=True):
        annotated[(category, *(f"{v:.1f}" for v in box))] += 1
    strange = 0
    for label, box in (row for rows in kept.values() for row in rows):
        key = next((k for k in _near(names[label - first], box) if annotated.get(k)), None)
        strange += key is None
        if key is not None:
            annotated[key] -= 1
    n = sum(map(len, kept.values()))
    left = len(frame) - n
    named = sum(count for what, count in done.losses.items()
                if what.startswith(("annotations", "boxes outside", "crowd", "ignored")))
    gone = sum(count for what, count in done.losses.items() if what.startswith("images"))
    crowds = int(frame["is_crowd"].sum()) if trainer.target.keep_crowd else 0  # they are written, for the judge alone
    rows_gone = left - named - crowds  # those of images that are left out go with them
    lost_images = len(source.images) - len(kept)
    equal = strange == 0 and lost_images == gone and (rows_gone == 0 or gone > 0)
    return {"set": name, "trainer": trainer.label, "images": [len(source.images), len(kept)], "boxes": [len(frame), n],
            "strange": strange, "left_out": {k: v for k, v in done.losses.items() if v}, "equal": equal}


def _near(name: str, box: list[float]) -> list[tuple[str, ...]]:
    """Return the keys of boxes within `NEAR_PX` of one, by tenths of a pixel."""
    edges = [sorted({f"{v + d + 0.0:.1f}".replace("-0.0", "0.0") for d in (-NEAR_PX, 0.0, NEAR_PX)}) for v in box]
    return [(name, a, b, c, d) for a in edges[0] for b in edges[1] for c in edges[2] for d in edges[3]]


def of_all_sets(loader: Loader, sets: Path, only: list[str] | None, work: Path) -> dict[str, list[Any]]:
    """Return the lines of one loader, which runs once over everything."""
    steps: list[tuple[str, str, str, Steps]] = []
    content: dict[str, list[Any]] = {"coco": [], "pairs": [], "voc_sets": []}
    lines: dict[str, list[Any]] = {"as_they_stand": [], "converted": []}
    for name, path in sets_in(sets):
        images = next((sets / i for k, i in IMAGES.items() if name.startswith(k)), None)
        for key, measure in (("as_they_stand", as_it_stands), ("converted", converted)):
            if (only and name not in only) or (key == "converted" and loader.trainer.target is None):
                continue
            own = Path(tempfile.mkdtemp(dir=work))
            step, mark = measure(name, path, images, loader, own), f"{len(steps)}|"
            try:
                asked = next(step)
            except StopIteration as stop:
                lines[key] += [stop.value] if stop.value else []
                continue
            except Exception as e:
                lines[key].append({"set": name, "trainer": loader.trainer.label, "error": f"{type(e).__name__}: {e}"[-300:],
                                   "equal": False})
                continue
            steps.append((name, key, mark, step))
            for kind, found in asked.items():
                content[kind] += [{**f, "name": mark + f["name"]} for f in found]
    made = loader.run(content, work)
    for name, key, mark, step in steps:
        try:
            step.send({k.removeprefix(mark): v for k, v in made.items() if k.startswith(mark)})
        except StopIteration as stop:
            lines[key].append(stop.value)
        except RuntimeError as e:  # the loader stops at a set
            lines[key].append({"set": name, "trainer": loader.trainer.label, "error": str(e)[-300:], "equal": False})
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of record.py")
    parser.add_argument("--sets", type=Path, required=True, help="folder of the real sets")
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=DIR", help="as for record.py")
    parser.add_argument("--only", nargs="*", help="names of sets")
    choices = parser.parse_args()
    result: dict[str, list[Any]] = {"as_they_stand": [], "converted": []}
    for loader in loaders(choices.work.resolve(), [c.split("=", 1) for c in choices.checkout]):
        with tempfile.TemporaryDirectory() as folder:
            for key, lines in of_all_sets(loader, choices.sets, choices.only, Path(folder)).items():
                result[key] += lines
                for line in lines:
                    if not line["equal"]:
                        print(key, json.dumps(line), file=sys.stderr, flush=True)
                print(loader.trainer.label, key, f"{sum(x['equal'] for x in lines)} of {len(lines)} equal", flush=True)
    if not choices.only:
        (choices.work / "round_trips.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Run the trainers' own loading code over the cases and record what it makes of them.

    python tests/trainers/record.py --work DIR [--only NAME ...] [--checkout yolox=DIR] [--checkout detectron2=DIR] ...

Wheels are fetched with pip and a virtual environment of their own is made in DIR, outside of the repository; nothing of
a trainer's code is kept here. Trainers without a wheel (YOLOX, detectron2, RT-DETR) are read from a git checkout (or a
bare repository) that the caller names. torchvision's references are in no wheel either: they come from a checkout, or from
the unpacked source of a Debian release (`apt-get source --download-only pytorch-vision`), and run beside torchvision's own
wheel, for which a second environment is made. PyTorch is installed, for some loaders make tensors; what a loader only
imports (torchvision, mmcv, ...) is a stub. The fates go to `fates/*.json.gz` beside this file, with the release or commit of each
trainer; `cases.json.gz` holds the cases they belong to. The tests compare `dsinspect simulate` with both.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ULTRALYTICS = ("8.3.0", "8.3.65", "8.3.66", "8.3.162", "8.3.163", "8.3.253", "8.4.0", "8.4.6", "8.4.7", "8.4.116", "8.4.117",
               "8.4.163", "8.4.164", "8.4.165", "8.4.166", "8.4.167", "8.4.173", "8.4.174", "8.4.181", "8.4.182", "8.4.183",
               "8.4.190")
"""Both sides of every border at which a fate changes, and the releases named in the docs."""
WHEELS = {"mmdet": ["3.3.0"], "rfdetr": ["1.11.2"]}
NEEDED = ("torch==2.13.0", "numpy<3", "pillow", "opencv-python-headless", "pycocotools==2.0.11", "mmengine==0.10.7", "loguru",
          "psutil", "pyyaml", "tqdm", "requests", "iopath", "fvcore", "matplotlib", "packaging", "pi-heif", "scipy",
          "hypothesis")
OF_ITS_OWN = {"torchvision": ("torch==2.14.1", "torchvision==0.29.1", "pycocotools==2.0.11")}
"""Trainers that need an environment apart: torchvision's wheel wants the PyTorch it was built for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for wheels, sources and the environment")
    parser.add_argument("--only", nargs="*", help="trainers to record; default: all that can be had")
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=DIR",
                        help="git repository of a trainer; may be given again for another release")
    choices = parser.parse_args()
    work: Path = choices.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    python = environment(work / "venv", NEEDED)
    cases = work / "cases.json"
    cases.write_bytes(subprocess.run([python, HERE / "cases.py"], check=True, capture_output=True).stdout)
    save("cases.json.gz", json.loads(cases.read_text()))
    checkouts = [c.split("=", 1) for c in choices.checkout]
    jobs: list[tuple[str, str, Path]] = []
    wanted = choices.only
    if not wanted or "ultralytics" in wanted:
        jobs += [("ultralytics", v, wheel(work, "ultralytics", v)) for v in ULTRALYTICS]
    for name, releases in WHEELS.items():
        if not wanted or name in wanted:
            jobs += [(name, v, wheel(work, name, v)) for v in releases]
    if not wanted or "cocoeval" in wanted:
        jobs.append(("cocoeval", "2.0.11", work))
    for name, repository in checkouts:
        if not wanted or name in wanted:
            jobs.append((name, *checkout(work, name, repository)))
    recorded: dict[str, dict[str, Any]] = {}
    for name, release, source in jobs:
        out = work / "out.json"
        runs = environment(work / f"venv-{name}", OF_ITS_OWN[name]) if name in OF_ITS_OWN else python
        run = subprocess.run([runs, HERE / "runners.py", name, source, cases, out, work / "run"],
                             env={**os.environ, "PYTHONUTF8": "1", "YOLO_CONFIG_DIR": str(work), "CUDA_VISIBLE_DEVICES": ""},
                             capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"{name} {release}: {run.stderr[-3000:]}", file=sys.stderr)
            continue
        recorded.setdefault(name, {})[release] = json.loads(out.read_text())
        print(f"{name} {release}: {len(recorded[name][release])} fates")
        if name == "rtdetr":
            record_losses(python, work, release, source)
    for name, releases in recorded.items():
        save(f"fates/{name}.json.gz", folded(releases))


def record_losses(python: Path, work: Path, release: str, source: Path) -> None:
    """Record what RT-DETR's own varifocal loss comes to, for `dsinspect expect`."""
    out = work / "losses.json"
    subprocess.run([python, HERE / "loss_runner.py", source, out], check=True)
    save("fates/rtdetr_losses.json.gz", {"release": release, **json.loads(out.read_text())})


def folded(releases: dict[str, Any]) -> dict[str, Any]:
    """Store equal fates of several releases once: per case the distinct fates, and of each release which it has."""
    names = list(releases)
    cases = {}
    for case in next(iter(releases.values())):
        distinct: list[Any] = []
        of = []
        for name in names:
            fate = releases[name][case]
            if fate not in distinct:
                distinct.append(fate)
            of.append(distinct.index(fate))
        cases[case] = [distinct, of] if any(of) else [distinct]
    return {"releases": names, "cases": cases}


def save(name: str, content: Any) -> None:
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as file:
        file.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    path.write_bytes(raw.getvalue())


def environment(folder: Path, needed: Sequence[str]) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True)
    return python


def wheel(work: Path, name: str, release: str) -> Path:
    folder = work / "sources" / f"{name}-{release}"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", work / "wheels", f"{name}=={release}"],
                       check=True)
        found = next((work / "wheels").glob(f"{name}-{release}-*.whl"))
        with zipfile.ZipFile(found) as archive:
            archive.extractall(folder, [n for n in archive.namelist() if n.endswith((".py", ".yaml"))])
    return folder


def checkout(work: Path, name: str, repository: str) -> tuple[str, Path]:
    """Return commit and folder of a git repository's newest commit; a plain folder is named for its release: vision-0.21.0."""
    if name == "torchvision" and (Path(repository) / "references").is_dir() and not (Path(repository) / ".git").exists():
        return Path(repository).name.rpartition("-")[2], Path(repository)
    commit = subprocess.run(["git", "-C", repository, "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True,
                            text=True).stdout.strip()
    folder = work / "sources" / f"{name}-{commit}"
    if not folder.exists():
        tar = subprocess.run(["git", "-C", repository, "archive", "HEAD"], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            archive.extractall(folder, filter="data")
    return commit, folder


if __name__ == "__main__":
    main()

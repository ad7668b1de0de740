"""Read 100,000 boxes of 10,000 images in every format, beside COCO and beside the floor of the format's files.

    python benchmarks/formats.py [--workdir DIR] [--repeat 3] [--write] [NAME ...]

The floor of a format is what reading its files and decoding them costs with nothing kept: `json.loads`, the standard XML
parser, a split into lines and words, OpenCV for masks. Each reading is a process of its own; what counts is the processor
time to open the set and load all shards, and the memory that grows meanwhile (Linux). All formats run in turn, the median counts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from format_sets import draw

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
TITLE = "## 100,000 boxes of 10,000 images in every format"
GOAL = """Goal: time and memory of reading within three times of COCO's, or what bounds it is said. Written by
`python benchmarks/formats.py --write`: processor time of opening the set and loading all shards in one process, and the
memory that grows meanwhile; the floor is reading the same files and decoding them with nothing kept (`json.loads`, Python's XML
parser, lines and words, OpenCV for masks)."""
BOUND = """What bounds those above three times. COCO's file is decoded by msgspec straight into typed records, in less time than
`json.loads` takes for it, so that three times is six microseconds a box. A format of a file per image opens 10,000 files
and looks at the head of most before (LabelMe, Supervisely, Cityscapes, DOTA, KITTI, VisDrone); VOC's objects are a dozen
XML elements each, 1.2 million in all, and every one is looked at; VIA, Label Studio, CVAT and VoTT check each number of a
nested record in Python; a table may have any columns, and each cell is checked; a TFRecord is walked message by message,
and each image in it gets a file of its own to be measured; masks are 20,000 PNG images of 640 x 480 px, read in less time
than OpenCV takes to decode them with nothing kept (a box that others cover is not in a mask).
Formats of a file per image are read in the workers. VoTT's memory is that of its
JSON as Python objects: a region has some twenty of them."""
READ = """
import re, sys, time
from pathlib import Path
from dsinspect.loader import load_plugins
from dsinspect.protocols.formats import OpenRequest
import pandas, numpy, cv2
import dsinspect.tables.schema
kind = load_plugins().formats[sys.argv[1]]
kind()
root = Path(sys.argv[2])
kind().detect(Path(sys.argv[3]))
def read(root):
    source = kind().open(OpenRequest(root, options=kind.options_type()))
    return sum(len(ref.load().annotation_columns) for ref in source.shards(1000))
read(Path(sys.argv[3]))
def resident(what):
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = resident("VmRSS")
start = time.process_time()
count = read(root)
took = time.process_time() - start
print(took, (resident("VmHWM") - before) / 1024, count)
"""
FLOOR = """
import json, os, sys, time
import xml.etree.ElementTree as ET
import cv2, numpy
def of(path, content):
    if path.endswith(".png"):
        return cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR)
    if path.endswith((".ndjson", ".odgt", ".jsonl")):
        return [json.loads(line) for line in content.splitlines()]
    if path.endswith(".json"):
        return json.loads(content)
    if path.endswith(".xml"):
        return ET.fromstring(content)
    if path.endswith((".txt", ".csv")):
        return [line.replace(",", " ").split() for line in content.decode().splitlines()]
    return content
start = time.process_time()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if not name.endswith(".bmp"):
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                of(path, f.read())
print(time.process_time() - start)
"""


def run(code: str, *arguments: str) -> list[float]:
    """Run a script in a process of its own and return the numbers it prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [float(v) for v in done.stdout.split()]


def main() -> None:
    """Draw what is missing, read, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--workdir", type=Path, default=Path(tempfile.gettempdir()) / "dsinspect-formats")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    from dsinspect.loader import load_plugins

    names = ["coco", *(n for n in (chosen.names or load_plugins().formats) if n != "coco")]
    runs: dict[str, list[list[float]]] = {n: [] for n in names}
    floors: dict[str, list[float]] = {n: [] for n in names}
    for name in names:
        for size, each in ((chosen.images, 10), (20, 10)):
            folder = chosen.workdir / f"{name}-{size}"
            if not (folder / ".drawn").is_file():
                draw(name, folder, size, each)
                (folder / ".drawn").touch()
    for _ in range(chosen.repeat):
        for name in names:
            folder = chosen.workdir / f"{name}-{chosen.images}"
            runs[name].append(run(READ, name, str(folder), str(chosen.workdir / f"{name}-20")))
            floors[name].append(run(FLOOR, str(folder))[0])
    table = ["| format | time | of COCO's | memory | of COCO's | floor of its files | time, of the floor |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    base, base_mb = (statistics.median(r[k] for r in runs["coco"]) for k in (0, 1))
    for name in names:
        took, grown = (statistics.median(r[k] for r in runs[name]) for k in (0, 1))
        if runs[name][0][2] != chosen.images * 10:
            print(f"{name}: read {runs[name][0][2]:,.0f} boxes", file=sys.stderr)
        floor = statistics.median(floors[name])
        table.append(f"| {name} | {took:.2f} s | {took / base:.1f} | {grown:.0f} MB | {grown / base_mb:.1f} | {floor:.2f} s | "
                     f"{took / floor:.1f} |")
    print("\n".join(table))
    if chosen.write:
        before, _, after = PAGE.read_text().partition(f"{TITLE}\n")
        _, mark, rest = after.partition("\n## ")
        section = f"{TITLE}\n\n{GOAL}\n\n" + "\n".join(table) + f"\n\n{BOUND}\n"
        PAGE.write_text(f"{before.rstrip()}\n\n{section}{mark}{rest}")


if __name__ == "__main__":
    main()

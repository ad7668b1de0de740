"""Measure dsinspect beside its peers and beside the limit, and write docs/benchmarks.md.

    python benchmarks/run.py [--images 20000] [--annotations 860000] [--repeat 3] [--workdir DIR] [--peers PYTHON] [--write]
    python benchmarks/run.py --only coco --write      one job again; the rest of the page stays
    python benchmarks/run.py --quick          small workloads, one run each: does it work at all?

Workloads are drawn into the work folder when they are not there. Peers run with the interpreter named by `--peers`, of a
virtual environment of their own (pip install pycocotools Pillow cleanvision); one that is not installed there is skipped
with a line. All commands of a job run in turn, and the median of the runs counts.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import profiling
import reviewing
import workloads
import xlsx_writing
from timing import Command, Figure, compare

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
DSINSPECT = [sys.executable, "-m", "dsinspect"]
PIL = "import sys, pathlib; from PIL import Image\nfor p in pathlib.Path(sys.argv[1]).glob('*.jpg'): Image.open(p).size"
PYCOCOTOOLS = "import sys; from pycocotools.coco import COCO; COCO(sys.argv[1])"
CLEANVISION = ("import sys; from cleanvision import Imagelab\n"
               "if __name__ == '__main__': Imagelab(data_path=sys.argv[1]).find_issues(n_jobs=2)")
LIMIT = '''
import glob, hashlib, sys
import cv2, numpy as np
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
cv2.setNumThreads(1)
def one(file):
    content = open(file, "rb").read()
    hashlib.sha256(content).digest()
    grey = cv2.cvtColor(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_REDUCED_COLOR_2), cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (256, 192))
    cv2.calcHist([small], [0], None, [256], [0, 256])
    cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_16S))
    cv2.dct(cv2.resize(small, (32, 32)).astype(np.float32))
if __name__ == "__main__":
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(one, sorted(glob.glob(sys.argv[1] + "/*.jpg")), chunksize=64))
'''

WORKBOOK_NOTE = """\
Before findings had images, decisions and per-row choices, writing the same 200,000 took 3.80 s of processor time; it takes 4.91 s,
1.29 times as much (goal: at most 1.5; five runs of each in turn, the medians, without thumbnails)."""
"""Measured once, with the writer as it was before the review (commit 64175c5) in a tree of its own."""


@dataclass(frozen=True)
class Line:
    """A line of the page.

    Attributes:
        what: was measured.
        figure: of it.
        ratio: of it to the first line of its job, or a goal, in words.
    """

    what: str
    figure: Figure
    ratio: str = ""


@dataclass
class Job:
    """A table of the page."""

    title: str
    goal: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """What the jobs share."""

    folder: Path
    images: int
    annotations: int
    repeat: int
    peers: str | None

    def script(self, name: str, text: str) -> str:
        """Keep a peer's script as a file: spawned workers read it again."""
        path = self.folder / f"{name}.py"
        path.write_text(text)
        return str(path)

    def has(self, module: str) -> bool:
        """Say whether a peer is installed."""
        if self.peers is None:
            return False
        return subprocess.run([self.peers, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False).returncode == 0

    def image_set(self, count: int, shrink: int = 1) -> Path:
        """Return a drawn set of images."""
        path = self.folder / ("images" if shrink == 1 else "small") / str(count)
        if not (path / "instances.json").is_file():
            workloads.images(path, count, shrink)
        return path

    def boxes(self, annotations: int) -> Path:
        """Return a drawn COCO file without polygons."""
        path = self.folder / "boxes" / f"{annotations}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            workloads.boxes(path, max(annotations // 10, 1), annotations)
        return path

    def coco(self, annotations: int) -> Path:
        """Return a drawn COCO file."""
        path = self.folder / "coco" / f"{annotations}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            workloads.coco(path, max(annotations * 118_287 // 860_000, 1), annotations)
        return path


def table(job: Job, figures: dict[str, Figure], ratios: Callable[[str, Figure], str]) -> Job:
    job.lines += [Line(name, f, ratios(name, f)) for name, f in figures.items()]
    return job


def tell_where(job: Job, arguments: list[str]) -> None:
    """Note where the time of a command goes, when py-spy is installed."""
    try:
        shares = profiling.profile(arguments)
    except RuntimeError as e:
        job.notes.append(f"No profile: {e}.")
        return
    told = "; ".join(f"{name} {share:.0%}" for name, share in shares[:12] if share >= 0.01)
    job.notes.append(f"Where our time goes (py-spy; libraries count for the function of ours that calls them): {told}.")


def coco_job(b: Bench) -> Job:
    file = b.coco(b.annotations)
    job = Job(f"COCO JSON, {b.annotations:,} annotations, {file.stat().st_size / 1e6:.0f} MB",
              "`check` with every annotation check at most 0.25 of the bare load by pycocotools, at most 1,500 MB")
    out = b.folder / "findings.json"
    commands = {"dsinspect check, findings to JSON": Command(
        [*DSINSPECT, "check", str(file), "--output-format", "json", "--output-file", str(out), "--exit-zero", "--quiet"])}
    if b.has("pycocotools"):
        commands["pycocotools: COCO(file)"] = Command([str(b.peers), b.script("load", PYCOCOTOOLS), str(file)])
    else:
        job.notes.append("pycocotools is not installed; skipped.")
    figures = compare(commands, b.repeat)
    tell_where(job, list(commands["dsinspect check, findings to JSON"].arguments)[len(DSINSPECT):])
    ours = figures["dsinspect check, findings to JSON"].median
    return table(job, figures, lambda n, f: f"{ours / f.median:.2f} of it" if n.startswith("pyco") else "")


def header_job(b: Bench) -> Job:
    folder = b.image_set(b.images)
    cache = b.folder / "cache-header"
    job = Job(f"Header facts of {b.images:,} JPEGs", "the whole command, cold, ahead of a loop of PIL.Image.open on one core")
    check = [*DSINSPECT, "check", str(folder), "--select", "SIZ,IMG004,IMG005,IMG006,IMG007", "--quiet", "--statistics",
             "--cache-dir", str(cache)]
    commands = {"dsinspect, cold cache": Command(check, lambda: shutil.rmtree(cache, ignore_errors=True)),
                "dsinspect, warm cache": Command(check)}
    if b.has("PIL"):
        commands["PIL: Image.open(file).size"] = Command([str(b.peers), b.script("pil", PIL), str(folder / "images")])
    else:
        job.notes.append("Pillow is not installed; skipped.")
    figures = compare(commands, b.repeat)
    ours = figures["dsinspect, cold cache"].median
    return table(job, figures, lambda n, f: f"{f.median / ours:.2f} of ours cold")


def probes_job(b: Bench) -> Job:
    folder = b.image_set(b.images)
    cache = b.folder / "cache-all"
    job = Job(f"All probes and checks on {b.images:,} images",
              "at least 15 times cleanvision's rate, 0.7 of the limit; the second run 20 times faster; under 600 MB")
    check = [*DSINSPECT, "check", str(folder), "--quiet", "--statistics", "--cache-dir", str(cache)]
    commands = {"dsinspect, first run": Command(check, lambda: shutil.rmtree(cache, ignore_errors=True)),
                "dsinspect, second run": Command(check),
                "limit: read, decode, resize, histogram, Laplacian, hash; two processes": Command(
                    [sys.executable, b.script("limit", LIMIT), str(folder / "images")])}
    figures = compare(commands, b.repeat)
    if b.has("cleanvision"):
        figures |= compare({"cleanvision, 2 jobs": Command(
            [str(b.peers), b.script("cleanvision_run", CLEANVISION), str(folder / "images")])}, 1)
        job.notes.append("cleanvision ran once.")
    else:
        job.notes.append("cleanvision is not installed; skipped.")
    tell_where(job, ["check", str(folder), "--quiet", "--statistics", "--no-cache"])
    ours = figures["dsinspect, first run"].median

    def ratio(name: str, figure: Figure) -> str:
        rate = f"{b.images / figure.median:,.0f} images a second"
        return f"{rate}; {figure.median / ours:.2f} of our first run's time"

    return table(job, figures, ratio)


def start_job(b: Bench) -> Job:
    folder = b.image_set(100)
    job = Job("Start-up", "`--help` within 2.5 times `import typer`; a warm check of 100 images under a second")
    figures = compare({"python -c 'import typer'": Command([sys.executable, "-c", "import typer"]),
                       "dsinspect --help": Command([*DSINSPECT, "--help"]),
                       "dsinspect check, 100 images, warm": Command(
                           [*DSINSPECT, "check", str(folder), "--quiet", "--cache-dir", str(b.folder / "cache-start")])},
                      max(b.repeat, 3))
    first = figures["python -c 'import typer'"].median
    return table(job, figures, lambda _, f: f"{f.median / first:.1f} times the import")


def growth_job(b: Bench) -> Job:
    job = Job("Growth", "time and memory for one more stay flat, under 600 MB for images")
    for count in (b.images // 20, b.images // 2, b.images * 5):
        folder = b.image_set(count, 4)
        figure = compare({"": Command([*DSINSPECT, "check", str(folder), "--quiet", "--statistics", "--no-cache"])}, 1)[""]
        job.lines.append(Line(f"{count:,} small images, all probes", figure, f"{figure.median / count * 1e3:.2f} ms an image"))
    for count in (b.images * 5, b.images * 50, b.images * 500):
        file = b.boxes(count)
        figure = compare({"": Command([*DSINSPECT, "check", str(file), "--quiet", "--statistics"])}, 1)[""]
        job.lines.append(Line(f"{count:,} boxes, COCO", figure,
                              f"{figure.median / count * 1e6:.1f} us and {figure.peak_mb / count * 1e6:,.0f} bytes an annotation"))
    return job


def xlsx_job(b: Bench) -> Job:
    rows = min(b.annotations, 200_000)
    job = Job(f"{rows:,} findings to .xlsx, and 2,000 decisions back",
              "10 times faster than pandas with openpyxl, 5 times XlsxWriter's constant memory; a review in half the time of "
              "openpyxl's plain reading")
    with tempfile.TemporaryDirectory(dir=b.folder) as name:
        written = xlsx_writing.compare(xlsx_writing.WRITERS, rows, b.repeat, Path(name))
        xlsx_writing.decide(Path(name) / "dsinspect.xlsx", Path(name) / "reviewed.xlsx", min(2000, rows // 2))
        read = xlsx_writing.compare(xlsx_writing.READERS, rows, 1, Path(name))
    for results in (written, read):
        ours = next(iter(results.values()))["seconds"]
        job.lines += [Line(what, Figure((r["seconds"],), r["peak_mb"]), f"{r['seconds'] / ours:.1f} times ours")
                      for what, r in results.items()]
    job.notes.append(WORKBOOK_NOTE)
    return job


def transform_job(b: Bench) -> Job:
    folder = b.image_set(b.images)
    job = Job(f"Letterbox 640, flip and JPEG 95 of {b.images:,} images", "at least 0.8 of the bare limit with the same workers")
    script = [sys.executable, str(HERE / "transforming.py"), str(folder), "--jobs", "2", "--only"]
    figures = compare({"limit: decode, resize, pad, flip, encode, write; two threads": Command([*script, "bare thread"]),
                       "dsinspect transform, two threads": Command([*script, "dsinspect thread"])}, b.repeat)
    limit = next(iter(figures.values())).median
    return table(job, figures, lambda _, f: f"{b.images / f.median:,.0f} images a second; {limit / f.median:.2f} of the limit")


def review_job(b: Bench) -> Job:
    findings = min(b.annotations, 20_000)
    job = Job(f"{findings:,} findings reviewed in Chromium",
              "the page opens in 3 s and filters in 0.3 s; the served app opens in 1 s and answers each key in 0.1 s")
    with tempfile.TemporaryDirectory(dir=b.folder) as name:
        for what, seconds in reviewing.measured(findings, Path(name)).items():
            job.lines.append(Line(what, Figure(seconds, 0), f"at most {max(seconds) / reviewing.limit_of(what):.2f} of the goal"))
    return job


def simulated(path: Path, name: str) -> dict[str, float]:
    """Return the seconds that `simulate` takes to open and load a set, and for the fates of a trainer; fresh, alone."""
    done = subprocess.run([*DSINSPECT, "simulate", str(path), "--trainer", name, "--timings", "--quiet", "--no-cache", "--jobs",
                           "1"], capture_output=True, text=True, check=True)
    told = {name: float(seconds) for seconds, name in re.findall(r"(?m)^ *([\d.]+) s  (\S.*)$", done.stderr)}
    fates = next(s for n, s in told.items() if n.startswith(f"{name}@"))
    return {"load": told.get("open", 0.0) + told.get("load", 0.0), "fates": fates}


def trainers_job(b: Bench) -> Job:
    file = b.coco(b.annotations)
    job = Job(f"`simulate`: fates of {b.annotations:,} annotations", "the fates of one trainer within a fifth of the loading")
    names = ("detectron2", "mmdet", "torchvision", "yolox", "rtdetr", "rfdetr", "cocoeval")
    labels = b.folder / "labels" / str(b.annotations)
    if not (labels / "data.yaml").is_file():
        workloads.yolo(labels, max(b.annotations * 118_287 // 860_000, 1), b.annotations)
    for name, path in (*((n, file) for n in names), ("ultralytics", labels)):
        runs = [simulated(path, name) for _ in range(b.repeat)]
        ratio = sorted(r["fates"] / r["load"] for r in runs)[len(runs) // 2]
        load = sorted(r["load"] for r in runs)[len(runs) // 2]
        of = f"{ratio:.2f} of the {load:.2f} s that loading takes"
        job.lines.append(Line(f"{name}{', YOLO label files' if path is labels else ''}", Figure(
            tuple(sorted(r["fates"] for r in runs)), 0), of))
    return job


JOBS: dict[str, Callable[[Bench], Job]] = {
    "coco": coco_job, "header": header_job, "probes": probes_job, "start": start_job, "growth": growth_job, "xlsx": xlsx_job,
    "review": review_job, "transform": transform_job, "trainers": trainers_job}


def page(jobs: list[Job], b: Bench) -> str:
    """Return the page."""
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in (
        "dsinspect", "numpy", "pandas", "opencv-python", "openpyxl", "msgspec", "typer"))
    cores = len(__import__("os").sched_getaffinity(0)) if hasattr(__import__("os"), "sched_getaffinity") else "?"
    lines = ["# Benchmarks", "", "Written by `python benchmarks/run.py --write`; whole commands, in turn, the median of "
             "several runs (least to most). Machines differ and are noisy: what counts are the ratios within one run.", "",
             f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}; {versions}.", ""]
    for job in jobs:
        lines += [f"## {job.title}", "", f"Goal: {job.goal}.", "", "| | time | ratio | peak memory |", "|---|---:|---|---:|"]
        for line in job.lines:
            memory = f"{line.figure.peak_mb:,.0f} MB" if line.figure.peak_mb else ""
            lines.append(f"| {line.what} | {line.figure} | {line.ratio} | {memory} |")
        lines += ["", *(f"{note}\n" for note in job.notes)]
    return "\n".join(lines).rstrip() + "\n"


LEAST, MOST = "at least", "at most"
GOALS: tuple[tuple[str, str, str, float], ...] = (
    # what a row says, as an expression of it with one number; at least or at most; that number
    (r"pycocotools: .*\| ([\d.]+) of it", MOST, "of the bare load", 0.25),
    (r"PIL: Image.open.*\| ([\d.]+) of ours cold", LEAST, "of our time for PIL's loop", 1.0),
    (r"cleanvision, .*; ([\d.]+) of our first run", LEAST, "times cleanvision's rate", 15),
    (r"limit: read, decode.*; ([\d.]+) of our first run", LEAST, "of the limit's rate", 0.7),
    (r"dsinspect, second run.*; ([\d.]+) of our first run", MOST, "of the first run's time for the second", 0.05),
    (r"dsinspect --help .*\| ([\d.]+) times the import", MOST, "times the import for --help", 2.5),
    (r"pandas\+openpyxl .*\| ([\d.]+) times ours", LEAST, "times our time for pandas with openpyxl", 10),
    (r"xlsxwriter constant_memory .*\| ([\d.]+) times ours", LEAST, "times our time for constant memory", 5),
    (r"openpyxl read_only .*\| ([\d.]+) times ours", LEAST, "times our time for openpyxl's reading", 2),
    (r"dsinspect transform, .*; ([\d.]+) of the limit", LEAST, "of the limit", 0.8),
    (r"\| at most ([\d.]+) of the goal", MOST, "of the goal", 1.0),
    (r"\| ([\d.]+) of the [\d.]+ s that loading takes", MOST, "of the loading", 0.2))
"""Goals as numbers."""


def with_misses(text: str) -> str:
    """Return the page with a line under each goal that is missed: what was measured, and what it was to be.

    >>> with_misses("Goal: x.\\n\\n| pycocotools: COCO(file) | 18 s | 0.35 of it | 3 MB |\\n").split("\\n")[2]
    '**Missed:** 0.35 of the bare load (at most 0.25).'
    """
    made = []
    for section in re.split(r"(?m)^(?=## )", re.sub(r"(?m)^\*\*Missed:\*\* .*\n\n", "", text)):
        missed = []
        for row in section.split("\n"):
            for pattern, side, what, goal in GOALS:
                found = re.search(pattern, row)
                if found and (float(found[1]) < goal if side == LEAST else float(found[1]) > goal):
                    name = f"{row.split('|')[1].strip()}: " if what in ("of the loading", "of the goal") else ""
                    missed.append(f"{name}{float(found[1]):g} {what} ({side} {goal:g})")
        line = f"**Missed:** {'; '.join(missed)}.\n\n" if missed else ""
        made.append(re.sub(r"(?m)^(Goal: .*\n\n)", lambda m, line=line: m[1] + line, section, count=1))
    return "".join(made)


def merged(old: str, new: str) -> str:
    """Return a page with the new one's head, and its sections in the places of those of the same goal."""
    head, *made = re.split(r"(?m)^(?=## )", new)
    of_goal = {section.split("\n")[2]: section.rstrip() + "\n\n" for section in made}
    _, *kept = re.split(r"(?m)^(?=## )", old)
    sections = [of_goal.pop(section.split("\n")[2], section.rstrip() + "\n\n") for section in kept]
    return (head + "".join([*sections, *of_goal.values()])).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--annotations", type=int, default=860_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workdir", type=Path)
    parser.add_argument("--peers", help="interpreter of a virtual environment with the peers")
    parser.add_argument("--only", choices=JOBS, action="append")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.images, arguments.annotations, arguments.repeat = 200, 8000, 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.workdir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, arguments.images, arguments.annotations, arguments.repeat, arguments.peers)
        jobs = []
        for name in arguments.only or JOBS:
            jobs.append(JOBS[name](bench))
            print(page(jobs[-1:], bench).split("\n\n", 3)[-1], flush=True)
        if arguments.write:
            made = page(jobs, bench)
            whole = merged(PAGE.read_text(encoding="utf-8"), made) if arguments.only else made
            PAGE.write_text(with_misses(whole), encoding="utf-8")


if __name__ == "__main__":
    main()

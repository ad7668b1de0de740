"""Letterbox, flip and write every picture of a set: dsinspect with threads and processes, beside the bare limit.

The bare limit decodes, resizes, pads, flips, encodes and writes with OpenCV in as many threads, and does nothing about boxes.

    python benchmarks/transforming.py DATASET [--jobs 2] [--repeat 3]

Prints pictures per second, the share of the bare limit, and the peak memory of each.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

SIZE, QUALITY = 640, 95


def one(job: tuple[str, str]) -> None:
    import cv2
    import numpy as np

    source, target = job
    cv2.setNumThreads(1)
    pixels = cv2.imdecode(np.frombuffer(Path(source).read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    height, width = pixels.shape[:2]
    factor = SIZE / max(height, width)
    inner = (round(width * factor), round(height * factor))
    pixels = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    left, top = (SIZE - inner[0]) // 2, (SIZE - inner[1]) // 2
    pixels = cv2.copyMakeBorder(pixels, top, SIZE - inner[1] - top, left, SIZE - inner[0] - left, cv2.BORDER_CONSTANT,
                                value=(114, 114, 114))
    done, buffer = cv2.imencode(".jpg", cv2.flip(pixels, 1), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    Path(target).write_bytes(bytes(buffer))


def bare(dataset: Path, out: Path, jobs: int, *, processes: bool) -> int:
    files = sorted(p for p in dataset.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    out.mkdir()
    work = [(str(p), str(out / f"{k}.jpg")) for k, p in enumerate(files)]
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) if processes else ThreadPoolExecutor(jobs)
    with pool:
        for _ in pool.map(one, work, chunksize=16):
            pass
    return len(files)


def ours(dataset: Path, out: Path, jobs: int, executor: str) -> int:
    from dsinspect.cli import main

    code = main(["transform", str(dataset), "-o", str(out), "--op", f"letterbox:size={SIZE}", "--op", "flip", "--jobs", str(jobs),
                 "--executor", executor, "--quiet"])
    assert code in (0, 1), code
    return int(json.loads((out / "manifest.json").read_text())["outputs_written"])


def measure(name: str, dataset: Path, jobs: int) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp())
    start = time.perf_counter()
    out = folder / "out"
    kind, _, how = name.partition(" ")
    n = bare(dataset, out, jobs, processes=how == "process") if kind == "bare" else ours(dataset, out, jobs, how)
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {"images": n, "seconds": seconds, "peak_mb": peak}


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments.only, arguments.dataset, arguments.jobs)))
        return
    limit = 0.0
    for name in ("bare thread", "bare process", "dsinspect thread", "dsinspect process"):
        best: dict[str, float] = {}
        for _ in range(arguments.repeat):
            done = subprocess.run([sys.executable, __file__, str(arguments.dataset), "--jobs", str(arguments.jobs), "--only", name],
                                  stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(done.stdout.splitlines()[-1])
            best = result if not best or result["seconds"] < best["seconds"] else best
        rate = best["images"] / best["seconds"]
        limit = max(limit, rate) if name.startswith("bare") else limit
        print(f"{name:18} {best['images']:7,.0f} images {best['seconds']:7.1f} s {rate:7.0f}/s  {rate / limit:5.2f} of the limit  "
              f"{best['peak_mb']:6.0f} MB")


if __name__ == "__main__":
    run()

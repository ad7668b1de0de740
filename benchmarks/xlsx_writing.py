"""Write findings to a workbook, and take a review back: dsinspect beside pandas, XlsxWriter and openpyxl.

    python benchmarks/xlsx_writing.py [--rows 200000] [--repeat 3] [--decisions 2000]

Every figure is from a process of its own; the runs are interleaved and the median is told. Peers that are not installed
are skipped with a line.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

WRITERS = ("dsinspect", "pandas+openpyxl", "xlsxwriter constant_memory", "rust: rustpy-xlsxwriter")
MODULES = {"xlsxwriter": "xlsxwriter", "rust:": "rustpy_xlsxwriter"}
READERS = ("dsinspect review", "openpyxl read_only")
HEADERS = ("Code", "Severity", "Message", "Image", "Split", "Category", "Annotation", "Source", "Index", "x min", "y min", "x max",
           "y max", "Fix", "Fingerprint")


def columns(n: int) -> dict[str, Any]:
    """Return what is found, by column: 15 columns of text and numbers."""
    rng = np.random.default_rng(0)
    x, y, width, height = rng.random(n) * 500, rng.random(n) * 500, rng.random(n) * 3, rng.random(n) * 3
    paths = np.array([f"images/train/{k:08}.jpg" for k in range(max(n // 8, 1))], object)
    names = np.array([f"class {k}" for k in range(80)], object)
    return {"image": paths[rng.integers(0, len(paths), n)], "split": np.array(["train"], object).repeat(n),
            "category": names[rng.integers(0, len(names), n)], "annotation_id": np.arange(n),
            "source": np.array(["annotations/instances_train.json"], object).repeat(n), "index": np.arange(n),
            "x_min": x, "y_min": y, "x_max": x + width, "y_max": y + height, "width": width, "height": height}


def run_of(n: int) -> Any:
    import pandas as pd

    from dsinspect.findings.findings import Findings, Fix
    from dsinspect.findings.severity import Severity
    from dsinspect.protocols.run import Census, Outcome, Run
    from dsinspect.tables.dataset import DatasetInfo

    c = columns(n)
    values = {"width": c.pop("width"), "height": c.pop("height"), "limit": 2.0}
    found = Findings.of_places(c, "box is {width:.3g} x {height:.3g} px; at least {limit:g} px (min_side)", values,
                               fix=Fix("unsafe", "drop-annotation"))
    empty = pd.DataFrame({"category_id": [0], "name": ["class 0"], "annotations": [n], "images": [n]})
    splits = pd.DataFrame({"name": ["train"], "images": [n], "annotations": [n]})
    return Run("set", DatasetInfo(format="coco", root=Path("set")), Census(n, n, empty, splits), (
        Outcome("BOX005", "tiny", Severity.WARNING, "found", found, summary="Boxes too small to learn from."),))


def rows_of(n: int) -> Any:
    """Return the same cells as a frame."""
    import pandas as pd

    run = run_of(n)
    found = [(f.code, str(f.severity), f.message, f.image, f.split, f.category, f.annotation_id, f.source, f.index,
              *(f.bbox_xyxy or ()), f.fix.action if f.fix else None, f.fingerprint) for o in run.outcomes for f in o.iterate()]
    return pd.DataFrame(found, columns=list(HEADERS))


def write(name: str, n: int, path: Path) -> float:
    """Write with one of the writers; return the seconds of the writing alone."""
    if name == "dsinspect":
        from dsinspect_reports.xlsx.report import Options, Xlsx

        run = run_of(n)
        start = time.perf_counter()
        Xlsx(Options(thumbnails=0)).write(run, path)
        return time.perf_counter() - start
    frame = rows_of(n)
    start = time.perf_counter()
    if name == "pandas+openpyxl":
        frame.to_excel(path, engine="openpyxl", index=False)
    elif name.startswith("rust"):
        from rustpy_xlsxwriter import FastExcel

        records = frame.to_dict("records")
        start = time.perf_counter()  # its records are not counted
        FastExcel(str(path)).sheet("Findings", records).save()
    else:
        import xlsxwriter

        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        sheet = book.add_worksheet()
        for k, row in enumerate([HEADERS, *frame.itertuples(index=False, name=None)]):
            sheet.write_row(k, 0, row)
        book.close()
    return time.perf_counter() - start


def decide(report: Path, path: Path, decisions: int) -> None:
    """Decide about some rows of a report, straight in its XML as a spreadsheet program would save it."""
    import re
    import zipfile

    left = decisions
    with zipfile.ZipFile(report) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/worksheets/sheet2.xml":
                rows = re.split(rb"(?=<row[ >])", content)
                step = max(len(rows) // decisions, 1)
                for k in range(2, len(rows), step):
                    if left:
                        cells = re.findall(rb"<c\b[^>]*/>|<c\b.*?</c>", rows[k])
                        cells[0] = b'<c t="inlineStr"><is><t>drop</t></is></c>'
                        rows[k] = b"<row>" + b"".join(cells) + b"</row>"
                        left -= 1
                content = b"".join(rows)
            target.writestr(part.filename, content)


def read(name: str, n: int, path: Path) -> float:
    """Read a review; ours checks every decision against the findings and makes the edits."""
    start = time.perf_counter()
    if name == "openpyxl read_only":
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True)
        rows = sum(1 for _ in book["Findings"].iter_rows(values_only=True))
        assert rows == n + 1
        return time.perf_counter() - start
    from dsinspect.review.resolve import resolve_decisions
    from dsinspect.review.sources import read_several

    run = run_of(n)
    start = time.perf_counter()
    review = resolve_decisions(read_several([path]).made, run)
    edits = review.edits
    assert len(edits) == len(review.made) > 0
    assert not review.faults
    return time.perf_counter() - start


def measure(name: str, n: int, folder: Path) -> dict[str, float]:
    if name in READERS:
        seconds, size = read(name, n, folder / "reviewed.xlsx"), 0
    else:
        path = folder / f"{name.split()[0].strip(':')}.xlsx"
        seconds = write(name, n, path)
        size = path.stat().st_size
    return {"seconds": seconds, "peak_mb": peak_mb(), "file_mb": size / 1e6}


def peak_mb() -> float:
    """Return the peak memory of this process; where there is no /proc that of a parent may count too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def installed(name: str) -> bool:
    module = MODULES.get(name.split()[0])
    return module is None or importlib.util.find_spec(module) is not None


def compare(names: tuple[str, ...], n: int, repeat: int, folder: Path) -> dict[str, dict[str, float]]:
    """Run each in turn, `repeat` times over; return medians."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names if installed(name)}
    for name in names:
        if name not in results:
            print(f"{name}: not installed, skipped")
    for _ in range(repeat):
        for name, runs in results.items():
            done = subprocess.run([sys.executable, __file__, "--rows", str(n), "--only", name, "--folder", str(folder)],
                                  stdout=subprocess.PIPE, text=True, check=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for name, runs in results.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--decisions", type=int, default=2000)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments.only, arguments.rows, arguments.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = compare(WRITERS, arguments.rows, arguments.repeat, folder)
        decide(folder / "dsinspect.xlsx", folder / "reviewed.xlsx", arguments.decisions)
        read_back = compare(READERS, arguments.rows, arguments.repeat, folder)
    for results in (written, read_back):
        ours = next(iter(results.values()))["seconds"]
        for name, r in results.items():
            print(f"{name:28} {r['seconds']:8.2f} s  {r['seconds'] / ours:6.1f} x ours  {r['peak_mb']:6.0f} MB peak  "
                  f"{r['file_mb']:6.1f} MB")


if __name__ == "__main__":
    main()

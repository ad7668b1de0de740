"""Time a review of many findings in a real Chromium: the page opened and filtered, and each key of the served app.

    python benchmarks/reviewing.py [--findings 20000]

It needs playwright, a Chromium of the system (Debian: apt-get install chromium) and the extra `serve`. Times are taken in the
browser, from the event to the frame after the last change.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

BOXES = 40
"""Boxes of an image, each of which reaches out of it."""
TIMED = """() => {
window.settled = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
window.timed = async (act) => {
  const start = performance.now();
  await act();
  await settled();
  return (performance.now() - start) / 1000;
};
window.press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
window.choose = (label, value) => {
  const field = document.querySelector(`[aria-label="${label}"]`);
  field.value = value;
  field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
};
}"""
FILTERS = {"by check": ("Check", "BOX003"), "by class": ("Class", "class 7"), "by text": ("Search findings", "image_0123"),
           "by severity": ("Severity", "error")}
KEYS = {"next": "n", "previous": "p", "keep": "k", "fix": "f", "drop": "d", "undo": "u", "skip what is decided": "s",
        "hide the other boxes": "h", "another box": "]"}
REPEAT = 15
Figures = dict[str, tuple[float, ...]]


def make_set(folder: Path, findings: int) -> Path:
    """Draw a COCO set with as many boxes that reach out of their images."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(5)
    images, annotations = [], []
    for k in range(max(findings // BOXES, 1)):
        pixels = random.integers(0, 255, (60, 80, 3), np.uint8)
        cv2.imwrite(str(folder / f"image_{k:04}.jpg"), cv2.resize(pixels, (640, 480), interpolation=cv2.INTER_CUBIC))
        images.append({"id": k + 1, "file_name": f"image_{k:04}.jpg", "width": 640, "height": 480})
        for n in range(BOXES):
            box = [600.0 + n / 4, 10.0 * n + 5, 60.0 + n, 20.0 + n]
            annotations.append({"id": len(annotations) + 1, "image_id": k + 1, "category_id": 1 + n % 20, "bbox": box,
                                "area": box[2] * box[3], "iscrowd": 0})
    categories = [{"id": k + 1, "name": f"class {k}"} for k in range(20)]
    (folder / "annotations.json").write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return folder


def browser_of(playwright: Any) -> Any:
    """Start the Chromium of the system."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise RuntimeError("no Chromium is installed")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=program, args=["--disable-gpu", *sandbox])


def time_page(browser: Any, page_file: Path) -> Figures:
    """Return the seconds of opening and of filtering the page."""
    opened: list[float] = []
    filtered: dict[str, list[float]] = {name: [] for name in FILTERS}
    for _ in range(3):
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready]")
        opened.append(page.evaluate("performance.now() / 1000"))
        page.evaluate(TIMED)
        for name, (label, value) in FILTERS.items():
            filtered[name].append(page.evaluate("([label, value]) => timed(() => choose(label, value))", [label, value]))
            filtered[name].append(page.evaluate("([label]) => timed(() => choose(label, ''))", [label]))
        context.close()
    return {"page: opened": tuple(opened), **{f"page: filtered {n}": tuple(v) for n, v in filtered.items()}}


def time_keys(browser: Any, url: str) -> Figures:
    """Return the seconds from each key of the served app to the frame that shows what it did."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened = []
    for _ in range(4):  # the first waits for the server to start
        page.goto(url)
        page.wait_for_selector("html[data-ready]", timeout=120_000)
        opened.append(page.evaluate("performance.now() / 1000"))
    page.locator(".stage .label").first.wait_for(state="attached")
    page.evaluate(TIMED)
    times = {name: tuple(page.evaluate("(key) => timed(() => press(key))", key) for _ in range(REPEAT))
             for name, key in KEYS.items()}
    page.close()
    return {"served app: opened": tuple(opened[1:]), **{f"served app: key of {n}": t for n, t in times.items()}}


def measured(findings: int, folder: Path) -> Figures:
    """Return the seconds of all that is timed."""
    from playwright.sync_api import sync_playwright

    dataset = make_set(folder / "set", findings)
    environment = {**os.environ, "DSINSPECT_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-m", "dsinspect"]
    options = ["--select", "BOX003", "--quiet"]
    subprocess.run([*command, "report", str(dataset), "-o", str(folder / "report.html"), *options], check=True, env=environment)
    server = subprocess.Popen([*command, "review", "serve", str(dataset), "--store", str(folder / "review.sqlite"), *options],
                              stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            browser = browser_of(playwright)
            figures = time_page(browser, folder / "report.html") | time_keys(browser, url)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    return figures


def limit_of(name: str) -> float:
    """Return the seconds that an action may take."""
    return 3.0 if name == "page: opened" else 1.0 if name.endswith("opened") else 0.3 if name.startswith("page") else 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=20_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for what, seconds in measured(arguments.findings, Path(name)).items():
            middle = sorted(seconds)[len(seconds) // 2]
            print(f"{what:40} {middle * 1000:7.0f} ms, {max(seconds) * 1000:7.0f} at most (goal {limit_of(what) * 1000:,.0f})")


if __name__ == "__main__":
    main()

"""A set with as many findings as wanted, and a server that reviews it."""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

WIDTH, HEIGHT = 96, 72


def make_set(folder: Path, images: int, names: tuple[str, ...] = ("car", "bicycle", "person")) -> Path:
    """A COCO set: each image with one box that reaches out of it, and two good ones."""
    folder.mkdir()
    random = np.random.default_rng(7)
    records: dict[str, list[Any]] = {"images": [], "annotations": [],
                                     "categories": [{"id": k + 1, "name": n} for k, n in enumerate(names)]}
    made = records["annotations"]
    for k in range(images):
        pixels = random.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
        cv2.imwrite(str(folder / f"image_{k:03}.png"), cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
        records["images"].append({"id": k + 1, "file_name": f"image_{k:03}.png", "width": WIDTH, "height": HEIGHT})
        for box in ([80, 50, 30, 15], [10, 10, 20, 16], [40, 30, 18 + k % 7, 20]):
            made.append({"id": len(made) + 1, "image_id": k + 1, "category_id": 1 + k % len(names), "bbox": box,
                         "area": box[2] * box[3], "iscrowd": 0})
    (folder / "annotations.json").write_text(json.dumps(records))
    return folder


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    store: Path

    @property
    def host(self) -> str:
        return re.match(r"http://([^/]*)/", self.url).group(1)  # type: ignore[union-attr]

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=120, **options)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.communicate(timeout=120)


def start_server(dataset: Path, store: Path, *more: str) -> Served:
    """Start `dsinspect review serve`, and return when it has printed its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dsinspect", "review", "serve", str(dataset), "--store", str(store), "--jobs", "1", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "DSINSPECT_CACHE_DIR": str(store.parent / "cache")})
    atexit.register(process.kill)  # a test that fails half way leaves no server behind
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    if not url.startswith("http://127.0.0.1:"):
        _, errors = process.communicate(timeout=120)
        raise AssertionError(errors)
    return Served(process, url, store)

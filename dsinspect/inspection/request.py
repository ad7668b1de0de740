"""What to inspect, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsinspect.config import Config


@dataclass(frozen=True)
class Request:
    """What to inspect, and how.

    Attributes:
        path: the dataset as the user named it; results show this text.
        root: the folder or file on disk.
        config: the settings in force.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        jobs: number of workers.
        executor: name of the executor; chosen by the work when None.
        cache: database of measurements, or None for none.
        cache_by_content: know files in it by their bytes, not by path, size and time.
        keep_images: keep the table of images in the run.
        keep_annotations: keep the table of annotations in the run.
        shared_options: options given once for every check that has one of that name (`imgsz`).
        progress: told the stage, the images done and the images there are.
    """

    path: str
    root: Path
    config: Config = field(default_factory=Config)
    format: str | None = None
    images: Path | None = None
    jobs: int = 1
    executor: str | None = None
    cache: Path | None = None
    cache_by_content: bool = False
    keep_images: bool = False
    keep_annotations: bool = False
    shared_options: Mapping[str, Any] = field(default_factory=dict)
    progress: Callable[[str, int, int], None] | None = None

"""How VOC's masks are recognised."""

from __future__ import annotations

from pathlib import Path

from dsinspect_formats._images import walk

PNG = b"\x89PNG\r\n\x1a\n"
OBJECTS, LABELS = "SegmentationObject/", "SegmentationClass/"


def _masks(root: Path) -> list[str]:
    return [p for p in walk(root) if OBJECTS in f"{p}" and p.lower().endswith(".png")
            and p.split("/")[-2] == "SegmentationObject"]

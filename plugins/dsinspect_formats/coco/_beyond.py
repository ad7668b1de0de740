"""What a COCO file holds that no table has: `info`, `licenses` and keys that only its owner knows, counted by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.io.reading import read_regular
from dsinspect_formats.coco._records import collector_off

KNOWN = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore", "segmentation", "keypoints",
                    "num_keypoints"),
    "categories": ("id", "name", "supercategory")}
"""Keys of the records that are written again or counted elsewhere."""
READ = ("coco_url", "neg_category_ids", "not_exhaustive_category_ids")
"""Keys that are read, and have no place in any format that is written."""


def beyond_tables(path: Path) -> Counter[str]:
    """Count what one file holds beyond its tables; nothing of a file that is not strict JSON, whose faults are reported."""
    counts: Counter[str] = Counter()
    try:
        with collector_off():
            top = msgspec.json.decode(read_regular(path), type=dict[str, msgspec.Raw])
            for key, raw in top.items():
                if key not in KNOWN:
                    counts[f"COCO's {key}"] += _size(msgspec.json.decode(raw))
                    continue
                for record in msgspec.json.decode(raw, type=list[msgspec.Raw]):
                    for name in msgspec.json.decode(record, type=dict[str, msgspec.Raw]):
                        if name not in KNOWN[key]:
                            counts[f"{'' if name in READ else 'unknown '}keys of {key}: {name}"] += 1
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Counter()
    return counts


def _size(value: Any) -> int:
    """Return how many records a value is: those of a list, one of anything else that says something."""
    return len(value) if isinstance(value, list) else int(bool(value))

"""The words that name the splits of a dataset, in folders, file names and configurations."""

from __future__ import annotations

from collections.abc import Mapping

SPLIT_NAMES: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validate": "val", "validation": "val", "test": "test",
    "testing": "test",
}
"""Word, in lower case, to the name that the split goes by here."""

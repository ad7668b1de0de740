"""What two readings of one set must have in common, aspect by aspect: equal, or lost by name."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dsinspect.geometry.rle import decode_mask
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import BOX_COLUMNS, CORNER_COLUMNS

NEAR_PX = 5e-3
ASPECTS = {
    "category": "class names|spaces|characters of class names", "split": "split", "is_crowd": "crowd",
    "is_ignored": "ignored|difficult",
    "segmentation": "polygons|masks|outlines", "keypoints": "keypoints", "corners": "rotat|corners", "track": "track ids",
    "attributes": "^attributes", "area": "areas"}
"""What an object says, and what a loss of it is called."""


def objects_of(shards: Sequence[Shard]) -> list[list[dict[str, Any]]]:
    """Return what each object of each image says, sorted by place: formats number images anew, and order objects anew."""
    found = []
    for shard in shards:
        a, rows = shard.annotations, shard.annotations["image_row"].tolist()
        splits = shard.images["split"].tolist()
        images: list[list[dict[str, Any]]] = [[] for _ in splits]
        for k, row in enumerate(rows):
            values = {c: a[c].iat[k] for c in a}
            values["box"] = np.array([values[c] for c in BOX_COLUMNS])
            values["split"] = splits[row]
            values["corners"] = _corners(values)
            for name, read in (("segmentation", _outline), ("keypoints", _flat), ("attributes", _members)):
                values[name] = None if values.get(name) is None else read(json.loads(bytes(values[name])))
            x, y, right, bottom = values["box"].tolist()
            area = float(values.get("area", np.nan))  # one that is the box's says nothing
            values["area"] = None if np.isnan(area) or np.isclose(area, (right - x) * (bottom - y), rtol=1e-5) else area
            images[row].append(values)
        found += [sorted(here, key=_order) for here in images]
    return sorted(found, key=lambda here: [_order(o) for o in here])


def _order(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*np.round(one["box"], 1).tolist(), str(one["category"]))


def _corners(values: Mapping[str, Any]) -> Any:
    corners = np.array([values.get(c, np.nan) for c in CORNER_COLUMNS], float).reshape(4, 2)
    return None if np.isnan(corners).any() else corners[np.lexsort(np.round(corners, 1).T)]


def _outline(value: Any) -> Any:
    if isinstance(value, dict):
        return decode_mask(value["counts"], value["size"])
    return [np.array(p) for p in value] or None


def _flat(value: Any) -> Any:
    return np.array(value, float) if value else None


def _members(value: Mapping[str, Any]) -> dict[str, str]:
    """Return attributes as texts, yes and no as numbers, which is how they stand where all are texts."""
    words = {"true": "1", "false": "0", "1.0": "1", "0.0": "0"}
    return {k: words.get(text := str(v).lower().replace(" ", ""), text) for k, v in value.items()}


def is_same(a: Any, b: Any) -> bool:
    """Say whether two values are one, edges to half a hundredth of a pixel."""
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(is_same, a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=NEAR_PX))
    if isinstance(a, float) and isinstance(b, (int, float)):
        return bool(np.isclose(a, b, rtol=1e-5))
    return bool(a == b)


def require_equal_or_named(before: Sequence[Shard], after: Sequence[Shard], losses: Mapping[str, int], what: object) -> None:
    """Hold two readings of a set against each other.

    Raises:
        AssertionError: something differs that no loss names, or a loss is named of what nothing had.
    """
    a, b = objects_of(before), objects_of(after)
    where = (what, dict(losses))
    assert list(map(len, a)) == list(map(len, b)), where
    differing: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for old, new in ((o, n) for here, there in zip(a, b, strict=True) for o, n in zip(here, there, strict=True)):
        np.testing.assert_allclose(new["box"], old["box"], rtol=0, atol=NEAR_PX, err_msg=str(where))
        for aspect in ASPECTS:
            mine, other = old.get(aspect), new.get(aspect)
            if aspect == "attributes":
                mine, other = mine or {}, {k: v for k, v in (other or {}).items() if k in (mine or {})}
            said[aspect] += mine not in (None, False) if not isinstance(mine, (np.ndarray, list, dict)) else len(mine) > 0
            if mine is not None and not is_same(mine, other):
                differing[aspect] += 1
            if mine is None and other is not None and aspect in ("segmentation", "keypoints", "corners"):
                is_drawn_corners = aspect == "segmentation" and old["corners"] is not None
                assert is_drawn_corners, (aspect, "came from nowhere", where)
    for aspect, words in ASPECTS.items():
        named = [w for w in losses if re.search(words, w) and not w.startswith("attributes: ")]
        assert bool(named) or not differing[aspect] or (aspect == "attributes" and any(w.startswith(aspect) for w in losses)), (
            aspect, "differs and is not named", where)
        assert not named or said[aspect], (aspect, "is named and nothing had it", where)

"""A simulation as JSON, in pieces so that memory stays bounded.

`{"schema_version": 1, "tool": {...}, "dataset": {...}, "trainers": [{"name", "release", "title", "converted", "stops", "writes",
"images": {"kept", "left_out"}, "annotations": {"kept", "dropped", "changed"}, "classes", "losses", "fates"}]}`. `stops` is null,
or the first thing that makes the trainer raise; the counts and fates are those without it. `malformed_kept` of the annotations that
are changed are records that a report cannot read; they are in no class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from dsinspect import __version__
from dsinspect.io.json_text import encoded
from dsinspect.protocols.trainers import FATES, NO_RULE, Rule, Stop, rules_of
from dsinspect.simulation.simulate import Simulated, Simulation

SCHEMA_VERSION = 1


def pieces(done: Simulation) -> Iterator[str]:
    """Yield the document in pieces."""
    head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "dsinspect", "version": __version__},
            "dataset": {"path": done.path, "format": done.info.format, "images": done.census.images,
                        "annotations": done.census.annotations}}
    yield _text(head)[:-1] + ',\n "trainers": ['
    for k, simulated in enumerate(done.trainers):
        yield (",\n  " if k else "\n  ") + _text(trainer_record(simulated))[:-1] + ', "fates": ['
        comma = ""
        for record in fates_of(simulated):
            yield f"{comma}\n   {_text(record)}"
            comma = ","
        yield "]}"
    yield "]}\n"


def trainer_record(simulated: Simulated) -> dict[str, Any]:
    """Return what is said of a trainer, but for the fates."""
    t, part = simulated.trainer, simulated.part
    kept, changed, dropped = part.annotations.tolist()
    return {
        "name": t.name, "release": t.release, "title": t.title, "converted": simulated.converted,
        "stops": stop_record(simulated.stops[0]) if simulated.stops else None,
        "further_stops": [stop_record(s) for s in simulated.stops[1:]],
        "writes": [{"path": w.path, "what": w.what} for w in simulated.writes],
        "images": {"kept": int(part.images[0]), "left_out": int(part.images[1])},
        "annotations": {"kept": kept, "dropped": dropped, "changed": changed},
        "malformed_kept": part.extras,
        "classes": [{"name": name, "images_before": c[0], "annotations_before": c[1], "images_after": c[2],
                     "annotations_after": c[3]}
                    for name, c in ((n, v.tolist()) for n, v in part.classes.items())],
        "losses": [{"rule": rule.key, "reason": rule.reason, "where": rule.where, "says": rule.says.partition("|")[0],
                    "images": loss.images, "annotations_dropped": loss.dropped, "annotations_changed": loss.changed,
                    "examples": list(loss.examples)} for rule, loss in simulated.losses]}


def stop_record(stop: Stop) -> dict[str, Any]:
    """Return what is said of a stop."""
    return {"error": stop.error, "where": stop.where, "image": stop.image, "split": stop.split,
            "found": stop.found or None,
            "record": None if stop.source is None else {"source": stop.source, "index": None if stop.index < 0 else stop.index}}


def fates_of(simulated: Simulated) -> Iterator[dict[str, Any]]:
    """Yield the fates, image by image; annotations of no image come last, with `image` null."""
    images, annotations = simulated.image_fates, simulated.annotation_fates
    if images is None or annotations is None:
        return
    rules = rules_of(simulated.trainer)
    keys = annotations["shard"] * (1 << 40) + annotations["row"]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    for row, shard, path, rule in zip(*(images[c].tolist() for c in ("row", "shard", "path", "rule")), strict=True):
        key = shard * (1 << 40) + row
        low, high = np.searchsorted(ordered, [key, key + 1])
        rows = order[low:high]
        yield {"image": path, "fate": "kept" if rule == NO_RULE else "left-out", "reason": _reason(rules, rule),
               "annotations": [_annotation(annotations, k, rules) for k in rows.tolist()]}
    orphans = np.flatnonzero(annotations["row"] < 0).tolist()
    if orphans:
        yield {"image": None, "fate": "left-out", "reason": None,
               "annotations": [_annotation(annotations, k, rules) for k in orphans]}


def _annotation(annotations: Any, k: int, rules: tuple[Rule, ...]) -> dict[str, Any]:
    line, own = int(annotations["line"][k]), int(annotations["id"][k])
    box = [float(annotations[f"box_{n}"][k]) for n in range(4)]
    place: dict[str, Any] = {"id": own, "source": annotations["source"][k], "line": line if line > 0 else None}
    if line <= 0:
        place["index"] = int(annotations["index"][k])
    label = float(annotations["label"][k])
    return {"annotation": place, "fate": FATES[int(annotations["fate"][k])], "reason": _reason(rules, int(annotations["rule"][k])),
            "category": annotations["category"][k],
            "label": int(label) if label.is_integer() else None if math.isnan(label) else label,
            "bbox_xyxy": box if all(map(math.isfinite, box)) else None}


def _reason(rules: tuple[Rule, ...], rule: int) -> str | None:
    return None if rule == NO_RULE else rules[rule].reason


def _text(value: Any) -> str:
    return encoded(value).decode()

"""Measure the image files of a shard: each is opened at most once, and not at all when the cache knows it."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

from dsinspect.errors import PLUGIN_FAULTS, PluginError, how, os_reason
from dsinspect.findings.wording import counted
from dsinspect.geometry.exif import BY_DECLARED_SIZE, FrameRule
from dsinspect.inspection.cache import Cache, CacheBy, FileIdentity, Measured
from dsinspect.io.packed import member_at
from dsinspect.io.packed_bytes import ArchiveChangedError
from dsinspect.protocols.probes import ImageFile, Level, Probe, Value, status_of, to_column
from dsinspect.tables.columns import Columns, at_rows, is_constant
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import BOX_COLUMNS, CORNER_COLUMNS, FRAME_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ProbeFailure:
    """A probe that did not measure: its plugin cannot work here (`skipped`), or it raised (`crashed`)."""

    status: Literal["skipped", "crashed"]
    reason: str
    probe: str = ""
    """Its name where it crashed; `reason` then says how, and who runs it names the plugin."""


@dataclass
class Measurements:
    """Columns measured on a shard's files, and what went wrong.

    Attributes:
        columns: column name to one value per image.
        failures: column name to why it could not be measured.
        seconds: probe name to the time it took.
        troubles: what is reported once and the run goes on without.
    """

    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    failures: dict[str, ProbeFailure] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def measure(files: Sequence[str | None], probes: Sequence[Probe], cache: Path | None, *,
            by: CacheBy = "stat") -> Measurements:
    """Measure files with probes.

    Args:
        files: path of each image's file, or None when it has none.
        probes: probes in any order; cheap ones run first.
        cache: database of earlier measurements, or None.
        by: what files are known by in the cache.

    Returns:
        one value per file and column, `read_error` besides; a file that cannot be had has missing values.
    """
    probes = sorted(probes, key=lambda p: (p.level, p.name))
    result = Measurements()
    errors: list[str | None] = [None] * len(files)
    known: list[Measured] = [{} for _ in files]
    opened = _looked_at(files, errors, "stat" if cache is None else by)
    if cache is None:
        _measure_new(opened, probes, known, errors, result)
    else:
        stored = _from_cache(cache, opened, result)
        known = [stored.get(o.identity.path, {}) if o else {} for o in opened]
        fresh = _measure_new(opened, probes, known, errors, result)
        if fresh and not result.troubles:
            try:
                with Cache(cache) as store:
                    store.put([(o.identity, known[k]) for k in fresh if (o := opened[k]) is not None])
            except (sqlite3.Error, OSError, ValueError) as e:
                result.troubles.append(f"going on without the cache {cache}: {e}")
    for probe in probes:
        if any(f.status == "skipped" for c in probe.columns if (f := result.failures.get(c.name))):
            continue  # columns that cannot be had are absent
        none = [None] * (1 + len(probe.columns))
        rows = zip(*(m.get(probe.name, none) for m in known), strict=True) if known else (() for _ in none)
        for column, values in zip(probe.columns, islice(rows, 1, None), strict=True):
            try:
                result.columns[column.name] = to_column(list(values), column.dtype)
            except (TypeError, ValueError) as e:
                reason = f"measured values of {column.name} that are no {column.dtype}: {e}"
                _fail(result, probe, ProbeFailure("crashed", reason, probe.name))
                result.columns[column.name] = to_column([None] * len(files), column.dtype)
    result.columns["read_error"] = to_column(list(errors), "object")
    return result


def _from_cache(cache: Path, opened: Sequence[_Looked | None], result: Measurements) -> Mapping[str, Measured]:
    """Return what the cache knows; a cache that cannot be used costs time, never the run."""
    try:
        with Cache(cache) as store:
            return store.get([o.identity for o in opened if o is not None])
    except (sqlite3.Error, OSError, ValueError) as e:  # a full disk, a lock that is never let go, a name that is no text
        result.troubles.append(f"going on without the cache {cache}: {e}")
        return {}


def is_known(files: Sequence[str], probes: Sequence[Probe], cache: Path, by: CacheBy) -> bool:
    """Say whether a cache has the measurements of all these files."""
    opened = _looked_at(files, [None] * len(files), by)
    stored = _from_cache(cache, opened, Measurements())
    return all(o is not None and stored.get(o.identity.path, {}).get(p.name, (None,))[0] == p.version
               for o in opened for p in probes)


class _Looked(NamedTuple):
    """A file that is there, and what the cache knows it by."""

    path: str
    status: os.stat_result
    identity: FileIdentity


def _looked_at(files: Sequence[str | None], errors: list[str | None], by: CacheBy) -> list[_Looked | None]:
    """Look at each file without opening it, unless it is to be known by its content; say in `errors` what is no file."""
    here = os.getcwd().rstrip("/")  # noqa: PTH109
    looked: list[_Looked | None] = [None] * len(files)
    for k, path in enumerate(files):
        if path is None:
            continue
        try:
            status = status_of(path)
            if by == "member" and (member := member_at(path, status)) is not None and member.is_lasting:
                name, time_ns = member.identity()
                identity = FileIdentity(name, status.st_size, time_ns)
            elif by != "stat":
                identity = FileIdentity(f"content:{ImageFile(path, status).digest}", status.st_size, 0)
            else:
                plain = path if path[0] == "/" else f"{here}/{path}"
                if "/." in plain or "//" in plain or os.sep != "/":
                    plain = os.path.abspath(path)  # noqa: PTH100
                identity = FileIdentity(plain, status.st_size, status.st_mtime_ns)
        except OSError as e:
            errors[k] = os_reason(e, type(e).__name__)
            continue
        looked[k] = _Looked(path, status, identity)
    return looked


def _measure_new(opened: list[_Looked | None], probes: Sequence[Probe], known: list[Measured], errors: list[str | None],
                 result: Measurements) -> list[int]:
    """Run the probes whose values are not known; return the positions of the files with something new."""
    fresh = []
    broken: set[str] = set()
    seconds = dict.fromkeys((p.name for p in probes), 0.0)
    clock = time.perf_counter
    for k, looked in enumerate(opened):
        if looked is None:
            continue
        todo = [p for p in probes if known[k].get(p.name, (None,))[0] != p.version and p.name not in broken]
        if not todo:
            continue
        file = ImageFile(looked.path, looked.status)  # let go of its bytes when it is done
        values = dict(known[k])
        start = clock()
        try:
            if todo[-1].level >= Level.BYTES:
                _ = file.content  # the header is among the bytes: one read serves all
        except OSError as e:
            errors[k] = os_reason(e, type(e).__name__)
            continue
        for probe in todo:
            try:
                values[probe.name] = [probe.version, *_checked(probe, probe.measure(file))]
            except OSError as e:
                errors[k] = os_reason(e, type(e).__name__)
                break
            except ArchiveChangedError:
                raise
            except PluginError as e:  # it cannot work on this machine at all (OpenCV without libGL)
                broken.add(probe.name)
                _fail(result, probe, ProbeFailure("skipped", str(e)))
            except PLUGIN_FAULTS as e:
                _fail(result, probe, ProbeFailure("crashed", how(e), probe.name))
            end = clock()
            seconds[probe.name] += end - start
            start = end
        known[k] = values
        if errors[k] is None:
            fresh.append(k)
    result.seconds = seconds
    return fresh


def _checked(probe: Probe, values: Sequence[Value]) -> Sequence[Value]:
    """Return the values of a probe, one for each of its columns."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"measure returned {values!r:.40}, which is no sequence of values")
    if len(values) != len(probe.columns):
        raise ValueError(f"measure returned {counted(len(values), 'value')} for {counted(len(probe.columns), 'column')}")
    return values


def _fail(result: Measurements, probe: Probe, failure: ProbeFailure) -> None:
    for column in probe.columns:
        result.failures.setdefault(column.name, failure)


def measured_shard(shard: Shard, measurements: Measurements | None, box_units: str, rule: FrameRule = BY_DECLARED_SIZE) -> Shard:
    """Add the measured columns and the frame the boxes live in, and turn fractions into px.

    The frame is `frame_width`, `frame_height`, and `boxes_upright`: whether boxes are on the image as displayed.

    Args:
        shard: as the reader gave it.
        measurements: of its images, or None when no file is opened.
        box_units: see `DatasetInfo.box_units`.
        rule: for the frame of images with an EXIF orientation.
    """
    columns = measurements.columns if measurements else {}
    width, height = frame_sizes(shard.image_columns, columns, box_units, rule)
    images = shard.image_columns.with_columns({**columns, "frame_width": width, "frame_height": height})
    images = images.with_columns({"boxes_upright": rule.upright(images, box_units)})
    if box_units == "px":
        return shard.replace(images=images)
    annotations = shard.annotation_columns
    rows = annotations["image_row"]
    sizes = {"x": at_rows(width, rows), "y": at_rows(height, rows)}
    scaled = {c: annotations[c] * sizes[c[0]] for c in BOX_COLUMNS}
    scaled |= {c: annotations[c] * sizes[c[7]] for c in CORNER_COLUMNS if c in annotations}
    for name, step in (("segmentation", 2), ("keypoints", 3)):
        if name in annotations and not (is_constant(annotations[name]) and annotations[name][0] is None):
            scaled[name] = _scaled_outlines(annotations[name], sizes["x"], sizes["y"], step)
    return shard.replace(images=images, annotations=annotations.with_columns(scaled))


def _scaled_outlines(values: NDArray[Any], width: NDArray[np.float64], height: NDArray[np.float64], step: int) -> NDArray[Any]:
    """Turn fractions of polygons (`[[x, y, ...]]`, step 2) or keypoints (`[x, y, v, ...]`, step 3), JSON, into px."""
    scaled = values.copy()
    for k, value in enumerate(values.tolist()):
        if value is None:
            continue
        decoded = msgspec.json.decode(value)
        if math.isnan(width[k]) or math.isnan(height[k]):
            scaled[k] = None
            continue
        factors = (float(width[k]), float(height[k]), 1.0)[:step]
        flats = [[v * factors[j % step] for j, v in enumerate(flat)] for flat in (decoded if step == 2 else [decoded])]
        scaled[k] = msgspec.json.encode(flats if step == 2 else flats[0])
    return scaled


def frame_sizes(images: Columns | pd.DataFrame, columns: Mapping[str, NDArray[Any]], box_units: str,
                rule: FrameRule = BY_DECLARED_SIZE) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return width and height, px, of the frame each image's boxes live in; NaN where neither source knows.

    The file's own size is the truth when there is a file; `rule` says which of its two frames it is.
    """
    width, height = np.asarray(images["width"]), np.asarray(images["height"])
    if "file_width" not in columns:
        return _positive(width), _positive(height)
    stored_w, stored_h = columns["file_width"], columns["file_height"]
    upright = rule.upright(Columns({"width": width, "height": height, **{c: columns[c] for c in FRAME_COLUMNS}}), box_units)
    swaps = upright & (columns["orientation"] >= 5)
    frame_w, frame_h = np.where(swaps, stored_h, stored_w), np.where(swaps, stored_w, stored_h)
    return (np.where(np.isnan(frame_w), _positive(width), frame_w),
            np.where(np.isnan(frame_h), _positive(height), frame_h))


def _positive(size: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(size > 0, size, np.nan)


__all__ = ["Measurements", "ProbeFailure", "Value", "frame_sizes", "measure", "measured_shard"]

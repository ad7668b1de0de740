"""Contract tests for plugin authors: build tiny batches, and hold a plugin against the laws of its protocol.

    from dsinspect.testing import assert_check, make_batch

    def test_square_box():
        assert_check(SquareBox, make_batch(images=[{"path": "a.jpg", "width": 100, "height": 80}],
                                           annotations=[{"image": "a.jpg", "category": "cat", "box": [0, 0, 9, 9]}]))

A broken law raises AssertionError with what is wrong. pytest is not needed.
"""

from __future__ import annotations

import itertools
import pickle
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dsinspect.checks import Batch, Check, Result
from dsinspect.executors import tree_merge
from dsinspect.findings import Findings
from dsinspect.formats import Format, OpenRequest
from dsinspect.measure import frame_sizes
from dsinspect.model import (
    ANNOTATION_COLUMNS,
    BOX_COLUMNS,
    IMAGE_COLUMNS,
    Category,
    DatasetInfo,
    Problem,
    annotations_frame,
    images_frame,
    problems_frame,
)
from dsinspect.options import BaseOptions, describe
from dsinspect.probes import ImageFile, Probe
from dsinspect.severity import Severity

SHARDINGS = (1, 3, 7, 16)


def make_batch(images: Sequence[Mapping[str, Any]] = (), annotations: Sequence[Mapping[str, Any]] = (),
               problems: Sequence[Mapping[str, Any]] = (), *, categories: Sequence[Any] = (), format: str = "coco",
               box_units: str = "px", split_categories: Mapping[str, Sequence[Any]] | None = None,
               measured: Mapping[str, Any] | None = None) -> Batch:
    """Build a batch from literal rows.

    Args:
        images: rows with `path`, and any column of images or of a probe; `file` defaults to the path.
        annotations: rows with `image` (a path, or one that no image has), `category`, `box` (xyxy, px), and any other
            column of annotations; a text under `coco:segmentation` stands for the bytes of the file.
        problems: fields of `dsinspect.model.Problem`.
        categories: declared ones: names, or mappings with `id`, `name`, `supercategory`.
        format: name of the format.
        box_units: of the format; boxes are given in px either way.
        split_categories: declared categories by split.
        measured: values of probe columns for the images that give none.
    """
    rows = [{**(measured or {}), **i} for i in images]
    n = len(rows)
    own: dict[str, Any] = {c: [r[c] for r in rows] for c in IMAGE_COLUMNS if n and all(c in r for r in rows)}
    for name, (dtype, _) in IMAGE_COLUMNS.items():
        if name not in own and any(name in r for r in rows):
            fill: Any = {"float64": np.nan, "int64": -1, "object": None}[dtype]
            own[name] = [r.get(name, fill) for r in rows]
    paths = [str(r["path"]) for r in rows]
    own.setdefault("image_id", np.arange(n))
    own["file"] = [r.get("file", r["path"]) for r in rows]
    own.setdefault("declared_path", paths)
    own.setdefault("source", ["annotations.json"] * n)
    frame = images_frame(n, **own)
    extra = {str(c) for r in rows for c in r if c not in IMAGE_COLUMNS}
    extra |= {*measured, "read_error"} if measured else set()
    for name in sorted(extra):
        kind = np.float64 if isinstance((measured or {}).get(name), (int, float)) else object
        frame[name] = _column([r.get(name) for r in rows]) if n else pd.Series([], dtype=kind)
    columns = {c: frame[c].to_numpy() for c in frame.columns if c in extra}
    width, height = frame_sizes(frame, columns, box_units)
    for name, size in (("frame_width", width), ("frame_height", height)):
        if name not in frame:
            frame[name] = size
    row_of = {p: k for k, p in reversed(list(enumerate(paths)))}
    declared = tuple(_category(k, c) for k, c in enumerate(categories))
    info = DatasetInfo(
        format=format, root=Path(), categories=declared, box_units="fraction" if box_units == "fraction" else "px",
        split_categories={s: tuple(_category(k, c) for k, c in enumerate(cs))
                          for s, cs in (split_categories or {}).items()},
        splits=tuple(dict.fromkeys(r["split"] for r in rows if r.get("split") is not None)))
    return Batch(info, frame, _annotations(annotations, row_of, declared),
                 problems_frame([Problem(**p) for p in problems]))


def _annotations(rows: Sequence[Mapping[str, Any]], row_of: Mapping[str, int],
                 declared: Sequence[Category]) -> pd.DataFrame:
    n = len(rows)
    ids = {c.name: c.category_id for c in declared}
    columns: dict[str, Any] = {
        "annotation_id": [r.get("annotation_id", k + 1) for k, r in enumerate(rows)],
        "image_row": [row_of.get(r.get("image", ""), -1) for r in rows],
        "image_id": [r.get("image_id", row_of.get(r.get("image", ""), -1)) for r in rows],
        "category": [r.get("category") for r in rows],
        "category_id": [r.get("category_id", ids.get(r.get("category", ""), -1)) for r in rows],
        "index": [r.get("index", k) for k, r in enumerate(rows)],
        "line": [r.get("line", -1) for r in rows],
        "source": [r.get("source", "annotations.json") for r in rows],
        "is_crowd": [bool(r.get("is_crowd", False)) for r in rows],
        "is_ignored": [bool(r.get("is_ignored", False)) for r in rows]}
    boxes = np.array([[float(v) for v in r.get("box", [0, 0, 10, 10])] for r in rows], np.float64).reshape(-1, 4)
    columns.update({c: boxes[:, k] for k, c in enumerate(BOX_COLUMNS)})
    known = {*ANNOTATION_COLUMNS, "image", "box"}
    for name in sorted({str(c) for r in rows for c in r} - known):
        values = [r.get(name) for r in rows]
        if name == "coco:segmentation":  # the reader keeps the bytes of the file
            values = [v.encode() if isinstance(v, str) else v for v in values]
        columns[name] = _column(values).to_numpy()
    return annotations_frame(n, **columns)


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    """Return measured values: numbers as float64 with NaN for None, bools as bool, the rest as objects."""
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, bool) for v in present) and len(present) == len(values):
        return pd.Series(list(values), dtype=bool)
    if present and all(isinstance(v, (int, float)) for v in present):
        return pd.Series([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    return pd.Series(list(values), dtype=object)


def _category(position: int, declared: Any) -> Category:
    if isinstance(declared, str):
        return Category(position, declared)
    return Category(int(declared.get("id", position)), declared["name"], declared.get("supercategory", ""))


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """Cut a batch into `parts` shards of whole images, as formats do; some are empty when there are few images.

    Annotations of unknown images go with the last shard, problems with the first.
    """
    n = len(batch.images)
    bounds = [n * k // parts for k in range(parts + 1)]
    rows = batch.annotations["image_row"].to_numpy()
    shards = []
    for k, (low, high) in enumerate(itertools.pairwise(bounds)):
        inside = (rows >= low) & (rows < high)
        if k == parts - 1:
            inside |= rows < 0
        annotations = batch.annotations[inside].reset_index(drop=True)
        row = annotations["image_row"].to_numpy()
        annotations = annotations.assign(image_row=np.where(row < 0, -1, row - low))
        shards.append(Batch(batch.dataset, batch.images.iloc[low:high].reset_index(drop=True), annotations,
                            batch.problems if k == 0 else problems_frame()))
    return shards


def run_check(check: Check[Any, Any], batches: Iterable[Batch]) -> Result:
    """Map, merge as the engine does, and finish; the findings come in their final order."""
    batches = list(batches)
    state = tree_merge((check.map(b) for b in batches), check.merge)
    result = check.finish(state, batches[0].dataset)
    return replace(result, findings=result.findings.ordered())


def check_laws(check: Check[Any, Any], batch: Batch) -> Result:
    """Hold a check against the laws on one batch, and return its result.

    Raises:
        AssertionError: sharding changes the result, merge is not associative or changes an argument, a state does not
            pickle, a batch is changed, or an empty batch is not fine.
    """
    whole = run_check(check, [batch])
    expected = comparable(whole, check.code)
    for parts in (*SHARDINGS, max(len(batch.images), 1)):
        got = comparable(run_check(check, split_batch(batch, parts)), check.code)
        assert got == expected, f"{check.code}: {parts} shards give another result:\n{got}\nand one gives\n{expected}"
    before = pickle.dumps((batch.images, batch.annotations, batch.problems))
    a, b, c = (check.map(s) for s in split_batch(batch, 3))
    assert pickle.dumps((batch.images, batch.annotations, batch.problems)) == before, f"{check.code} changes its batch"
    kept = [pickle.dumps(s) for s in (a, b, c)]
    left = check.merge(check.merge(a, b), c)
    right = check.merge(a, check.merge(b, c))
    assert [pickle.dumps(s) for s in (a, b, c)] == kept, f"{check.code}: merge changes an argument"
    results = []
    for state in (left, right, pickle.loads(pickle.dumps(left))):
        result = check.finish(state, batch.dataset)
        results.append(comparable(replace(result, findings=result.findings.ordered()), check.code))
    assert results[0] == results[1], f"{check.code}: merge is not associative"
    assert results[0] == results[2], f"{check.code}: a state changes when it is pickled"
    empty = split_batch(batch, max(len(batch.images), 1) + 1)[0]
    empty = Batch(batch.dataset, empty.images.iloc[:0], empty.annotations.iloc[:0], problems_frame())
    check.finish(check.map(empty), batch.dataset)
    return whole


def comparable(result: Result, code: str) -> str:
    """Return a result as text, so that two can be compared, NaN and all."""
    findings = [repr(f) for f in result.findings.iterate(code, Severity.INFO)]
    tables = {k: (t() if callable(t) else t).to_csv() for k, t in result.tables.items()}
    folds = [(r.codes, None if r.images is None else sorted(r.images), r.messages) for r in result.folds]
    return repr((findings, _plain(result.metrics), tables, result.charts, folds))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def assert_check(check_type: type[Check[Any, Any]], batch: Batch | None = None) -> None:
    """Hold a check's class against the protocol, and, with a batch, against the laws."""
    assert re.fullmatch(r"[A-Z]{3}\d{3}", check_type.code), f"{check_type.code}: a code is three letters and three digits"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check_type.name), f"{check_type.code}: {check_type.name}: not kebab case"
    assert isinstance(check_type.severity, Severity), f"{check_type.code}: severity is no Severity"
    assert issubclass(check_type.options_type, BaseOptions), f"{check_type.code}: options_type is no BaseOptions"
    assert check_type.__doc__, f"{check_type.code} has no docstring"
    for o in describe(check_type.options_type):
        assert o.meaning, f"{check_type.code}.{o.name} has no meaning: Annotated[..., option(...)]"
    if batch is not None:
        check_laws(check_type(), batch)


def assert_probe(probe_type: type[Probe], files: Iterable[Path]) -> None:
    """Measure files, whole and cut; a probe gives one value of the right kind per column and never raises but OSError."""
    names = [c.name for c in probe_type.columns]
    assert len(set(names)) == len(names) > 0, f"{probe_type.name}: column names repeat"
    for column in probe_type.columns:
        assert column.dtype in ("float64", "object"), f"{probe_type.name}: {column.name} is neither float64 nor object"
        assert column.meaning, f"{probe_type.name}: {column.name} has no meaning"
    for path in files:
        values = probe_type().measure(ImageFile(str(path)))
        assert len(values) == len(names), f"{probe_type.name}: {len(values)} values for {len(names)} columns on {path}"
        for column, value in zip(probe_type.columns, values, strict=True):
            kind = str if column.dtype == "object" else (int, float)
            assert value is None or isinstance(value, kind), f"{probe_type.name}: {column.name} is {value!r}"
        again = probe_type().measure(ImageFile(str(path)))
        assert repr(again) == repr(values), f"{probe_type.name}: two measurements of {path} differ"


def assert_format(format_type: type[Format], root: Path) -> None:
    """Open a dataset, and hold what comes out against the model; any shard size gives the same records."""
    detection = format_type().detect(root)
    assert detection is not None, f"{format_type.name} does not detect {root}"
    assert 0 < detection.confidence <= 1, f"{format_type.name}: confidence {detection.confidence}"
    tables = []
    for size in (1, 5, 10_000):
        source = format_type().open(OpenRequest(root, options=format_type.options_type()))
        shards = [pickle.loads(pickle.dumps(ref)).load() for ref in source.shards(size)]
        for shard in shards:
            rows = shard.annotations["image_row"].to_numpy()
            assert ((rows >= -1) & (rows < len(shard.images))).all(), f"{format_type.name}: image_row out of range"
            for frame, schema in ((shard.images, IMAGE_COLUMNS), (shard.annotations, ANNOTATION_COLUMNS)):
                for name, (dtype, _) in schema.items():
                    assert frame[name].dtype == dtype, f"{format_type.name}: {name} is {frame[name].dtype}, not {dtype}"
        joined = [pd.concat([getattr(s, table) for s in shards], ignore_index=True)
                  for table in ("images", "annotations", "problems")]
        tables.append([t.drop(columns="image_row", errors="ignore").to_csv() for t in joined])
    assert tables[0] == tables[1] == tables[2], f"{format_type.name}: the shard size changes the records"


def findings_of(check: Check[Any, Any], batch: Batch) -> list[Any]:
    """Return the findings of a check on one batch, made, in their final order."""
    found: Findings = run_check(check, [batch]).findings
    return list(found.iterate(check.code, check.severity))

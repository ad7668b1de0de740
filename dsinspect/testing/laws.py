"""The laws of each protocol, as assertions."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsinspect.findings.findings import Findings
from dsinspect.findings.severity import Severity
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Check, Result
from dsinspect.protocols.executors import tree_merge
from dsinspect.protocols.options import BaseOptions, describe
from dsinspect.protocols.probes import ImageFile, Probe
from dsinspect.tables.columns import Columns
from dsinspect.tables.schema import problems_frame
from dsinspect.testing.batches import split_batch

SHARDINGS = (1, 3, 7, 16)


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
    tables = {k: Columns.of(t() if callable(t) else t).frame.to_csv() for k, t in result.tables.items()}
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


def findings_of(check: Check[Any, Any], batch: Batch) -> list[Any]:
    """Return the findings of a check on one batch, made, in their final order."""
    found: Findings = run_check(check, [batch]).findings
    return list(found.iterate(check.code, check.severity))

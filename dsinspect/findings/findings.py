"""Findings: what checks report, one row each in columns, so that a million of them is cheap.

A message is kept as a template and its values; text is made only for the rows somebody looks at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.findings.columns import Rows, has_ties, joined, kind_of, positions_of, spread, text_rank
from dsinspect.findings.finding import Chunk, Finding, Fix, Safety, Template, plain, with_gaps
from dsinspect.findings.fingerprints import hashed
from dsinspect.findings.severity import Severity
from dsinspect.findings.wording import writer
from dsinspect.tables.columns import at_rows
from dsinspect.tables.schema import BOX_COLUMNS, NO_POSITION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.tables.dataset import Tables

__all__ = ["Chunk", "Finding", "Findings", "Fix", "Rows", "Safety", "Template"]

_WHERE = {"image": object, "split": object, "category": object, "annotation_id": np.int64, "source": object,
          "line": np.int64, "index": np.int64, **dict.fromkeys(BOX_COLUMNS, np.float64), "subject": object}


@dataclass(frozen=True)
class Findings:
    """Findings of one check, in columns.

    `columns` holds an array per column, with one entry per finding: where it is (image, split, category, annotation,
    source, line, index, box), its `subject` when it is about something else (a class, a group), the number of its
    `template`, its values in columns named `value:NAME` (but for the template's constants), and the replacement a fix
    would write in `fix:x_min` ... `fix:y_max`, `fix:text`.
    Never change an array of a Findings in place: states of checks share it.
    """

    columns: Mapping[str, NDArray[Any]]
    templates: tuple[Template, ...]

    def __len__(self) -> int:
        return len(self.columns["template"])

    @staticmethod
    def none() -> Findings:
        """Return no findings."""
        return _EMPTY

    @staticmethod
    def of_annotations(batch: Tables, rows: Rows, message: str, values: Mapping[str, Any] | None = None, *,
                       fix: Fix | None = None, severity: Severity | None = None, new_box: Any = None,
                       new_text: Any = None, subject: Any = None) -> Findings:
        """Report annotations.

        Args:
            batch: the batch the rows belong to.
            rows: boolean mask over `batch.annotations`, or positions in it.
            message: template over `values`, such as `"Box is {width:~} px wide (limit {limit:~} px, option min_side)"`.
            values: name to a scalar or to an array with one entry per *reported* row; give measure and limit.
            fix: what would fix them.
            severity: a severity other than the check's.
            new_box: (n, 4) xyxy px that the fix would write.
            new_text: n texts (or one) that the fix would write (a name, a path), or an array of n numbers.
            subject: n texts (or one) that distinguish findings on the same record.
        """
        positions = positions_of(rows, len(batch.annotation_columns["image_row"]))
        if not len(positions):
            return _EMPTY
        a, images = batch.annotation_columns, batch.image_columns
        image_row = a["image_row"][positions]
        where = {"image": at_rows(images["path"], image_row), "split": at_rows(images["split"], image_row)}
        for name in ("category", "annotation_id", "source", "line", "index", *BOX_COLUMNS):
            where[name] = a[name][positions]
        return _build(where, len(positions), message, values, fix, severity, new_box, new_text, subject,
                      has_annotation=True)

    @staticmethod
    def of_images(batch: Tables, rows: Rows, message: str, values: Mapping[str, Any] | None = None, *,
                  fix: Fix | None = None, severity: Severity | None = None, new_text: Any = None,
                  subject: Any = None) -> Findings:
        """Report images; `rows` is a mask over `batch.images` or positions in it, the rest as in `of_annotations`."""
        positions = positions_of(rows, len(batch.image_columns["path"]))
        if not len(positions):
            return _EMPTY
        images = batch.image_columns
        where = {"image": images["path"][positions]}
        for name in ("split", "source", "line", "index"):
            where[name] = images[name][positions]
        return _build(where, len(positions), message, values, fix, severity, None, new_text, subject)

    @staticmethod
    def of_problems(batch: Tables, kind: str, message: str = "{reason}", *, fix: Fix | None = None,
                    severity: Severity | None = None) -> Findings:
        """Report the problems of one kind that the reader met; the values are `reason` and `text`."""
        problems = batch.problem_columns
        positions = np.flatnonzero(problems["kind"] == kind)
        if not len(positions):
            return _EMPTY
        where = {name: problems[name][positions] for name in ("image", "split", "source", "line", "index")}
        text, reason = (problems[name][positions] for name in ("text", "reason"))
        subject = np.where(text == "", reason, text)
        return _build(where, len(positions), message, {"reason": reason, "text": text}, fix, severity, None, None,
                      subject)

    @staticmethod
    def of_subjects(subjects: Sequence[str], message: str, values: Mapping[str, Any] | None = None, *,
                    fix: Fix | None = None, severity: Severity | None = None, image: Any = None, split: Any = None,
                    category: Any = None, new_text: Any = None) -> Findings:
        """Report things that are neither one image nor one annotation: a class, a split, a group, the set.

        Args:
            subjects: what each finding is about, the same text in every run (it is part of the fingerprint).
            message: template over `values`.
            values: name to a scalar or an array with one entry per subject.
            fix: what would fix them.
            severity: a severity other than the check's.
            image: path of an image concerned (or one per subject), or None.
            split: the split concerned (or one per subject), or None.
            category: the category concerned (or one per subject), or None.
            new_text: what the fix would write.
        """
        if not len(subjects):
            return _EMPTY
        where = {"image": image, "split": split, "category": category}
        return _build(where, len(subjects), message, values, fix, severity, None, new_text, list(subjects))

    @staticmethod
    def of_places(places: Mapping[str, Any], message: str, values: Mapping[str, Any] | None = None, *,
                  fix: Fix | None = None, severity: Severity | None = None, subject: Any = None,
                  new_text: Any = None) -> Findings:
        """Report records by their places, kept from earlier batches.

        Args:
            places: arrays of one length under names of the columns of `rows` (`image`, `source`, `index`, ...); with
                `annotation_id` each finding is about an annotation.
            message: template over `values`.
            values: name to a scalar or an array with one entry per place.
            fix: what would fix them.
            severity: a severity other than the check's.
            subject: what distinguishes findings on the same record.
            new_text: what the fix would write.
        """
        n = len(next(iter(places.values())))
        if not n:
            return _EMPTY
        return _build(places, n, message, values, fix, severity, None, new_text, subject,
                      has_annotation="annotation_id" in places)

    @staticmethod
    def concat(parts: Iterable[Findings]) -> Findings:
        """Join findings; the templates of all parts become one list."""
        parts = [p for p in parts if len(p)]
        if len(parts) <= 1:
            return parts[0] if parts else _EMPTY
        templates = list(dict.fromkeys(t for p in parts for t in p.templates))
        number = {t: i for i, t in enumerate(templates)}
        tables = []
        for p in parts:
            codes = np.array([number[t] for t in p.templates], np.int32)[p.columns["template"]]
            tables.append({**p.columns, "template": codes})
        return Findings(joined(tables), tuple(templates))

    def take(self, rows: Rows) -> Findings:
        """Return the findings of a mask or of positions, in that order."""
        positions = positions_of(rows, len(self))
        return Findings({name: values[positions] for name, values in self.columns.items()}, self.templates)

    def without_prefixes(self, prefixes: Sequence[str]) -> Findings:
        """Return the findings with paths that begin with the first fitting prefix cut: those of images, sources and groups."""
        if not prefixes or not len(self):
            return self

        def cut(path: str | None) -> str | None:
            return next((path.removeprefix(p) for p in prefixes if path.startswith(p)), path) if path is not None else None

        changed = {c: np.array([cut(v) for v in self.columns[c].tolist()], object) for c in ("image", "source", "subject")}
        return Findings({**self.columns, **changed}, self.templates)

    def ordered(self) -> Findings:
        """Sort by image path, annotation id, source, line, index, subject and message: an order no sharding changes."""
        if len(self) < 2:
            return self
        main = [self.columns["annotation_id"], text_rank(self.columns["image"])]
        order = np.lexsort(main)
        if not has_ties(main, order):  # mostly: the other keys cost four times as much
            return self.take(order)
        rank = np.argsort(np.argsort([t.message for t in self.templates], kind="stable"))
        keys = [rank[self.columns["template"]]]
        keys += [self.columns[c] for c in reversed(BOX_COLUMNS)]
        keys += [text_rank(self.columns[c]) for c in ("category", "subject")]
        keys += [self.columns["index"], self.columns["line"], text_rank(self.columns["source"]), *main]
        return self.take(np.lexsort(keys))

    def with_unsafe_fixes(self, rows: NDArray[np.bool_], actions: Collection[str]) -> Findings:
        """Return the findings, in their order, with the fixes of a mask made unsafe where they are one of these actions."""
        doubtful = {k for k, t in enumerate(self.templates) if t.fix and t.fix.safety == "safe" and t.fix.action in actions}
        mask = rows & np.isin(self.columns["template"], list(doubtful)) if doubtful else np.zeros(len(self), bool)
        if not mask.any():
            return self
        templates = list(self.templates)
        codes = self.columns["template"].copy()
        for k in sorted(doubtful):
            templates.append(replace(self.templates[k], fix=Fix("unsafe", self.templates[k].fix.action)))  # type: ignore[union-attr]
            codes[mask & (self.columns["template"] == k)] = len(templates) - 1
        return Findings({**self.columns, "template": codes}, tuple(templates))

    def without_fixes(self, actions: Collection[str]) -> Findings:
        """Return the findings without the fixes that need one of these actions: what was found stays."""
        if not any(t.fix is not None and t.fix.action in actions for t in self.templates):
            return self
        return Findings(self.columns, tuple(
            replace(t, fix=None) if t.fix is not None and t.fix.action in actions else t for t in self.templates))

    def with_severity(self, severity: Severity) -> Findings:
        """Return the findings with every severity overridden."""
        return Findings(self.columns, tuple(replace(t, severity=severity) for t in self.templates))

    def with_values(self, **values: Any) -> Findings:
        """Return the findings with values filled in that were not known when they were made.

        Args:
            values: name to a number or text, or to an array of one per finding; templates that lack the name get it.
        """
        if not len(self):
            return self
        columns = {f"value:{name}": np.asarray(v) for name, v in values.items() if np.ndim(v)}
        scalars = {name: v for name, v in values.items() if not np.ndim(v)}
        kinds = {name: kind_of(np.asarray(v)) for name, v in values.items()}
        templates = tuple(replace(
            t, values=tuple({**dict(t.values), **kinds}.items()),
            constants=tuple({**{k: v for k, v in t.constants if k not in values}, **scalars}.items()))
            for t in self.templates)
        return Findings({**self.columns, **columns}, templates)

    def with_folded(self, count: int) -> Findings:
        """Return the findings with the value `folded` added to the first one and 0 to the others."""
        folded = np.zeros(len(self), np.int64)
        folded[:1] = count
        return self.with_values(folded=folded)

    def severities(self, default: Severity) -> NDArray[np.int8]:
        """Return the rank of each finding's severity (0 info, 1 warning, 2 error)."""
        ranks = np.array([(t.severity or default).rank for t in self.templates] or [0], np.int8)
        severities: NDArray[np.int8] = ranks[self.columns["template"]]
        return severities

    def fingerprints(self, code: str) -> NDArray[np.uint64]:
        """Return a 64-bit identity per finding, the same across runs and unrelated changes.

        It hashes the code, image path, category, subject and box, and a counter among equals; never ids, line
        numbers or measured values, which change when something else is edited.
        """
        return hashed(code, self.columns, ("image", "category", "subject"), BOX_COLUMNS)

    def places(self) -> NDArray[np.uint64]:
        """Return a 64-bit identity of the place of each finding, whatever is found there: its image, its box and a counter."""
        return hashed("", self.columns, ("image",), BOX_COLUMNS)

    def first_of_each_template(self) -> NDArray[np.intp]:
        """Return the position of one finding of each template that has some."""
        return np.unique(self.columns["template"], return_index=True)[1]

    def messages(self, rows: Rows = None) -> list[str]:
        """Return the messages of a mask or of positions (all when None), quicker than whole findings."""
        positions = np.arange(len(self)) if rows is None else positions_of(rows, len(self))
        return self._messages(positions)[0]

    def iterate(self, code: str, default: Severity, rows: Rows = None) -> Iterator[Finding]:
        """Yield findings with their messages made, one at a time, in the stored order.

        Args:
            code: code of the check.
            default: severity of those whose template has none.
            rows: a mask or positions, to make only those.
        """
        for chunk in self.chunks(code, default, rows):
            yield from chunk.findings()

    def chunks(self, code: str, default: Severity, rows: Rows = None, size: int = 8192) -> Iterator[Chunk]:
        """Yield findings with their messages made, `size` at a time, in lists; otherwise as `iterate`."""
        positions = np.arange(len(self)) if rows is None else positions_of(rows, len(self))
        if not len(positions):  # most checks find nothing
            return
        prints = self.fingerprints(code)
        for start in range(0, len(positions), size):
            yield self._chunk(code, default, positions[start:start + size], prints)

    def _chunk(self, code: str, default: Severity, positions: NDArray[np.intp], prints: NDArray[np.uint64]) -> Chunk:
        def column(name: str) -> list[Any]:
            taken: list[Any] = self.columns[name][positions].tolist()
            return taken

        def numbers(name: str) -> list[Any]:
            taken = self.columns[name][positions]
            return with_gaps(taken, taken == NO_POSITION)

        kinds = self.columns["template"][positions]
        without = ~np.array([t.has_annotation for t in self.templates])[kinds]
        boxes = np.column_stack([self.columns[c].astype(np.float64, copy=False)[positions] for c in BOX_COLUMNS])
        messages, values = self._messages(positions)
        templates = [self.templates[k] for k in kinds.tolist()]
        return Chunk(
            code, [t.severity or default for t in templates], messages, column("image"), column("split"), column("category"),
            with_gaps(self.columns["annotation_id"][positions], without), column("source"), numbers("line"),
            numbers("index"), with_gaps(boxes, without), values, [f"{p:016x}" for p in prints[positions].tolist()],
            [t.fix for t in templates], column("subject"))

    def _messages(self, positions: NDArray[np.intp]) -> tuple[list[str], list[dict[str, Any]]]:
        """Return the messages and the values of some findings."""
        kinds = self.columns["template"][positions]
        messages, values = np.full(len(positions), "", object), np.empty(len(positions), object)
        for k, template in enumerate(self.templates):
            places = np.flatnonzero(kinds == k)
            if not len(places):
                continue
            names = [name for name, _ in template.values]
            constants = dict(template.constants)
            columns = [plain(np.array([constants[name]]), kind) * len(places) if name in constants
                       else plain(self.columns[f"value:{name}"][positions[places]], kind)
                       for name, kind in template.values]
            made = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] or [{} for _ in places]
            messages[places] = list(map(writer(template.message), made))
            values[places] = made
        return messages.tolist(), values.tolist()


def _build(where: Mapping[str, Any], n: int, message: str, values: Mapping[str, Any] | None, fix: Fix | None,
           severity: Severity | None, new_box: Any, new_text: Any, subject: Any, *,
           has_annotation: bool = False) -> Findings:
    columns: dict[str, NDArray[Any]] = {}
    given = {**where, "subject": subject}
    for name, dtype in _WHERE.items():
        missing = np.nan if dtype is np.float64 else NO_POSITION if dtype is np.int64 else None
        value = given.get(name)
        columns[name] = spread(missing if value is None else value, n, dtype)
    columns["template"] = np.zeros(n, np.int32)
    kinds, constants = [], []
    for name, value in (values or {}).items():
        array = np.asarray(value) if not isinstance(value, list) else np.array(value)
        kind = kind_of(array)
        kinds.append((name, kind))
        if array.ndim == 0:
            constants.append((name, array.item()))
            continue
        columns[f"value:{name}"] = spread(value, n, object if kind == "s" else array.dtype)
    if new_box is not None:
        for k, name in enumerate(BOX_COLUMNS):
            columns[f"fix:{name}"] = np.ascontiguousarray(np.asarray(new_box, np.float64)[:, k])
    if new_text is not None:
        is_number = isinstance(new_text, np.ndarray) and new_text.dtype.kind in "iuf"
        columns["fix:text"] = new_text if is_number else spread(new_text, n, object)
    template = Template(message, tuple(kinds), tuple(constants), fix, severity, has_annotation)
    return Findings(columns, (template,))


_EMPTY = Findings({**{k: np.empty(0, d) for k, d in _WHERE.items()}, "template": np.empty(0, np.int32)}, ())

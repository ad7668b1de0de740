"""What the served page asks for: the findings, the images with their boxes, and walls of the boxes of a class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect import __version__
from dsinspect.findings.members import members, partner
from dsinspect.io.json_text import encoded
from dsinspect.protocols.decisions import EDIT_OF, OF_CHECKS, choices_for, choices_without_finding
from dsinspect.protocols.edits import FIX_WORDS
from dsinspect.protocols.strays import strays
from dsinspect.render.palette import colours_of
from dsinspect.render.shapes import Shape, shapes_of
from dsinspect.tables.columns import codes_of
from dsinspect.tables.schema import boxes_xyxy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.findings.findings import Finding
    from dsinspect.protocols.run import Outcome, Run

FIELDS = ("check", "severity", "message", "image", "split", "class", "annotation", "source", "line", "index", "box", "print", "fix",
          "choices", "group", "other")
"""Fields of a finding's row."""
WALL = 240
"""Boxes of a wall sent together."""
SORTS = ("size", "smallest", "distance", "score", "image")
"""Orders of a wall: largest first, smallest first, most unlike the class's median first, least sure first, by image."""
SCORES_IN = "attributes"
"""Column of annotations whose JSON objects have the score of a box, where a format has one."""
SCORES = ("score", "confidence", "conf")
"""What scores are called."""


class Catalog:
    """A run in the form in which the page asks for it; everything is addressed by number.

    Args:
        run: with images and annotations.
    """

    def __init__(self, run: Run) -> None:
        if run.image_columns is None or run.annotation_columns is None:
            raise ValueError("the run has no tables of images and annotations")
        self.run = run
        self.images, self.annotations = run.image_columns, run.annotation_columns
        self.paths: list[str] = [str(p) for p in self.images["path"].tolist()]
        self.row_of = {p: k for k, p in reversed(list(enumerate(self.paths)))}
        self.strays = strays(run)
        self.stray_of = {s["path"]: len(self.paths) + k for k, s in enumerate(self.strays)}
        codes, paths = codes_of(self.annotations["path"])
        self.image_rows: NDArray[np.int64] = np.array([*(self.row_of.get(str(p), -1) for p in paths), -1], np.int64)[codes]
        self.order = np.argsort(self.image_rows, kind="stable")
        self.starts = np.searchsorted(self.image_rows[self.order], np.arange(len(self.paths) + 1))
        self.codes, self.names = codes_of(self.annotations["category"])
        self.boxes = boxes_xyxy(self.annotations)

    @cached_property
    def state(self) -> bytes:
        """All findings and what they refer to, as JSON."""
        run = self.run
        declared = [c.name for c in run.info.categories] or run.census.category_columns["name"].tolist()
        classes = dict.fromkeys(map(str, declared))
        classes.update(dict.fromkeys(map(str, self.names)))
        counts = {str(n): int(c) for n, c in zip(self.names, np.bincount(self.codes + 1, minlength=len(self.names) + 1)[1:],
                                                  strict=True)}
        colours = {n: f"rgb({r} {g} {b})" for n, (r, g, b) in colours_of(classes).items()}
        tables: dict[str, dict[Any, int]] = {
            "split": {}, "class": {n: k for k, n in enumerate(classes)}, "source": {}, "choices": {}}
        rows: list[list[Any]] = []
        whole: list[list[str]] = []
        outcomes = sorted(run.outcomes, key=lambda o: (-_worst(o), o.code))
        for check, o in enumerate(outcomes):
            own = [self._row(f, check, tables) for f in sorted(o.iterate(), key=lambda f: -f.severity.rank)]
            sets = [set(list(tables["choices"])[n]) for n in {row[FIELDS.index("choices")] for row in own}]
            whole.append([a for a in OF_CHECKS if all(a in s for s in sets)])
            rows += own
        return encoded({
            "dataset": run.path, "version": __version__, "fields": FIELDS, "findings": rows,
            "images": [*self.paths, *self.stray_of], "records": len(self.paths),
            "checks": [{"code": o.code, "name": o.name, "why": o.explanation.replace("`", ""),
                        "limits": [[k, str(v)] for k, v in o.limits.items()], "whole": can}
                       for o, can in zip(outcomes, whole, strict=True)],
            "classes": [{"name": n, "boxes": counts.get(n, 0), "colour": colours[n]} for n in tables["class"]],
            "splits": list(tables["split"]), "sources": list(tables["source"]), "choices": [list(c) for c in tables["choices"]],
            "sorts": self.sorts, "canAdd": EDIT_OF["add-box"] not in run.no_place,
            **choices_without_finding(run.no_place)})

    def _row(self, f: Finding, check: int, tables: dict[str, dict[Any, int]]) -> list[Any]:
        def number(table: str, key: Any) -> int:
            return -1 if key is None else tables[table].setdefault(key, len(tables[table]))

        choices = choices_for(f, self.run.no_place)
        image = self.row_of.get(f.image, self.stray_of.get(f.image, -1)) if f.image is not None else -1
        group = [k for p in members(f.values) if (k := self.row_of.get(p, -1)) >= 0 and k != image]
        return [check, f.severity.rank, f.message, image if image >= 0 or f.image is None else f.image, number("split", f.split),
                number("class", f.category), f.annotation_id, number("source", f.source), f.line, f.index, f.bbox_xyxy,
                f.fingerprint, None if f.fix is None else [f.fix.safety, FIX_WORDS.get(f.fix.action, f.fix.action)],
                number("choices", choices),
                list(dict.fromkeys(group))[:12], partner(f.values)]

    def image(self, row: int) -> Mapping[str, Any]:
        """Return an image with its boxes; raise IndexError for a number that is none."""
        if (stray := self._stray(row)) is not None:
            return {"path": stray["path"], "frame": None, "boxes": [], "split": None}
        if not 0 <= row < len(self.paths):
            raise IndexError(row)
        positions = self.order[self.starts[row]:self.starts[row + 1]]
        a = self.annotations
        boxes = [{"row": k, "box": shape.box, **shape.record(), "class": None if code < 0 else str(self.names[code]),
                  "number": number, "id": i, "source": s, "line": None if line < 0 else line, "index": None if index < 0 else index}
                 for k, shape, code, number, i, s, line, index in zip(
                     positions.tolist(), shapes_of(a, positions), self.codes[positions].tolist(),
                     *(a[c][positions].tolist() for c in ("category_id", "annotation_id", "source", "line", "index")), strict=True)]
        frame = [float(self.images[c][row]) for c in ("frame_width", "frame_height")]
        return {"path": self.paths[row], "frame": frame if all(v > 0 for v in frame) else None, "boxes": boxes,
                "split": self.images["split"][row]}

    def shape(self, annotation: int) -> Shape:
        """Return what an annotation is drawn as; raise IndexError for a number that is none."""
        if not 0 <= annotation < len(self.annotations):
            raise IndexError(annotation)
        return shapes_of(self.annotations, [annotation])[0]

    def _stray(self, row: int) -> dict[str, Any] | None:
        return self.strays[row - len(self.paths)] if len(self.paths) <= row < len(self.paths) + len(self.strays) else None

    def image_record(self, row: int) -> dict[str, Any]:
        """Return an image's row, or a stray, as a record; raise IndexError for a number that is none."""
        if (stray := self._stray(row)) is not None:
            return stray
        if not 0 <= row < len(self.paths):
            raise IndexError(row)
        return self.images.take(np.array([row])).records()[0]

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """The score of each box, NaN where it has none."""
        made = np.full(len(self.annotations), np.nan)
        given = self.annotations[SCORES_IN].tolist() if SCORES_IN in self.annotations else ()
        for k, text in enumerate(given):
            if isinstance(text, bytes) and any(f'"{name}"'.encode() in text for name in SCORES):
                made[k] = _score(text)
        return made

    @property
    def sorts(self) -> list[str]:
        """The orders that say something here: by score only where boxes have one."""
        return [s for s in SORTS if s != "score" or not np.isnan(self.scores).all()]

    def wall(self, name: str, sort: str, start: int) -> dict[str, Any]:
        """Return some boxes of a class, in an order of `SORTS`, from one on; raise KeyError for a class or order that is none."""
        order = self._wall_order(name, sort)
        shown = order[max(start, 0):max(start, 0) + WALL].tolist()
        items = [{"row": k, "image": int(self.image_rows[k]), "box": self.boxes[k].tolist(),
                  "score": None if np.isnan(self.scores[k]) else float(self.scores[k])} for k in shown]
        return {"total": len(order), "items": items}

    @lru_cache(maxsize=64)  # noqa: B019 the catalog lives as long as the server
    def _wall_order(self, name: str, sort: str) -> NDArray[np.intp]:
        if sort not in SORTS or name not in self.names:
            raise KeyError(name)
        rows = np.flatnonzero((self.codes == self.names.index(name)) & (self.image_rows >= 0))
        size = self.boxes[rows, 2:] - self.boxes[rows, :2]
        with np.errstate(invalid="ignore", over="ignore"):
            area = np.nan_to_num(size.prod(axis=1), nan=0.0, posinf=0.0, neginf=0.0)
            sides = np.log(np.maximum(np.nan_to_num(size, nan=1e-9, posinf=1e-9, neginf=1e-9), 1e-9))
        if sort == "image":
            return rows[np.lexsort((rows, self.image_rows[rows]))]
        if sort == "score":  # those without one last
            return rows[np.lexsort((rows, np.nan_to_num(self.scores[rows], nan=np.inf)))]
        middle = np.median(sides, axis=0) if len(sides) else 0
        spread = np.median(np.abs(sides - middle), axis=0) + 1e-3 if len(sides) else 1
        key = {"size": -area, "smallest": area, "distance": -np.abs((sides - middle) / spread).max(axis=1, initial=0)}[sort]
        return rows[np.lexsort((rows, key))]


def _worst(outcome: Outcome) -> int:
    """Return the rank of the worst severity of a check's findings; -1 where it has none."""
    return -1 if outcome.worst is None else outcome.worst.rank


def _score(attributes: bytes) -> float:
    """Return the score among attributes, NaN where there is none that is a number."""
    try:
        found = msgspec.json.decode(attributes)
    except msgspec.DecodeError:
        return np.nan
    value = next((found[n] for n in SCORES if n in found), None) if isinstance(found, dict) else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return np.nan
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value) else np.nan

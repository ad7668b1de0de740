"""The fates of a part of a set, as they merge: counts of each class, losses by reason, and the records not kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.trainers import CHANGED, DROPPED, KEPT, NO_RULE, Fates, Judged, Loaded, Verdict
from dsinspect.tables.columns import Columns, at_rows, distinct, objects

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXAMPLES = 3
"""Examples of each loss that are shown."""
OF_CLASS = ("images before", "boxes before", "images after", "boxes after")
NO_BOXES = np.zeros(len(OF_CLASS), np.int64)
"""The counts of a class that no annotation has."""


@dataclass(frozen=True)
class Loss:
    """What one rule takes.

    Attributes:
        images: left out.
        dropped: annotations.
        changed: annotations.
        examples: places of the first ones.
    """

    images: int = 0
    dropped: int = 0
    changed: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: Loss) -> Loss:
        return Loss(self.images + other.images, self.dropped + other.dropped, self.changed + other.changed,
                    _first(self.examples + other.examples))


@dataclass(frozen=True)
class Part:
    """What one trainer makes of a part of the set; parts merge in order.

    Attributes:
        verdict: stops, files it would write, and the trainer's own state.
        classes: of each class by name (None for boxes of no known class or image) the counts named in `OF_CLASS`.
        images: images that arrive, and that are left out.
        annotations: kept as they stand, changed, dropped; `extras` count as changed.
        extras: malformed records that the trainer keeps although they are no rows of the tables.
        losses: by the position of the rule.
        image_fates: path, split and rule of the images to report.
        annotation_fates: the annotations to report.
    """

    verdict: Verdict
    classes: Mapping[str | None, NDArray[np.int64]]
    images: NDArray[np.int64]
    annotations: NDArray[np.int64]
    extras: int
    losses: Mapping[int, Loss]
    image_fates: tuple[Columns, ...] = field(default=())
    annotation_fates: tuple[Columns, ...] = field(default=())

    def merged(self, other: Part) -> Part:
        """Join with the part that follows."""
        names = dict.fromkeys((*self.classes, *other.classes))
        return Part(
            self.verdict.merged(other.verdict),
            {n: self.classes.get(n, NO_BOXES) + other.classes.get(n, NO_BOXES) for n in names},
            self.images + other.images, self.annotations + other.annotations, self.extras + other.extras,
            {k: self.losses.get(k, Loss()) + other.losses.get(k, Loss()) for k in dict.fromkeys((*self.losses, *other.losses))},
            self.image_fates + other.image_fates, self.annotation_fates + other.annotation_fates)


@dataclass(frozen=True)
class Held:
    """What a shard holds of each class before a trainer loads it, counted as a report counts it.

    Attributes:
        names: of the classes, from number 1 on; number 0 stands for annotations of no known class or image.
        number: of each annotation's class.
        images: images with the class.
        boxes: annotations of it.
    """

    names: list[str]
    number: NDArray[np.int64]
    images: NDArray[np.int64]
    boxes: NDArray[np.int64]


def held_by(loaded: Loaded) -> Held:
    """Count the classes of a shard as it stands."""
    codes, names = loaded.category_codes
    rows, n = loaded.annotations["image_row"], len(names) + 1
    known = rows >= 0
    number = codes + 1 if known.all() else np.where(known, codes + 1, 0)
    return Held(names, number, _images_with(rows, number, n), np.bincount(number, minlength=n))


def part_of(judged: Judged, loaded: Loaded, held: Held, *, all_fates: bool, keep_fates: bool) -> Part:
    """Sum up the fates of one shard.

    Args:
        judged: the trainer, and the fates of the records.
        loaded: the shard.
        held: the classes of the shard as it stands.
        all_fates: report all records, not only of those that are not kept as they stand.
        keep_fates: keep the fates of single records at all.
    """
    trainer, made = judged.trainer, judged.fates
    arriving = held.images
    if judged.image_row is not None:
        loaded = replace(loaded, annotations=loaded.annotations.with_columns({"image_row": judged.image_row}))
        arriving = _images_with(judged.image_row, held.number, len(held.boxes))
    counts = np.bincount(made.fate, minlength=3)
    counts[CHANGED] += len(made.extras)
    out = int((made.image_rule != NO_RULE).sum())
    part = Part(
        Verdict(trainer, made.stops, made.writes, made.state), _classes(loaded, made, held, arriving),
        np.array([len(made.image_rule) - out, out]), counts[[KEPT, CHANGED, DROPPED]].astype(np.int64), len(made.extras),
        _losses(loaded, made))
    if not keep_fates:
        return part
    images, annotations = _fates(loaded, made, all_fates=all_fates)
    return Part(part.verdict, part.classes, part.images, part.annotations, part.extras, part.losses, (images,), (annotations,))


def _classes(loaded: Loaded, made: Fates, held: Held, images: NDArray[np.int64]) -> dict[str | None, NDArray[np.int64]]:
    boxes = held.boxes
    dropped = np.flatnonzero(made.fate == DROPPED)
    if len(dropped):
        boxes = boxes - np.bincount(held.number[dropped], minlength=len(boxes))
        images = images - _images_losing(loaded, made, held, dropped)
    table = np.stack([held.images, held.boxes, images, boxes], axis=1).astype(np.int64)
    return {name: table[k] for k, name in enumerate([None, *held.names]) if table[k].any()}


def _images_losing(loaded: Loaded, made: Fates, held: Held, dropped: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many images lose all they have of each class: only those with a dropped annotation are looked at."""
    rows, n = loaded.annotations["image_row"], len(held.boxes)
    touched = np.zeros(len(loaded.images) + 1, bool)
    touched[rows[dropped]] = True
    touched[-1] = False  # of annotations without an image
    near = np.flatnonzero(touched[rows])
    pairs = rows[near] * n + held.number[near]
    return _images_of(pairs, n) - _images_of(pairs[made.fate[near] != DROPPED], n)


def _images_with(rows: NDArray[np.int64], number: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return how many images have each of `n` classes."""
    known = rows >= 0
    return _images_of(rows[known] * n + number[known], n)


def _images_of(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.bincount(distinct(pairs) % n, minlength=n)


def _losses(loaded: Loaded, made: Fates) -> dict[int, Loss]:
    losses: dict[int, Loss] = {}
    paths = loaded.images["path"]
    for rule in _rules_in(made.image_rule):
        rows = np.flatnonzero(made.image_rule == rule)
        losses[rule] = Loss(len(rows), examples=_first(str(paths[k]) for k in rows.tolist()))
    for rule in _rules_in(made.rule):
        mask = made.rule == rule
        rows = np.flatnonzero(mask)
        known = losses.get(rule, Loss())
        dropped = int((made.fate[rows] == DROPPED).sum())
        examples = known.examples or _first(place_of(loaded, k) for k in rows.tolist())
        losses[rule] = Loss(known.images, dropped, len(rows) - dropped, examples)
    for extra in made.extras:
        losses[extra.rule] = losses.get(extra.rule, Loss()) + Loss(changed=1, examples=(f"{extra.source}:{extra.line}",))
    return losses


def _first(places: Iterable[str]) -> tuple[str, ...]:
    """Return the first different places: a split that is read for another one as well has each of them twice."""
    found: dict[str, None] = {}
    for place in places:
        found[place] = None
        if len(found) == EXAMPLES:
            break
    return tuple(found)


def _rules_in(rules: NDArray[np.int16]) -> list[int]:
    """Return the rules that apply anywhere, in order."""
    found: list[int] = np.flatnonzero(np.bincount(rules.astype(np.int64) - NO_RULE)).tolist()
    return [k + NO_RULE for k in found if k]


def place_of(loaded: Loaded, row: int) -> str:
    """Return where an annotation is, as a person looks for it."""
    a = loaded.annotations
    image = int(a["image_row"][row])
    path = str(loaded.images["path"][image]) if image >= 0 else ""
    line, source, own = int(a["line"][row]), a["source"][row], int(a["annotation_id"][row])
    if line > 0:
        return f"{source}:{line}"
    return f"{path} (annotation {own})" if path else f"{source} (annotation {own})"


def _fates(loaded: Loaded, made: Fates, *, all_fates: bool) -> tuple[Columns, Columns]:
    """Return the images and annotations to report, each with the path of its image."""
    a, images = loaded.annotations, loaded.images
    rows = a["image_row"]
    told = np.ones(len(rows), bool) if all_fates else made.fate != KEPT
    tells = np.zeros(len(images) + 1, bool)
    tells[rows[told]] = True
    tells = tells[:-1] | (made.image_rule != NO_RULE)
    if all_fates:
        tells[:] = True
    number = np.append(np.arange(len(images)), -1)[rows[told]]
    image_table = Columns({"row": np.flatnonzero(tells), "path": images["path"][tells], "rule": made.image_rule[tells],
                           "split": images["split"][tells]})
    label = made.label[told]
    annotation_table = Columns({
        "row": number, "id": a["annotation_id"][told], "source": a["source"][told], "line": a["line"][told],
        "index": a["index"][told], "category": a["category"][told], "fate": made.fate[told], "rule": made.rule[told],
        "label": label, **{f"box_{k}": made.boxes[told, k] for k in range(4)},
        "path": at_rows(images["path"], rows[told])})
    if made.extras:
        annotation_table = Columns.concat((annotation_table, _extra_columns(loaded, made)))
        extra_rows = sorted({e.image_row for e in made.extras} - set(np.flatnonzero(tells).tolist()))
        if extra_rows:
            image_table = Columns.concat((image_table, Columns({
                "row": np.array(extra_rows), "path": images["path"][extra_rows], "rule": made.image_rule[extra_rows],
                "split": images["split"][extra_rows]})))
    return image_table, annotation_table


def _extra_columns(loaded: Loaded, made: Fates) -> Columns:
    extras = made.extras
    n = len(extras)
    return Columns({
        "row": np.array([e.image_row for e in extras]), "id": np.full(n, -1), "source": objects([e.source for e in extras]),
        "line": np.array([e.line for e in extras]), "index": np.array([e.index for e in extras]),
        "category": objects([None] * n), "fate": np.full(n, CHANGED, np.int8), "rule": np.array([e.rule for e in extras], np.int16),
        "label": np.array([e.label for e in extras]), **{f"box_{k}": np.array([e.box[k] for e in extras]) for k in range(4)},
        "path": objects([str(loaded.images["path"][e.image_row]) for e in extras])})

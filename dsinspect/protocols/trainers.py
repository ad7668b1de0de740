"""The trainer protocol: say what a trainer's loader would make of a dataset, from its tables; nothing of it is run.

A trainer knows its releases as ranges and its rules with the function each stands in. It judges one shard at a time and
returns fates: which images arrive and which are left out, which annotations arrive as they stand, change or are dropped,
what makes it stop, and which files it would rewrite.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from dsinspect.errors import UserError, nearest
from dsinspect.protocols.fates import CHANGED as CHANGED
from dsinspect.protocols.fates import DROPPED as DROPPED
from dsinspect.protocols.fates import FATES as FATES
from dsinspect.protocols.fates import KEPT as KEPT
from dsinspect.protocols.fates import NO_RULE as NO_RULE
from dsinspect.protocols.fates import TRAINER as TRAINER
from dsinspect.protocols.releases import release_of as release_of
from dsinspect.protocols.releases import version_key as version_key
from dsinspect.tables.columns import codes_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dsinspect.tables.columns import Columns
    from dsinspect.tables.dataset import DatasetInfo

    Codes = tuple[NDArray[np.intp], list[str]]

Effect = Literal["leaves-out-image", "drops-annotation", "changes-annotation", "stops", "rewrites", "note"]
EFFECTS: Mapping[Effect, str] = {
    "leaves-out-image": "leaves out the image", "drops-annotation": "drops the annotation",
    "changes-annotation": "reads the annotation otherwise", "stops": "stops", "rewrites": "rewrites the file",
    "note": "to know"}


@dataclass(frozen=True)
class Rule:
    """One thing a trainer does.

    Attributes:
        key: unique among the trainer's rules of one release, in kebab case.
        effect: what it does.
        reason: when it does it, as a person reads it: "a coordinate is above 1.01".
        where: file and function of the trainer: `data/utils.py: verify_image_label`.
        says: how the trainer's own message starts; empty when it says nothing.
        since: first release that does it; None for all known ones.
        until: first release that no longer does it; None when the newest known one does.
    """

    key: str
    effect: Effect
    reason: str
    where: str
    says: str = ""
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Stop:
    """What makes a trainer raise.

    Attributes:
        error: type and text of the exception, in the trainer's words.
        where: file and function.
        order: of several the lowest is met first: stage, then places.
        image: path of the image concerned, or None.
        source: file of the record concerned.
        index: position of the record in it, from 0; -1 when there is none.
        split: split concerned.
        found: what in the dataset makes it, where the error's own words do not say it.
    """

    error: str
    where: str
    order: tuple[int, ...] = ()
    image: str | None = None
    source: str | None = None
    index: int = -1
    split: str | None = None
    found: str = ""


@dataclass(frozen=True)
class Write:
    """A file that a trainer would write or rewrite in the dataset's place."""

    path: str
    what: str


@dataclass(frozen=True)
class Extra:
    """A record that the trainer keeps although it is no row of the tables, for it is malformed there."""

    image_row: int
    rule: int
    label: float
    box: tuple[float, float, float, float]
    source: str | None = None
    line: int = -1
    index: int = -1


@dataclass(frozen=True)
class Loaded:
    """One shard, as trainers judge it.

    Attributes:
        dataset: what is known of the whole set.
        images: the images with what was measured, and `frame_width` `frame_height` (see `Batch`).
        annotations: the annotations as read, boxes in the units of the format.
        problems: what the reader could not use.
        boxes_px: (N, 4) boxes, px.
        codes: what `category_codes` returns, where it is known already.
    """

    dataset: DatasetInfo
    images: Columns
    annotations: Columns
    problems: Columns
    boxes_px: NDArray[np.float64]
    codes: Codes | None = None

    @cached_property
    def category_codes(self) -> Codes:
        """Code of each annotation's category (-1 for an unknown one), and the names the codes stand for."""
        return codes_of(self.annotations["category"]) if self.codes is None else self.codes

    def measured(self, name: str) -> NDArray[Any] | None:
        """Return a measured column, or None when it could not be had."""
        return self.images.get(name)


@dataclass(frozen=True)
class Fates:
    """What a trainer makes of one shard.

    Attributes:
        image_rule: rule by which each image is left out, -1 for those that arrive; positions in `Trainer.rules`.
        fate: KEPT, CHANGED or DROPPED of each annotation.
        rule: why an annotation is not kept as it stands; -1 for those that are.
        label: class as the trainer has it, a number from 0 in most; NaN where dropped.
        boxes: (N, 4) boxes as the trainer has them, px; NaN where dropped or where the size of the image is unknown.
        extras: malformed records that the trainer keeps.
        stops: what makes it raise in this shard.
        writes: files it would rewrite.
        state: what the trainer needs to see of the whole set (`Trainer.merge`, `Trainer.finish`).
    """

    image_rule: NDArray[np.int16]
    fate: NDArray[np.int8]
    rule: NDArray[np.int16]
    label: NDArray[np.float64]
    boxes: NDArray[np.float64]
    extras: tuple[Extra, ...] = ()
    stops: tuple[Stop, ...] = ()
    writes: tuple[Write, ...] = ()
    state: Any = None


REPEATED_FILE = Rule("repeated-file", "leaves-out-image", "the image record names the file of another one, whose boxes are joined",
                     "dsinspect convert")
"""Stands behind the rules of a trainer that does not read the format of the set."""


@dataclass(frozen=True)
class Judged:
    """A trainer and the fates it gave one shard.

    Attributes:
        trainer: whose.
        fates: of the records of the shard.
        image_row: image that each annotation arrives with, where some are joined with those of another record; else None.
    """

    trainer: Trainer
    fates: Fates
    image_row: NDArray[np.int64] | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that the fates name by their places."""
        return rules_of(self.trainer)


@dataclass(frozen=True)
class Target:
    """How a dataset is written for a trainer (`convert --for`).

    Attributes:
        format: name of the format to write.
        first_id: of the categories; 0 or 1.
        upright: pixels are turned as EXIF says and the tag is taken out, for the trainer does not look at it.
        keep_crowd: whether crowd regions are written; the trainer has a use for them.
        outlines: annotations without an outline get that of their box, for the trainer reads one of each.
        keypoints: whether keypoints are written; some trainers make one tensor of all of an image, and stop at unequal numbers.
        images: folder of the images of a split, `{split}` filled in; file names are relative to it. Empty: as the format does.
        annotations: path of the annotation file of a split.
        splits: other names that the trainer has for splits, by ours.
        needed_splits: splits that the trainer cannot do without; where one is missing the first of the set stands for it.
        snippet: name and text of a configuration file; the writer fills in `{name}`, `{nc}`, `{classes}`, and for each split
            `{train_images}` and `{train_annotations}`, and so on.
    """

    format: str
    first_id: int = 0
    upright: bool = False
    keep_crowd: bool = False
    outlines: bool = False
    keypoints: bool = True
    images: str = ""
    annotations: str = ""
    splits: Mapping[str, str] = field(default_factory=dict)
    needed_splits: tuple[str, ...] = ("train", "val")
    snippet: tuple[str, str] | None = None


class Trainer(ABC):
    """What one trainer makes of a dataset. Its release is all it knows; one instance serves all threads.

    Attributes:
        name: as in `--trainer`.
        title: its proper name.
        models: what its models are called, in lower case: who names one is told the trainer (`yolo` for yolov8 and yolo11).
        releases: known releases at which something changes, oldest first; the first is the oldest known.
        closed: the last releases of lines that are finished (`8.3.253`), for a wish like `8.3`.
        newest: the newest release whose rules are known.
        evidence: how the rules are known: what was run, what was only read.
        reads: formats it reads as they stand; a set in another is judged as if converted to the first one.
        columns: format columns it needs, by format.
        measures: probe columns it uses when they can be had.
        rules: all rules, of all releases.
        limits: options of checks that follow from it, by code (`{"IMG020": {"min_side": 32}}`).
        target: how `convert --for` writes a set for it; None when it trains nothing.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    models: ClassVar[tuple[str, ...]] = ()
    releases: ClassVar[tuple[str, ...]]
    closed: ClassVar[tuple[str, ...]] = ()
    newest: ClassVar[str]
    evidence: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]]
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    measures: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]]
    limits: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    target: ClassVar[Target | None] = None

    def __init__(self, release: str | None = None) -> None:
        """Take a release, whole or in part (`8.4`: the newest known one of it); the newest known one when None.

        Raises:
            UserError: it is no release, or older than all that are known.
        """
        self.release = release_of(type(self), release)

    @property
    def label(self) -> str:
        """Name and release: `ultralytics@8.4.190`."""
        return f"{self.name}@{self.release}"

    def at(self, release: str) -> bool:
        """Say whether this release is `release` or a later one."""
        return version_key(self.release) >= version_key(release)

    def in_force(self) -> tuple[Rule, ...]:
        """Return the rules of this release."""
        return tuple(r for r in self.rules if (r.since is None or self.at(r.since))
                     and (r.until is None or not self.at(r.until)))

    def limits_in_force(self) -> Mapping[str, Mapping[str, Any]]:
        """Return `limits` as this release has them."""
        return self.limits

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Position in `rules` of each rule of this release, by key."""
        in_force = set(self.in_force())
        return {r.key: k for k, r in enumerate(self.rules) if r in in_force}

    @abstractmethod
    def judge(self, loaded: Loaded) -> Fates:
        """Return the fates of one shard; never changes a table."""

    def merge(self, a: Any, b: Any) -> Any:
        """Join the states of two neighbouring shards, `a` before `b`, changing neither."""
        return a if b is None else b if a is None else a + b

    def finish(self, state: Any) -> Sequence[Stop]:
        """Return what makes the trainer stop that only the whole set shows."""
        return ()


def rules_of(trainer: Trainer) -> tuple[Rule, ...]:
    """Return the rules that the fates of a trainer name by their places."""
    return (*trainer.rules, REPEATED_FILE)


@dataclass(frozen=True)
class Verdict:
    """What a trainer does with the whole set, beside the fates of single records; parts merge.

    Attributes:
        trainer: whose.
        stops: of all parts, in no order.
        writes: of all parts.
        state: the trainer's own.
    """

    trainer: Trainer
    stops: tuple[Stop, ...] = ()
    writes: tuple[Write, ...] = ()
    state: Any = None

    def merged(self, other: Verdict) -> Verdict:
        """Join with the verdict on the part that follows."""
        return Verdict(self.trainer, self.stops + other.stops, self.writes + other.writes,
                       self.trainer.merge(self.state, other.state))

    def in_order(self) -> tuple[Stop, ...]:
        """Return everything that makes it stop, what it meets first at the front."""
        return tuple(sorted((*self.stops, *self.trainer.finish(self.state)), key=lambda s: (s.order, s.error)))


def configured_trainer(text: str, trainers: Mapping[str, type[Trainer]], path: Path | None) -> Trainer:
    """Return the trainer that a configuration names.

    Raises:
        UserError: no such trainer, or no such release; the file is named.
    """
    try:
        return chosen_trainer(text, trainers)
    except UserError as e:
        raise UserError(f"{path}: {e}" if path else str(e)) from None


def nearest_trainer(word: str, trainers: Mapping[str, type[Trainer]]) -> str:
    """Return ` (did you mean 'x'?)` for the trainer that a word means by its proper name, a model of it, or nearly; or nothing."""
    plain = word.lower()
    for name, trainer in trainers.items():
        known = (name, *trainer.title.lower().split(), *trainer.models)
        if plain in known or any(plain.startswith(m) and plain[len(m):].lstrip("v-_").isdigit() for m in trainer.models):
            return f" (did you mean {name!r}?)"
    return nearest(word, trainers)


def chosen_trainer(text: str, trainers: Mapping[str, type[Trainer]]) -> Trainer:
    """Return the trainer that `NAME` or `NAME@RELEASE` means.

    Raises:
        UserError: no such trainer, or no such release.
    """
    name, at, release = text.partition("@")
    if name not in trainers:
        raise UserError(f"trainer {text}: no such trainer{nearest_trainer(name, trainers)}; there are {', '.join(trainers)}")
    return trainers[name](release if at else None)

"""The images in the page: crops of findings and whole images, as many as the size allows, the worst findings first."""

from __future__ import annotations

import math
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.io.image_codec import UnreadableError, why_no_opencv
from dsinspect.render.crops import Crop, crop, open_framed
from dsinspect.render.shapes import Shape, shapes_of
from dsinspect.tables.schema import NO_POSITION

if TYPE_CHECKING:
    from dsinspect_reports._places import Place, Places

CROP_ROOM = (256, 192)
"""Room of a crop, px: twice what a card of the page gives it, for sharp screens."""
CROP_QUALITY = 70
WHOLE_ROOM = (1024, 1024)
"""Room of a whole image, px."""
WHOLE_QUALITY = 60
WHOLE_SHARE = 0.5
"""Share of the room that whole images may take."""
CHUNK = 64
"""Findings whose images are read together."""
MAX_BOXES = 400
"""Boxes drawn on a whole image at most."""


@dataclass
class Crops:
    """The images that are in the page, JSON-ready.

    Attributes:
        crops: finding to one record per place: image row, base64 of the file, window, boxes to mark.
        whole: image row to base64 of the file, frame, boxes with class and id.
        without_crop: findings that have a place and got no crop, for want of room.
        unreadable: image row to why it cannot be read.
    """

    crops: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    whole: dict[int, dict[str, Any]] = field(default_factory=dict)
    without_crop: int = 0
    unreadable: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Made:
    """What one image gave: a crop per wanted set of boxes, and the whole image when that was wanted."""

    crops: tuple[Crop, ...] = ()
    whole: Crop | None = None
    reason: str = ""


def make_crops(places: Places, wanted: Sequence[tuple[int, Sequence[Place]]], room: int) -> Crops:
    """Make the images of findings until the room is full.

    Args:
        places: of the run.
        wanted: number of a finding and its places, the findings that matter most first.
        room: bytes that the images may take in the page, as base64.
    """
    made = Crops()
    if why_no_opencv() is not None:  # the run has said so; a page without images is better than none
        made.without_crop = len(wanted)
        return made
    images = len({p.image for _, shown in wanted for p in shown})
    left = {"all": float(room), "whole": room * WHOLE_SHARE}
    todo = iter(wanted)
    with quiet_decoders(), ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        while left["all"] > 0 and (chunk := list(islice(todo, CHUNK))):
            _fill(made, places, chunk, left, pool)
            if made.whole:  # what the images to come will hardly need is room for crops
                each = sum(len(w["src"]) for w in made.whole.values()) / len(made.whole)
                left["whole"] = min(left["whole"], 1.5 * each * (images - len(made.whole)))
    made.without_crop = sum(1 for number, _ in wanted if number not in made.crops) if room > 0 else len(wanted)
    return made


def _fill(made: Crops, places: Places, chunk: Sequence[tuple[int, Sequence[Place]]], left: dict[str, float],
          pool: ThreadPoolExecutor) -> None:
    """Make the images of some findings; each file is read once for all of them."""
    by_image: dict[int, dict[tuple[Any, ...], int]] = {}
    for _, shown in chunk:
        for place in shown:
            cuts = by_image.setdefault(place.image, {})
            cuts.setdefault(place.extents, len(cuts))
    jobs = [(places.record(row), list(cuts), row not in made.whole and left["whole"] > 0)
            for row, cuts in by_image.items()]
    results = dict(zip(by_image, pool.map(_make, jobs), strict=True))
    for number, shown in chunk:
        records: list[dict[str, Any]] = []
        for place in shown:
            result = results[place.image]
            if result.reason:
                made.unreadable[place.image] = result.reason
                records.append({"image": place.image})
                continue
            cut = result.crops[by_image[place.image][place.extents]]
            records.append({"image": place.image, "src": b64encode(cut.content).decode(), "window": _rounded(cut.window),
                            "size": cut.size_wh, "boxes": [_shown(s) for s in place.marks],
                            **({"around": [_shown(s) for s in place.around]} if place.around else {})})
        cost = sum(len(r.get("src", "")) + 60 + _bytes_of([*r.get("boxes", ()), *r.get("around", ())]) for r in records)
        if left["all"] - left["whole"] < cost:
            left["all"] = 0
            return
        left["all"] -= cost
        made.crops[number] = records
        for place in shown:
            whole = results[place.image].whole
            if whole is not None and place.image not in made.whole:
                record = _whole(whole, places, place.image)
                cost = len(record["src"]) + 60 * len(record["boxes"]) + _bytes_of(b[8] for b in record["boxes"])
                if left["whole"] >= cost:
                    made.whole[place.image] = record
                    left["whole"] -= cost
                    left["all"] -= cost


def _make(job: tuple[Mapping[str, Any], Sequence[Sequence[Any]], bool]) -> _Made:
    image, cuts, with_whole = job
    try:
        framed = open_framed(image)
        whole = crop(framed, (), WHOLE_ROOM, WHOLE_QUALITY) if with_whole else None
        return _Made(tuple(crop(framed, boxes, CROP_ROOM, CROP_QUALITY) for boxes in cuts), whole)
    except UnreadableError as e:
        return _Made(reason=str(e))


def _whole(whole: Crop, places: Places, row: int) -> dict[str, Any]:
    boxes: list[list[Any]] = []
    if places.annotations is not None:
        positions = places.annotations_of(row)[:MAX_BOXES]
        codes, _ = places.categories
        a = places.annotations
        for k, shape in zip(positions.tolist(), shapes_of(a, positions), strict=True):
            if all(map(math.isfinite, shape.extent)):
                index = int(a["index"][k])
                number = {"class": int(a["category_id"][k])} if codes[k] < 0 else {}
                boxes.append([*_rounded(shape.box, 3), int(codes[k]), int(a["annotation_id"][k]), a["source"][k],
                              None if index == NO_POSITION else index, {**shape.record(), **number}])
    return {"src": b64encode(whole.content).decode(), "window": _rounded(whole.window), "size": whole.size_wh, "boxes": boxes}


def _shown(shape: Shape) -> dict[str, Any]:
    """Return what is drawn of an annotation, as the page's script takes it."""
    return {"box": _rounded(shape.box), **shape.record()}


def _bytes_of(records: Iterable[Mapping[str, Any]]) -> int:
    """Return about how much room shapes take in the page."""
    return sum(40 + 8 * (len(r.get("points", ())) + sum(map(len, r.get("rings", ())))) for r in records)


def _rounded(box: Sequence[float], digits: int = 2) -> list[float]:
    """Return a box to a hundredth of a px: what a screen can show."""
    return [round(float(v), digits) for v in box]


def by_turns(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield check and rank: the first finding of each check, then the second of each, ...

    >>> list(by_turns([2, 1]))
    [(0, 0), (1, 0), (0, 1)]
    """
    for rank in range(max(counts, default=0)):
        for check, count in enumerate(counts):
            if rank < count:
                yield check, rank

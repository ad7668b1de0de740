"""Tasks and regions of Label Studio exports: whose they are, what they are drawn as, and where their image is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from dsinspect_formats._images import is_image
from dsinspect_formats._values import Box, envelope, real, reals_of, rotated

LISTS = ("annotations", "completions")
"""Where people's work is; `predictions` and `drafts` are not annotations."""
DRAWN = {"rectangle": "rectanglelabels", "polygon": "polygonlabels", "ellipse": "ellipselabels"}
"""What a region is drawn as, and the key of its labels."""
_DRAWN_AS = {**{labels: drawn for drawn, labels in DRAWN.items()}, **{drawn: drawn for drawn in DRAWN}}
NO_AREA = {"keypointlabels": "keypoints", "brushlabels": "brush masks", "keypoint": "keypoints", "brush": "brush masks",
           "vectorlabels": "vectors", "videorectangle": "boxes of videos"}
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")


@dataclass(slots=True)
class Region:
    """A region as it stands.

    Attributes:
        kind: `rectangle`, `polygon` or `ellipse`.
        value: numbers that draw it, in percent.
        labels: of it.
        size_wh: of its image, px.
    """

    kind: str
    value: Mapping[str, Any]
    labels: list[str]
    size_wh: tuple[float, float]

    def flat(self) -> list[float]:
        """Return the points of a polygon, or the corners of a rotated rectangle, px, flat."""
        w, h = self.size_wh
        if self.kind == "polygon":
            points = self.value.get("points")
            if not isinstance(points, list) or len(points) < 3 or not all(isinstance(p, list) and len(p) == 2 for p in points):
                raise ValueError("points is not a list of at least three x and y")
            return [c for x, y in points for c in (real(x, "points") * w / 100, real(y, "points") * h / 100)]
        turn = self.rotation()
        if not turn:
            return []
        x, y, width, height = self.box_before_turning()
        return rotated(x, y, width, height, turn, (x, y))

    def rotation(self) -> float:
        """Return degrees clockwise: of a rectangle about its top left corner, of an ellipse about its centre."""
        value = self.value.get("rotation")
        return 0.0 if value is None else real(value, "rotation")

    def box_before_turning(self) -> tuple[float, float, float, float]:
        """Return x, y, width and height of a rectangle, px."""
        w, h = self.size_wh
        x, y, width, height = reals_of(self.value, ("x", "y", "width", "height"))
        return x * w / 100, y * h / 100, width * w / 100, height * h / 100

    def box(self) -> Box:
        """Return the box around the region, px; raises ValueError, in words, when it cannot be drawn."""
        if self.kind == "ellipse":
            w, h = self.size_wh
            x, y = real(self.value.get("x"), "x") * w / 100, real(self.value.get("y"), "y") * h / 100
            rx, ry = real(self.value.get("radiusX"), "radiusX") * w / 100, real(self.value.get("radiusY"), "radiusY") * h / 100
            angle = math.radians(self.rotation()) if math.isfinite(self.rotation()) else math.nan
            half_w = math.hypot(rx * math.cos(angle), ry * math.sin(angle))
            half_h = math.hypot(rx * math.sin(angle), ry * math.cos(angle))
            return x - half_w, y - half_h, x + half_w, y + half_h
        if self.kind == "polygon" or self.value.get("rotation"):
            flat = self.flat()
            if flat:
                return envelope(flat)
        x, y, width, height = self.box_before_turning()
        return x, y, x + width, y + height


def works_of(task: Any) -> Iterator[tuple[str, Any]]:
    """Yield the lists of people's work of a task and their elements."""
    for key in LISTS:
        works = task.get(key) if isinstance(task, dict) else None
        for work in works if isinstance(works, list) else ():
            yield key, work


def is_cancelled(work: Any) -> bool:
    """Say whether somebody skipped the task."""
    return not isinstance(work, dict) or work.get("was_cancelled") is True or work.get("skipped") is True


def results_of(work: Any) -> list[Any]:
    """Return the results of one annotation."""
    result = work.get("result") if isinstance(work, dict) else None
    return result if isinstance(result, list) else []


def region_of(result: Any, labels_by_id: Mapping[str, list[str]]) -> Region | str | None:
    """Return the region of a result; what it is called when it bounds no box; None when it is about something else.

    Args:
        result: to look at.
        labels_by_id: labels that are given beside a region that has none itself.

    Raises:
        ValueError: in words: it cannot be read.
    """
    if not isinstance(result, dict):
        raise ValueError("the result is not an object")
    kind = result.get("type")
    if not isinstance(kind, str):
        raise ValueError("type is missing")
    if kind in NO_AREA:
        return NO_AREA[kind]
    drawn = _DRAWN_AS.get(kind)
    value = result.get("value")
    if drawn is None and not (kind == "labels" and isinstance(value, dict) and "width" in value):
        return None
    if not isinstance(value, dict):
        raise ValueError("value is missing")
    labels = value.get(DRAWN[drawn] if drawn else "labels")
    own = str(result.get("id"))
    found = [n for n in labels if isinstance(n, str)] if isinstance(labels, list) else labels_by_id.get(own, [])
    width, height = reals_of(result, ("original_width", "original_height"))
    return Region(drawn or "rectangle", value, found, (width, height))


def labels_beside(results: Sequence[Any]) -> dict[str, list[str]]:
    """Return the labels by id of region, for regions that are drawn without and named by another control."""
    found: dict[str, list[str]] = {}
    for result in results:
        if isinstance(result, dict) and isinstance(result.get("value"), dict) and result.get("type") in ("labels", "choices"):
            names = result["value"].get(result["type"])
            if isinstance(names, list):
                found.setdefault(str(result.get("id")), [n for n in names if isinstance(n, str)])
    return found


def image_text(task: Any) -> tuple[str, str]:
    """Return the key and text of the data of a task that name its image; empty texts when none does."""
    values = task.get("data") if isinstance(task, dict) else None
    texts = {k: v for k, v in values.items() if isinstance(v, str)} if isinstance(values, dict) else {}
    for key in ("image", "img", "image_url", "url"):
        if key in texts:
            return key, texts[key]
    return next(((k, v) for k, v in texts.items() if is_image(path_of(v))), next(iter(texts.items()), ("", "")))


def path_of(text: str) -> str:
    """Return the path that a text of a task leads to: of local files, uploads, stores and addresses."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if parts.path.endswith("/local-files/") or parts.path.endswith("/local-files"):
        wanted = parse_qs(parts.query).get("d")
        if wanted:
            return wanted[0].lstrip("/")
    if len(parts.scheme) > 1 or text.startswith("/data/"):
        return unquote(parts.path).lstrip("/")
    return text


def without_prefix(path: str) -> str:
    """Return a path whose name lacks the eight digits that an upload puts before it."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + _UPLOADED.sub("", name, count=1)

"""Read one CVAT XML file without building a tree: its task, its images, and the shapes on images and along tracks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import msgspec

from dsinspect.tables.schema import NO_POSITION
from dsinspect_formats._gathering import Gathered
from dsinspect_formats._values import NAN_BOX, real_text
from dsinspect_formats.cvat._between import Between
from dsinspect_formats.cvat._shapes import SHAPES, NoBoxError, Shape

LARGEST_VIDEO = 1_000_000
"""Frames of a task that are listed as its images; of a longer one those with an annotation."""
FIELDS = ("occluded", "z_order", "source")
_STEP = re.compile(r"\s*step\s*=\s*(\d{1,9})\s*")


@dataclass
class Task:
    """What the `<meta>` of a file says of a task: its number and name, and the frames and size of its video."""

    number: str = ""
    name: str = ""
    is_video: bool = False
    texts: dict[str, str] = field(default_factory=dict)

    def frames(self) -> range:
        """Return the frames that belong to the task; none when it does not say."""
        try:
            start, stop = int(self.texts["start_frame"]), int(self.texts["stop_frame"])
        except (KeyError, ValueError):
            return range(0)
        step = _STEP.fullmatch(self.texts.get("frame_filter", ""))
        return range(start, stop + 1, max(1, int(step[1])) if step else 1) if 0 <= start <= stop else range(0)

    def size_wh(self) -> tuple[float, float]:
        """Return the size of the video's frames, px; NaN where it is not said."""
        try:
            return float(self.texts["width"]), float(self.texts["height"])
        except (KeyError, ValueError):
            return NAN_BOX[:2]


@dataclass(slots=True)
class _Record:
    """A shape with its place."""

    shape: Shape | None
    label: str | None
    attributes: Mapping[str, str]
    line: int
    index: int
    own: dict[str, str] = field(default_factory=dict)
    points: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass
class _Track:
    """A track while it is read."""

    attributes: Mapping[str, str]
    records: list[tuple[int, bool, _Record]] = field(default_factory=list)
    points: dict[int, list[tuple[float, float, float]]] = field(default_factory=dict)


class CvatFile:
    """What one file holds; `gathered` gets its images and objects.

    Attributes:
        labels: declared names, in order, without those of the points of skeletons.
        has_labels: whether the file declares labels at all.
        left_out: what bounds no area, and how many.
        tags: labels of image tags, and how many.
        interpolated: boxes between the key frames of tracks.
        sources: file of each object, as `gathered` has them.
    """

    def __init__(self, gathered: Gathered, source: str, split: str | None) -> None:
        self.gathered, self.source, self.split = gathered, source, split
        self.labels: list[str] = []
        self.has_labels = False
        self.left_out: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.interpolated = 0
        self.error: tuple[int, str] | None = None
        self.is_cvat = False
        self._count = self._images = 0
        self._tasks: list[Task] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._label: dict[str, str] = {}
        self._image = NO_POSITION
        self._image_path = ""
        self._image_wh = NAN_BOX[:2]
        self._record: _Record | None = None
        self._attribute = ""
        self._tracks: list[_Track] = []
        self._open_tracks: list[_Track] = []
        self._lists_all_frames = False

    def read(self, content: bytes, encoding: str | None = None) -> None:
        """Read a file; what comes before a fault is kept.

        Args:
            content: of the file.
            encoding: what it is in, whatever it says itself.
        """
        parser = self._parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text.append
        parser.EntityDeclHandler = _refuse_entity  # none is ever expanded, and nothing outside is fetched
        try:
            parser.Parse(content, True)
        except expat.ExpatError as e:
            self.error = (e.lineno, f"not well-formed XML: {expat.ErrorString(e.code)}" if content.strip() else "the file is empty")
        except ValueError as e:
            self.error = (parser.CurrentLineNumber, str(e))
        except LookupError:  # an encoding nobody knows
            self.error = (1, "the encoding it declares is not known")
        self._follow_tracks()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        path = self._path
        path.append(tag)
        depth = len(path)
        if self._text:
            self._text.clear()
        if depth == 1:
            self.is_cvat = tag == "annotations"
        elif tag in SHAPES and depth in (3, 4) and (self._image != NO_POSITION or self._open_tracks):
            self._open_shape(tag, attributes, depth)
        elif tag == "attribute" and self._record is not None:
            self._attribute = attributes.get("name", "")
        elif depth == 2 and tag == "image":
            self._open_image(attributes)
        elif tag == "track" and (depth == 2 or (depth == 3 and self._open_tracks)):
            self._open_tracks.append(_Track(attributes))
        elif tag == "tag" and self._image != NO_POSITION:
            self.left_out["image tags"] += 1
            self.tags[attributes.get("label", "")] += 1
        elif tag in ("task", "job") and path[1] == "meta":
            self._tasks.append(Task())
        elif tag == "label" and path[1] == "meta":
            self._label = {}

    def _end(self, tag: str) -> None:
        path = self._path
        if path[1:2] == ["meta"]:
            self._meta(tag, "".join(self._text).strip())
        elif tag == "attribute":
            if self._record is not None:
                self._record.own[self._attribute] = "".join(self._text).strip()
        elif tag in SHAPES:
            if self._record is not None and len(path) == 3:
                self._close_shape(self._record)
                self._record = None
        elif tag == "image" and len(path) == 2:
            self._image = NO_POSITION
        elif tag == "track" and len(path) == len(self._open_tracks) + 1:
            track = self._open_tracks.pop()
            if not self._open_tracks:
                self._tracks.append(track)
        if self._text:
            self._text.clear()
        path.pop()

    def _meta(self, tag: str, text: str) -> None:
        path = self._path
        parent = path[-2]
        if parent == "label" and tag in ("name", "parent"):
            self._label[tag] = text
        elif tag == "label":
            self.has_labels = True
            if "parent" not in self._label and self._label.get("name", "") not in self.labels:
                self.labels.append(self._label.get("name", ""))
        elif not self._tasks:
            return
        elif parent in ("task", "job"):
            task = self._tasks[-1]
            if tag == "id":
                task.number = text
            elif tag == "name":
                task.name = text
            elif tag == "mode":
                task.is_video = text == "interpolation"
            elif tag in ("start_frame", "stop_frame", "frame_filter"):
                task.texts[tag] = text
        elif parent == "original_size":
            self._tasks[-1].texts[tag] = text

    def _open_image(self, attributes: Mapping[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        index = self._images
        self._images += 1
        self._image_path = attributes.get("name", "")
        sides = []
        for side in ("width", "height"):
            try:
                sides.append(real_text(attributes[side], side) if attributes.get(side) else NAN_BOX[0])
            except ValueError as e:
                self.gathered.faulty(self.source, str(e), attributes[side], line, index, self._image_path, self.split)
                sides.append(NAN_BOX[0])
        self._image_wh = (sides[0], sides[1])
        if not self._image_path:
            self.gathered.faulty(self.source, "<image> has no name", "", line, index, split=self.split)
        self._image = self.gathered.add_image(
            self._image_path, self.source, *self._image_wh, split=split_named(attributes.get("subset")) or self.split,
            line=line, index=index)

    def _open_shape(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        line = self._parser.CurrentLineNumber
        if depth == 4:
            if self._path[2] == "skeleton" and self._record is not None:
                self._skeleton_points(self._record.points, attributes, line)
            if self._path[2] != "track":
                return
            # the points of a skeleton, each along a track of its own
            try:
                frame = _frame(attributes)
            except ValueError:
                return
            self._skeleton_points(self._open_tracks[0].points.setdefault(frame, []), attributes, line)
            return
        index = self._count
        self._count += 1
        label = self._open_tracks[-1].attributes.get("label") if self._open_tracks else attributes.get("label")
        self._record = _Record(None, label, attributes, line, index)
        try:
            if label is None:
                raise ValueError("the label is missing")
            self._record.shape = Shape.of(tag, attributes)
        except ValueError as e:
            self.gathered.faulty(self.source, f"<{tag}>: {e}", label or "", line, index, self._image_path or None, self.split)

    def _skeleton_points(self, points: list[tuple[float, float, float]], attributes: Mapping[str, str], line: int) -> None:
        try:
            x, y = Shape.of("points", attributes).numbers[:2]
        except ValueError as e:
            self.gathered.faulty(self.source, f"point of a skeleton: {e}", attributes.get("points", ""), line, split=self.split)
            return
        outside = attributes.get("outside") == "1"
        points.append((x, y, 0.0 if outside else 1.0 if attributes.get("occluded") == "1" else 2.0))

    def _close_shape(self, record: _Record) -> None:
        if not self._open_tracks:
            if record.shape is not None:
                self._add(self._image, self._image_wh, record, record.shape, None, None)
            return
        try:
            frame = _frame(record.attributes)
        except ValueError as e:
            self.gathered.faulty(self.source, f"<{self._path[-1]}> of a track: {e}", "", record.line, record.index,
                                 split=self.split)
            return
        self._lists_all_frames |= record.attributes.get("keyframe") == "0"
        self._open_tracks[-1].records.append((frame, record.attributes.get("outside") == "1", record))

    def _add(self, row: int, size_wh: tuple[float, float], record: _Record, shape: Shape, track: str | None,
             group: str | None, *, is_drawn: bool = True) -> None:
        gathered, a = self.gathered, record.attributes
        if record.points and shape.tag == "skeleton":
            seen = [v for p in record.points if p[2] for v in p[:2]]
            shape = Shape("skeleton", seen)
        index = record.index if is_drawn else NO_POSITION
        try:
            box = shape.box()
        except NoBoxError as e:
            self.left_out[str(e)] += 1
            gathered.shapeless.add(row)
            return
        extra: dict[str, Any] = {}
        if gathered.columns:
            extra = {f"cvat:{name}": a.get(name) for name in FIELDS}
            extra |= {"cvat:shape": shape.tag, "cvat:group": group or a.get("group_id"), "track": track,
                      "attributes": msgspec.json.encode(record.own) if record.own else None}
            if "keypoints" in gathered.columns and shape.tag in ("points", "skeleton"):
                extra["keypoints"] = _keypoints(shape, record)
            if "segmentation" in gathered.columns:
                try:
                    extra["segmentation"] = shape.segmentation(size_wh)
                except ValueError as e:
                    gathered.faulty(self.source, f"<mask>: {e}", "", record.line, record.index, split=self.split)
        gathered.add(row, record.label, box, index, record.line, corners=shape.corners() if gathered.wants_corners else None,
                     extra=extra)

    def _follow_tracks(self) -> None:
        """Make images of the frames of videos, and objects of tracks, those between key frames included."""
        tasks = [t for t in self._tasks if t.is_video] or ([self._tasks[0]] if self._tracks and self._tasks else [])
        if not tasks and not self._tracks:
            return
        tasks = tasks or [Task()]
        by_number = {t.number: t for t in tasks}
        of_task: dict[int, list[tuple[_Track, list[tuple[int, _Record, Shape, bool]]]]] = {id(t): [] for t in tasks}
        for track in self._tracks:
            task = by_number.get(track.attributes.get("task_id", ""), tasks[0])
            of_task[id(task)].append((track, list(self._seen(track, task))))
        for task in tasks:
            frames = task.frames()
            used = {frame for _, seen in of_task[id(task)] for frame, *_ in seen}
            if len(frames) > LARGEST_VIDEO:
                self.gathered.faulty(self.source, f"a video of {len(frames):,} frames: only those with an annotation are listed "
                                     f"(limit {LARGEST_VIDEO:,})", split=self.split)
                frames = range(0)
            elif not frames and self._images:
                frames = range(0)
            folder = f"task_{task.number}/" if len(tasks) > 1 else ""
            rows = {f: self.gathered.add_image(f"{folder}frame_{f:06d}.PNG", self.source, *task.size_wh(),
                                               split=self.split, lookup=f"{folder}frame_{f:06d}.PNG")
                    for f in sorted({*frames, *used})}
            for track, seen in of_task[id(task)]:
                number, group = track.attributes.get("id"), track.attributes.get("group_id")
                for frame, record, shape, is_drawn in seen:
                    self._add(rows[frame], task.size_wh(), record, shape, number, group, is_drawn=is_drawn)
                    self.interpolated += not is_drawn

    def _seen(self, track: _Track, task: Task) -> Iterator[tuple[int, _Record, Shape, bool]]:
        """Yield the frames in which a track is seen: frame, record, shape, and whether the file draws it there."""
        records = sorted(track.records, key=lambda r: r[0])
        frames = task.frames()
        step = frames.step if frames else 1
        own: dict[str, str] = {}
        for k, (frame, outside, record) in enumerate(records):
            own = record.own = {**own, **record.own}  # what a key frame does not say is as before
            if outside or record.shape is None:
                continue
            record.points = track.points.get(frame, record.points)
            yield frame, record, record.shape, True
            if self._lists_all_frames:
                continue  # CVAT lists each frame of a track, but those where it is outside, and deleted ones
            if k + 1 == len(records):
                yield from ((f, record, record.shape, False) for f in frames if f > frame)
                continue
            after, _, other = records[k + 1]
            if other.shape is None or (after - frame) // step > LARGEST_VIDEO:
                continue
            way = Between(record.shape, other.shape)
            for f in range(frame + step, after, step):
                if not frames or f in frames:
                    yield f, record, way.at((f - frame) / (after - frame)), False


def _keypoints(shape: Shape, record: _Record) -> bytes | None:
    flat = [v for p in record.points for v in (p if p[2] else (0.0, 0.0, 0.0))]
    if not flat:
        visible = 1.0 if record.attributes.get("occluded") == "1" else 2.0
        flat = [v for x, y in zip(shape.numbers[::2], shape.numbers[1::2], strict=True) for v in (x, y, visible)]
    return msgspec.json.encode(flat)


def _frame(attributes: Mapping[str, str]) -> int:
    text = attributes.get("frame", "")
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError(f"frame {text[:60]!r} is not a whole number")
    return int(text)


def split_named(subset: str | None) -> str | None:
    """Return a subset's name as a split; CVAT's `default` is none."""
    name = (subset or "").strip()
    return None if not name or name.lower() == "default" else {"validation": "val", "valid": "val"}.get(name.lower(), name)


def _refuse_entity(*_: Any) -> None:
    raise ValueError("declares entities of its own, which are never expanded")

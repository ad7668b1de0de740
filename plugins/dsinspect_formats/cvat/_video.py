"""Write CVAT XML 1.1 for video: a track per object, a shape in each frame that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import quoteattr

import numpy as np

from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._writing import Losses, field_of, number, sizes_wh, slices_of, write_file
from dsinspect_formats.cvat.writer import KEPT, Shapes, head_of_file, labels_of

ANOTHER_KIND = "annotations of another class or kind of shape than their track's (CVAT starts another track)"
REPEATED = "annotations without an attribute that their track had before (CVAT repeats it)"


class Frames:
    """Gives each image the number of a frame, from 0, in the order they are asked for: a CVAT video names none."""

    def __init__(self) -> None:
        self._frames: dict[str, int] = {}

    def place(self, path: str) -> str:
        """Return `images/frame_NUMBER.suffix`; the same image has the same place whenever it is asked for."""
        frame = self._frames.setdefault(path, len(self._frames))
        return f"images/frame_{frame:06}{PurePosixPath(path).suffix or '.jpg'}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `annotations.xml`; see `Format.write`.

    Each shape is a key frame, so that nothing is drawn between two of them; after the last frame in a row that shows the
    object it is `outside`. CVAT's import takes neither a track of masks (the boxes stay) nor a class or a kind of shape that
    changes within a track: that makes two tracks of one number.

    Raises:
        UserError: the file cannot be written.
    """
    in_order = [c.category_id for c in info.categories] == list(range(len(info.categories)))
    losses = Losses(info, (*KEPT, "track", *(("category_ids",) if in_order else ())))
    labels = labels_of(info)
    tracks: dict[tuple[int, str, str, int], _Track] = {}
    first_of: dict[int, tuple[str, str]] = {}
    numbers = _Numbers(losses)
    size: tuple[float, float] | None = None
    last = -1
    for shard in shards:
        annotations = losses.take(shard)
        shapes = Shapes(annotations, shard, losses, labels, masks=False)
        track_of = field_of(annotations, "track")
        images = shard.images
        losses.add("names of images (a video has frames)", len(images))
        losses.add("splits of images (a video has none)", images["split"].notna().to_numpy())
        for path, own, (start, end) in zip(images["path"].tolist(), sizes_wh(images).tolist(),
                                           slices_of(annotations, len(images)), strict=True):
            frame = int(PurePosixPath(path).stem.rpartition("_")[2])
            last = max(last, frame)
            size = size or (own[0], own[1])
            losses.add("sizes of images that differ from the first one's", not np.array_equal(size, own, equal_nan=True))
            for k in range(start, end):
                label = shapes.label(k)
                number_of = numbers.of(None if track_of is None else track_of[k])
                shape = shapes.element(k, label, f'frame="{frame}" keyframe="1" outside="0"')
                kind = label, shape.split(None, 1)[0]
                losses.add(ANOTHER_KIND, first_of.setdefault(number_of, kind) != kind)
                again = 0  # a track that is twice in a frame is two of one number
                while (found := tracks.get((number_of, *kind, again))) is not None and frame in found.shapes:
                    again += 1
                track = tracks.setdefault((number_of, *kind, again), _Track(label, shapes.source(k), shapes.group(k)))
                track.shapes[frame] = shape
                said = {name for name, _ in shapes.attributes(k)}
                losses.add(REPEATED, bool(track.said - said))
                track.said |= said
    sides = [f"<{side}>{number(v)}</{side}>" for side, v in zip(("width", "height"), size or (), strict=False) if np.isfinite(v)]
    head = head_of_file(labels, last + 1, ("<mode>interpolation</mode>", "<start_frame>0</start_frame>",
                                           f"<stop_frame>{max(last, 0)}</stop_frame>"),
                        ("<original_size>", *(f"  {s}" for s in sides), "</original_size>"), mutable=True)
    body = "".join(track.text(number_of, last) for (number_of, *_), track in tracks.items())
    write_file(out / "annotations.xml", f"{head}{body}</annotations>\n".encode("utf-8", "replace"))
    return losses.result()


class _Track:
    """A track while it is gathered: its shapes by frame, as text, and the names of their attributes."""

    def __init__(self, label: str, source: str, group: int | None) -> None:
        self.label, self.source, self.group = label, source, group
        self.shapes: dict[int, str] = {}
        self.said: set[str] = set()

    def text(self, number_of: int, last: int) -> str:
        """Return the element."""
        group = f' group_id="{self.group}"' if self.group else ""
        lines = [f'  <track id="{number_of}" label={quoteattr(self.label)} source={self.source}{group}>\n']
        for frame in sorted(self.shapes):
            lines.append(self.shapes[frame])
            if frame < last and frame + 1 not in self.shapes:
                lines.append(self.shapes[frame].replace(f'frame="{frame}" keyframe="1" outside="0"',
                                                        f'frame="{frame + 1}" keyframe="1" outside="1"', 1))
        return "".join([*lines, "  </track>\n"])


class _Numbers:
    """Numbers of tracks: their own where they are whole numbers, else the next free ones."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._numbers: dict[str, int] = {}
        self._taken: set[int] = set()

    def of(self, track: str | None) -> int:
        """Return the number of a track; without one an annotation becomes a track of its own."""
        if track is None:
            self._losses.add("annotations of no track (each becomes one of its own)", 1)
            return self._new(None)
        name = str(track)
        if name not in self._numbers:
            own = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else -1
            self._losses.add("track ids that are no number (the tracks stay)", str(own) != name or own in self._taken)
            self._numbers[name] = self._new(own if str(own) == name else None)
        return self._numbers[name]

    def _new(self, own: int | None) -> int:
        found = max(self._taken, default=-1) + 1 if own is None or own in self._taken else own
        self._taken.add(found)
        return found

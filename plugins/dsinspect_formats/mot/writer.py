"""Write MOT Challenge: a folder per sequence with `gt/gt.txt`, the classes and `seqinfo.ini`; frames count from 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from dsinspect.io.containment import SECOND_RECORDS, name_of
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._growing import growing
from dsinspect_formats._reading import split_of
from dsinspect_formats._writing import Losses, attributes_of, count_attributes, field_of, number, sizes_wh, slices_of, write_file

_NO_SEQUENCE = ("img1", "images", "jpegimages", "image_2")


class Frames:
    """Gives each image a sequence and a number: the digits of its name where these are free, else the next ones."""

    def __init__(self) -> None:
        self._taken: dict[str, set[int]] = {}
        self._frames: dict[tuple[str, str], int] = {}

    def place(self, path: str, split: str | None) -> str:
        """Return `SPLIT/SEQUENCE/img1/NUMBER.suffix`; the same image has the same place whenever it is asked for."""
        image = PurePosixPath(path)
        folders = [p for p in image.parent.parts if p.lower() not in _NO_SEQUENCE and split_of(f"{p}/x") is None
                   and p not in ("..", ".", "/")]
        folder = f"{'' if split is None else name_of(split) + '/'}{name_of(folders[-1]) if folders else 'sequence'}/img1"
        frame = self._frames.get((folder, path))
        if frame is None:
            taken = self._taken.setdefault(folder, set())
            stem = image.stem
            frame = int(stem) if stem.isascii() and stem.isdigit() and len(stem) < 8 else 0
            if frame < 1 or frame in taken:
                frame = max(taken, default=0) + 1
            taken.add(frame)
            self._frames[folder, path] = frame
        return f"{folder}/{frame:06}{image.suffix or '.jpg'}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write the sequences; see `Format.write`. Px count from 1; numbers are in the shortest digits that read back the same.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("ignored", "track", "attributes", "unused"), stripped=False)
    classes: dict[str, int] = {c.name: k for k, c in enumerate({c.name: c for c in info.categories}.values(), 1)}
    tracks: dict[str, dict[str, int]] = {}
    sequences: dict[str, tuple[int, str, set[tuple[float, float]]]] = {}
    seen: set[str] = set()
    with growing(out) as files:
        for shard in shards:
            annotations = losses.take(shard)
            said = attributes_of(annotations)
            count_attributes(losses, said, ("visibility",))
            track_of = field_of(annotations, "track")
            boxes = boxes_xyxy(annotations).reshape(-1, 4).tolist()
            names, ignored = annotations["category"].tolist(), annotations["is_ignored"].tolist()
            images = shard.images
            for path, split, size, (start, end) in zip(
                    images["path"].tolist(), images["split"].tolist(), sizes_wh(images).tolist(),
                    slices_of(annotations, len(images)), strict=True):
                losses.add(SECOND_RECORDS, path in seen)
                seen.add(path)
                image = PurePosixPath(path)
                folder, frame = str(image.parent.parent), int(image.stem)
                longest, suffix, sizes = sequences.setdefault(folder, (0, image.suffix, set()))
                sizes.add((size[0], size[1]))
                sequences[folder] = (max(longest, frame), suffix, sizes)
                lines = []
                for k in range(start, end):
                    x, y, right, bottom = boxes[k]
                    track = None if track_of is None else track_of[k]
                    visibility = said[k].get("visibility", 1)
                    values = (frame, _track(track, tracks.setdefault(folder, {}), losses), x + 1, y + 1, right - x, bottom - y,
                              int(not ignored[k]), classes.setdefault(names[k], len(classes) + 1),
                              visibility if isinstance(visibility, (int, float)) else 1)
                    lines.append(",".join(number(float(v)) for v in values) + "\n")
                files.add(f"{folder}/gt/gt.txt", "".join(lines).encode())
                losses.add("images in splits that readers of folders do not know", split is not None and split_of(path) != split)
    labels = "".join(f"{' '.join(n.split())}\n" for n in classes).encode(errors="replace")
    losses.add("line ends and spaces of class names", sum(n != " ".join(n.split()) for n in classes))
    for folder, (longest, suffix, sizes) in sequences.items():
        write_file(out / folder / "gt" / "labels.txt", labels)
        known = next(iter(sizes)) if len(sizes) == 1 else (float("nan"),) * 2
        sides = "".join(f"{k}={number(v)}\n" for k, v in (("imWidth", known[0]), ("imHeight", known[1])) if v == v)
        write_file(out / folder / "seqinfo.ini", f"[Sequence]\nname={PurePosixPath(folder).name}\nimDir=img1\n"
                                                 f"seqLength={longest}\n{sides}imExt={suffix}\n".encode())
    return losses.result()


def _track(track: str | None, numbers: dict[str, int], losses: Losses) -> int:
    if track is None:
        return -1
    text = str(track)
    if text.isascii() and text.isdigit() and len(text) < 16 and numbers.get(text, int(text)) == int(text) and (
            int(text) not in numbers.values() or text in numbers):
        return numbers.setdefault(text, int(text))
    if text not in numbers:
        losses.add("track ids that are no number (the tracks stay)", 1)
    return numbers.setdefault(text, max(numbers.values(), default=0) + 1)

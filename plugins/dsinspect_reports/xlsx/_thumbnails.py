"""Images of findings in their cells: the place with its surroundings, the box drawn, all places of a pair or group side by side.

They are in the file itself: a workbook that is mailed still shows them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor

from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.io.image_codec import why_no_opencv
from dsinspect.render.side_by_side import side_by_side
from dsinspect_reports._places import Places

if TYPE_CHECKING:
    from dsinspect.protocols.run import Outcome, Run
    from dsinspect.render.shapes import Shape

ROOM_PX = (206, 136)
"""Largest image, px: the cell at 96 dpi, less a little."""
ROW_HEIGHT = 106.0
"""Of rows with an image, points."""
EMU = 9525
"""English Metric Units in a px at 96 dpi."""
CHUNK = 16
"""Findings that a worker makes the images of at a time."""
OVERHEAD = 700
"""Bytes that an image costs beside its file: its place in the sheet and its entry in the archive."""


class Thumbnail(Image):
    """A JPEG as openpyxl writes images, made without Pillow."""

    def __init__(self, content: bytes, size_wh: tuple[int, int], row: int, column: int) -> None:
        self.content = content
        self.format = "jpeg"
        self.width, self.height = size_wh
        inside = 2 * EMU
        self.anchor = TwoCellAnchor(editAs="twoCell")  # in its row, wherever that is sorted to
        self.anchor._from = AnchorMarker(col=column - 1, row=row - 1, colOff=inside, rowOff=inside)
        self.anchor.to = AnchorMarker(col=column - 1, row=row - 1, colOff=inside + self.width * EMU,
                                      rowOff=inside + self.height * EMU)

    def _data(self) -> bytes:
        return self.content


@dataclass
class Thumbnails:
    """Images of findings.

    Attributes:
        by_row: row in the table of findings, from 0, to a JPEG and its width and height, px.
        left_out: findings about an image that got none, for want of room or by their rank in their check.
        unseen: findings about an image that is missing or cannot be read, among those that had room.
        about_none: findings about no image.
    """

    by_row: dict[int, tuple[bytes, tuple[int, int]]] = field(default_factory=dict)
    left_out: int = 0
    unseen: int = 0
    about_none: int = 0


@dataclass(frozen=True)
class _Job:
    """The images of one finding: records of images on disk, each with what to mark and what to draw thin."""

    row: int
    shown: tuple[tuple[Mapping[str, Any], tuple[Shape, ...], tuple[Shape, ...]], ...]
    about_image: bool


def make_thumbnails(run: Run, found: Sequence[Outcome], each: int, max_bytes: float) -> Thumbnails:
    """Make the images of the first findings of every check.

    Args:
        run: with images, and with annotations where the other box of a pair is to be drawn.
        found: checks with findings, in the order of the table.
        each: findings of one check that get an image, at most.
        max_bytes: of all of them together; the first of every check come first.
    """
    made = Thumbnails()
    if not has_thumbnails(run, each):
        return made
    places = Places(run)
    jobs = list(_jobs(places, found, each))
    ranked = [job for _, job in sorted(jobs, key=lambda j: (j[0], j[1].row)) if job.shown]
    room = max_bytes
    made.unseen = sum(job.about_image and not job.shown for _, job in jobs)
    for row, drawn in _results(ranked):
        if drawn is None:
            made.unseen += 1
            continue
        room -= len(drawn[0]) + OVERHEAD
        if room < 0:
            break
        made.by_row[row] = drawn
    later = sum(sum(i is None for i in o.findings.columns["image"][each:].tolist()) for o in found)
    made.about_none = later + sum(not job.about_image and not job.shown for _, job in jobs)
    made.left_out = sum(len(o.findings) for o in found) - len(made.by_row) - made.unseen - made.about_none
    return made


def has_thumbnails(run: Run, each: int) -> bool:
    """Say whether findings can get images at all."""
    return bool(each) and run.image_columns is not None and len(run.image_columns) > 0 and run.info.has_files


def _jobs(places: Places, found: Sequence[Outcome], each: int) -> Iterator[tuple[int, _Job]]:
    """Yield the rank of a finding within its check, and what to draw."""
    start = 0
    for outcome in found:
        for rank, finding in enumerate(outcome.first(each)):
            shown = tuple((places.record(p.image), p.marks, p.around) for p in places.of(finding))
            shown = tuple((_needed(image), marks, around) for image, marks, around in shown if image["file"])
            yield rank, _Job(start + rank, shown, finding.image is not None)
        start += len(outcome.findings)


def _needed(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a worker needs of an image."""
    names = ("file", "width", "height", "orientation", "boxes_upright", "frame_width", "frame_height")
    return {name: image[name] for name in names if name in image}


def _results(jobs: Sequence[_Job]) -> Iterator[tuple[int, tuple[bytes, tuple[int, int]] | None]]:
    """Yield the row of each finding, and JPEG and size if it can be drawn, in the order of the jobs, whatever the workers.

    Threads do: decoding, resizing and encoding let go of the interpreter lock.
    """
    if jobs and why_no_opencv() is not None:  # the run has said so; a report without images is better than none
        yield from ((job.row, None) for job in jobs)
        return
    chunks = [jobs[k:k + CHUNK] for k in range(0, len(jobs), CHUNK)]
    with quiet_decoders(), ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        try:
            for results in pool.map(_draw, chunks):
                yield from results
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw(jobs: Sequence[_Job]) -> list[tuple[int, tuple[bytes, tuple[int, int]] | None]]:
    """Return the row of each of some findings, and JPEG and size; None where the image cannot be read."""
    return [(job.row, side_by_side(job.shown, *ROOM_PX)) for job in jobs]


def add_thumbnails(sheet: Any, column: int, made: Mapping[int, tuple[bytes, tuple[int, int]]], first: int, last: int) -> None:
    """Put images into their cells.

    Args:
        sheet: of findings.
        column: of the images, from 1.
        made: by row of the table, from 0.
        first: row of the table that comes first on the sheet.
        last: row after the last.
    """
    for row, (content, size_wh) in sorted(made.items()):
        if first <= row < last:
            sheet.add_image(Thumbnail(content, size_wh, row - first + 2, column))

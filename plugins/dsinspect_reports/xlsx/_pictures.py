"""Crops of findings in the sheet Findings, each in a cell of its row, which it follows when rows are sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor

from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.io.image_codec import decode, start_opencv
from dsinspect.render.thumbnails import thumbnail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsinspect.protocols.run import Run

HEADER = "Picture"
ROW_HEIGHT = 78.0
"""Of rows with a picture, points."""
WIDTH = 21.0
"""Of the column, characters."""
ROOM_PX = (144, 98)
"""Largest thumbnail, px: the cell at 96 dpi, less a little."""
EMU = 9525
"""English Metric Units in a px at 96 dpi."""


class Thumbnail(Image):
    """A JPEG as openpyxl writes images, made without Pillow."""

    def __init__(self, content: bytes, row: int, column: int) -> None:
        self.content = content
        self.format = "jpeg"
        inside = 2 * EMU
        self.anchor = TwoCellAnchor(editAs="twoCell")
        height, width = decode(content).shape[:2]
        self.width, self.height = width, height
        self.anchor._from = AnchorMarker(col=column - 1, row=row - 1, colOff=inside, rowOff=inside)
        self.anchor.to = AnchorMarker(col=column - 1, row=row - 1, colOff=inside + self.width * EMU,
                                      rowOff=inside + self.height * EMU)

    def _data(self) -> bytes:
        return self.content


def thumbnails(run: Run, count: int) -> dict[int, bytes]:
    """Return thumbnails of findings by row of the sheet: of every check the first ones, `count` in all."""
    if run.images is None or not count or not run.info.has_files:
        return {}
    start_opencv()
    with quiet_decoders():
        return _made(run, count)


def _made(run: Run, count: int) -> dict[int, bytes]:
    assert run.images is not None
    by_path = {p: k for k, p in reversed(list(enumerate(run.images["path"].tolist())))}
    places: list[tuple[int, int, str, Any]] = []  # (rank within its check, row, image, box)
    row = 2
    for outcome in run.outcomes:
        for rank, finding in enumerate(outcome.first(count)):
            if finding.image is not None and finding.image in by_path:
                places.append((rank, row + rank, finding.image, finding.bbox_xyxy))
        row += len(outcome.findings)
    made: dict[int, bytes] = {}
    for _, at, image, box in sorted(places, key=lambda p: p[:2]):
        if len(made) >= count:
            break
        record: dict[str, Any] = run.images.iloc[by_path[image]].to_dict()
        content = thumbnail(record, box, *ROOM_PX) if record["file"] else None
        if content is not None:
            made[at] = content
    return made


def add_pictures(sheet: Any, headers: Sequence[str], made: dict[int, bytes]) -> None:
    """Put thumbnails into their cells."""
    column = list(headers).index(HEADER) + 1
    for row, content in sorted(made.items()):
        sheet.add_image(Thumbnail(content, row, column))

"""EXIF orientations, 1 to 8: as matrices, on pixels, and the one rule for the frame of boxes (EXIF 2.32, tag 0x0112)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rows of the matrix from stored to upright px: factors of x, y and what is added (a factor of width, one of height).
_UPRIGHT = {
    1: ((1, 0, 0, 0), (0, 1, 0, 0)),
    2: ((-1, 0, 1, 0), (0, 1, 0, 0)),
    3: ((-1, 0, 1, 0), (0, -1, 0, 1)),
    4: ((1, 0, 0, 0), (0, -1, 0, 1)),
    5: ((0, 1, 0, 0), (1, 0, 0, 0)),
    6: ((0, -1, 0, 1), (1, 0, 0, 0)),
    7: ((0, -1, 0, 1), (-1, 0, 1, 0)),
    8: ((0, 1, 0, 0), (-1, 0, 1, 0)),
}


def orientation_matrix(orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from stored to upright px of an image stored with `width` and `height` px."""
    return np.array([[a, b, c * width + d * height] for a, b, c, d in _UPRIGHT[orientation]], np.float64)


def turned_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels, (H, W) or (H, W, C), as they are meant to be seen."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    across = orientation in (2, 3, 6, 7)
    down = orientation in (3, 4, 7, 8)
    return np.ascontiguousarray(pixels[::-1 if down else 1, ::-1 if across else 1])


Frame = Literal["auto", "stored", "upright"]


class FrameVotes(NamedTuple):
    """How many images with a swapping orientation (5 to 8) show that their boxes are in the one frame, or the other."""

    stored: int = 0
    upright: int = 0

    def plus(self, other: FrameVotes) -> FrameVotes:
        """Return the sum of two."""
        return FrameVotes(self.stored + other.stored, self.upright + other.upright)


NO_VOTES = FrameVotes()


class FrameRule(NamedTuple):
    """The one rule that says whether boxes of an image with an EXIF orientation are in its stored or its upright frame.

    Fractions are of the upright image (Ultralytics turns it before it scales). Boxes in px are in the frame whose size the
    record declares. Where that does not decide (both frames have one size: orientations 2 to 4 and squares; no size declared),
    the images that show it decide for the set, and where none does it is the upright frame, which annotation tools show.

    Attributes:
        frame: `stored` or `upright` for all images, or `auto` for the rule.
        votes: of the images that show their frame.
    """

    frame: Frame = "auto"
    votes: FrameVotes = NO_VOTES

    def upright(self, images: Any, box_units: str) -> NDArray[np.bool_]:
        """Say for each image whether its boxes are in the upright frame; also where there is only one frame.

        Args:
            images: columns `width` and `height` (declared), and `file_width`, `file_height`, `orientation` where measured.
            box_units: `px` or `fraction`.
        """
        n = len(images)
        if "orientation" not in images or self.frame == "upright":
            return np.ones(n, bool)
        turned = np.asarray(images["orientation"]) > 1
        if self.frame == "stored":
            return ~turned
        if box_units != "px" or not turned.any():
            return np.ones(n, bool)
        stored, upright = declared_frames(images)
        decides_stored = self.votes.stored > self.votes.upright
        return ~turned | (upright & ~stored) | (~(stored ^ upright) & ~(decides_stored & self.cannot_tell(images)))

    def cannot_tell(self, images: Any) -> NDArray[np.bool_]:
        """Say for which images the declared size does not show the frame of their boxes."""
        if self.frame != "auto" or "orientation" not in images:
            return np.zeros(len(images), bool)
        stored, upright = declared_frames(images)
        undeclared = ~(np.asarray(images["width"]) > 0)
        return (np.asarray(images["orientation"]) > 1) & ((stored & upright) | undeclared)


BY_DECLARED_SIZE = FrameRule()
"""The rule where only an image's own record is known."""


def declared_frames(images: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say for each image whether the declared size is the stored one, and whether it is the upright one."""
    declared = np.stack([np.asarray(images["width"]), np.asarray(images["height"])])
    stored = np.stack([np.asarray(images["file_width"]), np.asarray(images["file_height"])])
    upright = np.where(np.asarray(images["orientation"]) >= 5, stored[::-1], stored)
    return (declared == stored).all(axis=0), (declared == upright).all(axis=0)


def frame_votes(images: Any, boxes_xyxy: NDArray[np.float64], image_row: NDArray[np.int64], box_units: str) -> FrameVotes:
    """Return the votes of the images with a swapping orientation: by boxes that fit one frame only, else by the declared size.

    Args:
        images: see `FrameRule.upright`.
        boxes_xyxy: (N, 4) px.
        image_row: (N,) row of each box's image, -1 for none.
        box_units: fractions show nothing.
    """
    if box_units != "px" or "orientation" not in images:
        return NO_VOTES
    stored_wh = np.stack([np.asarray(images["file_width"]), np.asarray(images["file_height"])]).T
    deciding = (np.asarray(images["orientation"]) >= 5) & (stored_wh[:, 0] != stored_wh[:, 1])
    if not deciding.any():
        return NO_VOTES
    in_stored, in_upright = (_fit(size, boxes_xyxy, image_row) for size in (stored_wh, stored_wh[:, ::-1]))
    says_stored, says_upright = declared_frames(images)
    stored = (in_stored & ~in_upright) | (~(in_stored ^ in_upright) & says_stored)
    upright = (in_upright & ~in_stored) | (~(in_stored ^ in_upright) & says_upright)
    return FrameVotes(int((deciding & stored).sum()), int((deciding & upright).sum()))


def _fit(size_wh: NDArray[np.float64], boxes: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    known = rows >= 0
    with np.errstate(invalid="ignore"):
        beyond = (boxes[known, 2:] > size_wh[rows[known]] + 0.5).any(axis=1)
    fits = np.ones(len(size_wh), bool)
    fits[rows[known][beyond]] = False
    return fits

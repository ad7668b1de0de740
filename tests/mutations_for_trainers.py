"""Mutations that a trainer answers with a loss, planted in every format: the TRN part of the catalogue for mutate.py."""

from __future__ import annotations

from mutate import FORMATS, Mutation, Planted, add_box
from read_only_sets import WRITERS as READ_ONLY

EVERY = (*FORMATS, *(n for n in READ_ONLY if n != "vocmask"))  # masks are neither beyond their image nor twice in one place
WIDTH = 160
"""Of the drawn pictures, px."""
UNSPLIT = ("labelbox", "openlabel", "vott")
"""Formats without splits: there the whole set has to be empty before a trainer stops."""


def image_left_out(p: Planted) -> None:
    """A box that reaches so far past its image that its width is above 1.01 as a fraction: the whole image goes."""
    p.trainer = "ultralytics@8.4"
    add_box(p, "TRN001", (-float(p.rng.integers(10, 40)), 2, WIDTH + float(p.rng.integers(10, 40)), 30))
    p.consequences |= {"BOX003"}


def box_left_out(p: Planted) -> None:
    """The same box twice: the second row is dropped."""
    p.trainer = "ultralytics@8.4"
    picture = p.pick()
    picture.boxes.append(picture.boxes[int(p.rng.integers(len(picture.boxes)))])
    p.due.append(("TRN002", picture.name))
    p.consequences |= {"BOX006"}


def box_changed(p: Planted) -> None:
    """A box that reaches past its image: it is cut there."""
    p.trainer = "yolox"
    add_box(p, "TRN003", (120, 2, WIDTH + float(p.rng.integers(3, 30)), 40))
    p.consequences |= {"BOX003"}


def stops(p: Planted) -> None:
    """No box in any image of a split: mmdetection leaves out all of its images and ends with nothing to concatenate."""
    p.trainer = "mmdet"
    for picture in p.pictures:
        if picture.split == "val" or p.format in UNSPLIT:
            picture.boxes = []
    p.due.append(("TRN004", None))
    p.consequences |= {"TRN001", "TRN003", "DST001", "SPL004", "SPL005", "CLS002"}


FOR_TRAINERS: dict[str, tuple[Mutation, tuple[str, ...]]] = {
    "TRN001": (image_left_out, EVERY), "TRN002": (box_left_out, EVERY), "TRN003": (box_changed, EVERY),
    "TRN004": (stops, (*EVERY, "vocmask"))}
"""Code to its mutation and the formats that can express it."""

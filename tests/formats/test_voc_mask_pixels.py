"""Pixels of VOC masks: a plain palette PNG is read as OpenCV reads it, and runs give what looking at each pixel gives."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsinspect_formats.vocmask._pixels import Pixels, _palette_pixels, pixels_of
from dsinspect_formats.vocmask.reader import _Runs


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    own = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", own)


def palette_png(numbers: np.ndarray[Any, Any], colours: Sequence[int], crc: int | None = None, filtered: bytes = b"\0") -> bytes:
    height, width = numbers.shape
    rows = zlib.compress(b"".join(filtered + row.tobytes() for row in numbers.astype(np.uint8)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
            + chunk(b"PLTE", b"".join(c.to_bytes(3, "big") for c in colours)) + chunk(b"IDAT", rows[:5]) +
            chunk(b"IDAT", rows[5:], crc) + chunk(b"IEND", b""))


def colours_of(pixels: Pixels) -> list[int]:
    found: list[int] = pixels.colours_at(np.arange(pixels.numbers.size)).tolist()
    return found


def by_opencv(content: bytes) -> list[int]:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).astype(np.int64)
    found: list[int] = (pixels[..., 2] << 16 | pixels[..., 1] << 8 | pixels[..., 0]).ravel().tolist()
    return found


COLOURS = (0, 0x800000, 0x008000, 0x800000, 0xE0E0C0)  # one of them twice


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 9), st.sampled_from((b"\0", b"\1", b"\2")))
def test_a_palette_png_is_what_opencv_makes_of_it(seed: int, height: int, width: int, filtered: bytes) -> None:
    numbers = np.random.default_rng(seed).integers(0, 2 if filtered != b"\0" else 5, (height, width))
    content = palette_png(np.zeros_like(numbers) if filtered != b"\0" else numbers, COLOURS, filtered=filtered)
    assert (_palette_pixels(content, width, height) is None) is (filtered != b"\0")
    assert colours_of(pixels_of(content)) == by_opencv(content)


def test_what_is_damaged_is_left_to_opencv() -> None:
    numbers = np.array([[0, 1], [2, 4]])
    good = palette_png(numbers, COLOURS)
    assert _palette_pixels(good, 2, 2) is not None
    for content in (palette_png(numbers, COLOURS, crc=1), palette_png(numbers, COLOURS[:3]), good[:-20], good[:-40],
                    good.replace(b"PLTE", b"plte")):
        assert _palette_pixels(content, 2, 2) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 7), st.integers(1, 7))
def test_runs_say_what_pixels_say(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    instances, classes = (rng.integers(0, 5, (height, width)) for _ in range(2))
    palette = np.array(COLOURS)
    runs = _Runs(pixels_of(palette_png(instances, COLOURS)), pixels_of(palette_png(classes, COLOURS)))
    for k, colour in enumerate(runs.colours.tolist()):
        mask = palette[instances] == colour
        assert (runs.mask(k) == mask).all()
        assert runs.areas()[k] == mask.sum()
        lines, columns = np.nonzero(mask)
        assert runs.boxes()[k].tolist() == [columns.min(), lines.min(), columns.max() + 1, lines.max() + 1]
        kinds, counts = np.unique(palette[classes][mask], return_counts=True)
        assert runs.commonest_classes()[k] == kinds[counts.argmax()]


def test_what_is_no_mask() -> None:
    for content in (b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(30)):
        with pytest.raises(ValueError, match=r"is no PNG image|cannot be decoded"):
            pixels_of(content)

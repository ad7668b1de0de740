"""A damaged COCO file is read part by part: however long the parts are, the same is found; and no error costs the whole text."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsinspect_formats.coco import _tolerant

FILE = json.dumps({
    "images": [{"id": k, "file_name": f"{'ä' * k}\\\"{k}.jpg", "width": 10 ** (k % 5), "height": True} for k in range(4)],
    "annotations": [{"id": k, "image_id": k % 4, "category_id": 1, "bbox": [1.5, -2e-3, 1e300, k], "area": None, "iscrowd": 0,
                     "segmentation": [[0.25] * 20]} for k in range(6)],
    "categories": [{"id": 1, "name": "cat", "extra": {"deep": [[[{}]]]}}, 17, "dog", None, [1, 2]]}, indent=1)


def found(text: str, part: int, patch: pytest.MonkeyPatch) -> Any:
    patch.setattr(_tolerant, "_PART", part)
    result = _tolerant.recover(text, "a.json")
    outlines = [bytes(a.segmentation) for a in result.annotations]
    return outlines, {f.name: re.sub(" at 0x[0-9a-f]+", "", repr(getattr(result, f.name))) for f in dataclasses.fields(result)}


@settings(max_examples=200, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, len(FILE)), st.integers(0, 12), st.text('{}[],:"\\ \n1e-.tu', max_size=4)),
                      max_size=4), part=st.integers(1, 200))
def test_the_length_of_the_parts_changes_nothing(edits: list[tuple[int, int, str]], part: int) -> None:
    text = FILE
    for at, gone, new in edits:
        text = text[:at] + new + text[at + gone:]
    with pytest.MonkeyPatch.context() as patch:
        assert found(text, part, patch) == found(text, 1 << 20, patch)


def test_an_error_looks_at_a_part_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    class Decoder(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            looked_at.append(len(s))
            return super().raw_decode(s, idx)

    monkeypatch.setattr(_tolerant.json, "JSONDecoder", Decoder)
    records = ['{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4],}'] * 5_000
    text = f'{{"images": [], "categories": [], "annotations": [{", ".join(records)}]}}'
    assert len(_tolerant.recover(text, "a.json").problems) == 5_000
    elements = sorted(looked_at)[:-10]  # but those of the keys of the file
    assert max(elements) <= 1 << 16

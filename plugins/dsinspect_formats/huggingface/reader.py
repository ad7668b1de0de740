"""Read Hugging Face: what stands in the files becomes tables."""

from __future__ import annotations

COLUMNS = frozenset(("area", "attributes", "segmentation"))


def notes_of(boxes: str) -> tuple[str, ...]:
    """Return what is assumed of boxes."""
    meaning = {"xywh": "x, y, width, height in px, as COCO's", "xyxy": "two corners in px", "cxcywh": "centre and sides in px"}
    return (f"boxes are taken for {meaning[boxes]} (option boxes): the files do not say",)

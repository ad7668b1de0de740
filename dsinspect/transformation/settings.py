"""The settings of a transformation: what to do to the images and boxes, and how images are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dsinspect.geometry.exif import Frame
from dsinspect.geometry.label_swap import mirrored_pairs
from dsinspect.io.image_codec import Encoding
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.transformation.chain import Chain


@dataclass(frozen=True)
class Settings:
    """What to do to the images and boxes; picklable.

    Attributes:
        chain: the transforms.
        encoding: how images are written.
        frame: frame that boxes of an EXIF-rotated image are in: `auto` (see `FrameRule`), `stored` or `upright`.
        variants: keep each original beside its transformed copies.
        only_classes: transform only images with a box of these classes; with `variants` the others are copied.
        swap_mirrored: exchange class names that distinguish left from right in mirrored outputs.
        drop_empty: leave out outputs without any box of images that had some.
        drop_unsupported: go on without geometry that a transform cannot carry, instead of refusing.
        keep_truncated: transform images whose file ends early; the missing part is grey.
        repeat: how many times an image is to be in the set, by path, for those with more than once; the original that
            `variants` keeps counts.
    """

    chain: Chain
    encoding: Encoding = field(default_factory=Encoding)
    frame: Frame = "auto"
    variants: bool = False
    only_classes: tuple[str, ...] = ()
    swap_mirrored: bool = False
    drop_empty: bool = False
    drop_unsupported: bool = False
    keep_truncated: bool = False
    repeat: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_one_to_one(self) -> bool:
        """Say whether an image becomes one output, so that ids stay."""
        return not self.variants and not self.repeat and not any(t.gives_many for t in self.chain)

    def described(self) -> dict[str, Any]:
        """Return all that decides the outputs, JSON-ready."""
        return {
            "operations": [{"name": t.name, "options": msgspec.to_builtins(t.options)} for t in self.chain],
            "image_format": self.encoding.format or "as the source", "jpeg_quality": self.encoding.jpeg_quality,
            "png_level": self.encoding.png_level, "frame": self.frame, "variants": self.variants,
            "only_classes": list(self.only_classes), "swap_mirrored": self.swap_mirrored, "drop_empty": self.drop_empty,
            "drop_unsupported": self.drop_unsupported, "keep_truncated": self.keep_truncated,
            "repeated": len(self.repeat), "repeats": sum(self.repeat.values())}


def swaps_of(settings: Settings, info: DatasetInfo) -> dict[str, str]:
    """Return the class names to exchange in mirrored outputs: none unless the settings say so."""
    return mirrored_pairs(c.name for c in info.categories) if settings.swap_mirrored else {}

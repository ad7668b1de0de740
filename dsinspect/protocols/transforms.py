"""The transform protocol: change pixels, and say as a matrix where every point goes.

A transform plans from an image's size alone, so that boxes can be moved, outputs counted and files named before any
pixel is read. `plan` returns one `Params` per outgoing image: one for most, several for tiles, none when nothing of
the image is left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from dsinspect.protocols.options import BaseOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dsinspect.errors import Blame


@dataclass(frozen=True)
class ImageRow:
    """What a transform knows of an image when it plans.

    Attributes:
        path: path relative to the dataset's root.
        width: width of the incoming pixels, px.
        height: height of the incoming pixels, px.
        orientation: EXIF orientation, 1 to 8, that is not yet applied to the incoming pixels.
        was_turned: True when reading has applied the file's orientation already, because its boxes live in the upright
            frame; the file itself still has the tag.
    """

    path: str
    width: int
    height: int
    orientation: int = 1
    was_turned: bool = False


@dataclass(frozen=True, kw_only=True)
class Params:
    """What a transform decided for one outgoing image; each transform adds fields of its own, JSON-ready ones.

    Attributes:
        width: width of the outgoing pixels, px.
        height: height of the outgoing pixels, px.
        tag: what distinguishes this output from the others of the same image, added to its file name; empty for an only one.
    """

    width: int
    height: int
    tag: str = ""


P = TypeVar("P", bound=Params)


class Transform(ABC, Generic[P]):
    """Changes images; boxes, polygons, keypoints, rotated boxes and masks follow its matrix.

    One instance serves all threads: nothing is kept in it but its options.

    Attributes:
        name: unique; what `--op` calls it.
        options_type: the struct of its options. An option `min_kept` is the share of a box's area, 0 to 1, that must be
            left after the image is cut for the box to stay.
        gives_many: True when an image can become several.
        reads_orientation: True when it looks at the EXIF orientation; such a transform comes first.
    """

    name: ClassVar[str]
    options_type: ClassVar[type[BaseOptions]] = BaseOptions
    blame: Blame | None = None
    """Names its plugin, should it break this protocol; set by whoever runs it."""
    gives_many: ClassVar[bool] = False
    reads_orientation: ClassVar[bool] = False

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options.

        Raises:
            UserError: options that contradict one another.
        """
        self.options: Any = options if options is not None else self.options_type()

    @abstractmethod
    def plan(self, image: ImageRow) -> Sequence[P]:
        """Decide the parameters for one image from its size alone; one entry per outgoing image."""

    @abstractmethod
    def apply(self, pixels: NDArray[Any], params: P) -> NDArray[Any]:
        """Return the new pixels; the incoming array is shared and never changed in place.

        Args:
            pixels: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA; uint8 or uint16.
            params: what `plan` decided.
        """

    @abstractmethod
    def matrix(self, params: P) -> NDArray[np.float64] | None:
        """Return the (2, 3) matrix from old to new px with half-open edges; None when no matrix describes it."""

    def changes_pixels(self, params: P) -> bool:
        """Say whether the outgoing pixels differ; when no transform of a chain changes any, the file is copied."""
        return True

    def manifest(self, params: P) -> Mapping[str, Any]:
        """Return the parameters as the manifest records them, JSON-ready."""
        return {k: v for k, v in vars(params).items() if not (k == "tag" and not v)}

    @property
    def suffix(self) -> str | None:
        """File suffix of what it makes when that is no image (`.npy`), else None; such a transform comes last."""
        return None

    def encode(self, array: NDArray[Any]) -> bytes:
        """Return the file of an array; called when there is a `suffix`."""
        raise NotImplementedError(f"{self.name} makes images")

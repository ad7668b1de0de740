"""The transform protocol: change pixels, and say as a matrix where every point goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from dsinspect.options import BaseOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

P = TypeVar("P")


@dataclass(frozen=True)
class ImageRow:
    """What a transform knows of an image when it plans.

    Attributes:
        path: path relative to the dataset's root.
        width: width of the incoming pixels, px.
        height: height of the incoming pixels, px.
        orientation: EXIF orientation, 1 to 8, of the incoming pixels.
    """

    path: str
    width: int
    height: int
    orientation: int = 1


class Transform(ABC, Generic[P]):
    """Changes images; boxes, polygons, keypoints and rotated boxes follow its matrix."""

    name: ClassVar[str]
    options_type: ClassVar[type[BaseOptions]] = BaseOptions

    def __init__(self, options: BaseOptions | None = None) -> None:
        self.options: Any = options if options is not None else self.options_type()

    @abstractmethod
    def plan(self, image: ImageRow) -> P:
        """Decide the parameters for one image from its size alone."""

    @abstractmethod
    def apply(self, pixels: NDArray[np.uint8], params: P) -> NDArray[Any]:
        """Return the new pixels of an (H, W, C) BGR or (H, W) grey image."""

    @abstractmethod
    def matrix(self, params: P) -> NDArray[np.float64]:
        """Return the (2, 3) affine matrix that maps a point (x, y, 1), half-open px, to its new place."""

    def manifest(self, params: P) -> Mapping[str, Any]:
        """Return the parameters as the manifest records them."""
        return {}

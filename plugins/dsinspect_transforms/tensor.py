"""`tensor`: write what a network is fed: float32, channels first (CHW), mean subtracted, scaled, in RGB or BGR.

Each value becomes (value - mean) * scale, with pixel values 0 to 255 (16-bit ones are divided by 257 first). Presets:
`unit` value / 255 in RGB; `caffe` (value - 127.5) * 0.007843 in BGR; `imagenet` RGB with ImageNet's mean and standard
deviation. `order`, `mean` and `scale` override a preset. Comes last; for a fixed size put a resize or letterbox before it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from dsinspect.geometry.affine import identity
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform
from dsinspect_transforms._choices import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRESETS: dict[str, tuple[str, tuple[float, ...], tuple[float, ...]]] = {
    "unit": ("rgb", (0.0,), (1 / 255,)),
    "caffe": ("bgr", (127.5,), (0.007843,)),
    "imagenet": ("rgb", (123.675, 116.28, 103.53), (1 / 58.395, 1 / 57.12, 1 / 57.375)),
}


class Options(BaseOptions, frozen=True):
    """Options of tensor."""

    preset: Annotated[Literal["unit", "caffe", "imagenet"], option(
        "order, mean and scale", source="caffe: MobileNet-SSD's 127.5 and 0.007843; imagenet: torchvision's mean and "
                                        "standard deviation times 255")] = "unit"
    order: Annotated[Literal["", "rgb", "bgr"], option("order of the channels, in place of the preset's")] = ""
    mean: Annotated[float | str, option("subtracted, 0 to 255: one number or three in that order, else the preset's")] = ""
    scale: Annotated[float | str, option("factor: one number or three in that order, else the preset's")] = ""
    channels: Annotated[Literal[1, 3], option("3 repeats grey, 1 takes the colour out")] = 3
    file: Annotated[Literal["npy", "npz"], option("npy, or npz, which is compressed and calls the array `image`")] = "npy"


@dataclass(frozen=True, kw_only=True)
class TensorParams(Params):
    """Order, mean and scale in force, and the number of channels."""

    order: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    channels: int
    layout: str = "CHW float32"


class Tensor(Transform[TensorParams]):
    """Write arrays as networks are fed: CHW float32, mean and scale, RGB or BGR."""

    name = "tensor"
    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options."""
        super().__init__(options)
        o = self.options
        order, mean, scale = PRESETS[o.preset]
        self._order = o.order or order
        self._mean = mean if o.mean == "" else numbers(o.mean, "tensor:mean")
        self._scale = scale if o.scale == "" else numbers(o.scale, "tensor:scale")
        if self._order != order:  # a preset's values go with its channels
            self._mean = self._mean[::-1] if o.mean == "" else self._mean
            self._scale = self._scale[::-1] if o.scale == "" else self._scale
        if o.channels == 1:
            self._mean, self._scale = (float(np.mean(self._mean)),), (float(np.mean(self._scale)),)

    def plan(self, image: ImageRow) -> list[TensorParams]:
        """Keep the size."""
        return [TensorParams(width=image.width, height=image.height, order=self._order, mean=self._mean,
                             scale=self._scale, channels=self.options.channels)]

    def apply(self, pixels: NDArray[Any], params: TensorParams) -> NDArray[np.float32]:
        """Return (C, H, W) float32."""
        import cv2

        if pixels.ndim == 3 and params.channels == 1:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY if pixels.shape[2] == 3 else cv2.COLOR_BGRA2GRAY)
        planes = [pixels] if pixels.ndim == 2 else [pixels[..., k] for k in range(3)]
        if len(planes) == 1:
            planes *= params.channels
        elif params.order == "rgb":
            planes.reverse()
        depth = 257 if pixels.dtype == np.uint16 else 1
        out = np.empty((len(planes), *pixels.shape[:2]), np.float32)
        for k, plane in enumerate(planes):
            mean, scale = params.mean[k % len(params.mean)], params.scale[k % len(params.scale)]
            np.subtract(plane, np.float32(mean * depth), out=out[k], dtype=np.float32)
            out[k] *= np.float32(scale / depth)
        return out

    def matrix(self, params: TensorParams) -> NDArray[np.float64]:
        """Move nothing."""
        return identity()

    @property
    def suffix(self) -> str:
        """`.npy` or `.npz`."""
        return f".{self.options.file}"

    def encode(self, array: NDArray[Any]) -> bytes:
        """Return the bytes of the file, the same for the same array."""
        buffer = io.BytesIO()
        if self.options.file == "npz":
            np.savez_compressed(buffer, image=array)
        else:
            np.save(buffer, array, allow_pickle=False)
        return buffer.getvalue()

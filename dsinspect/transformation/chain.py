"""Chains of transforms: read them from `--op` texts, and plan the routes of an image through them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.errors import Blame, UserError, Watched, nearest
from dsinspect.geometry import affine as geometry
from dsinspect.protocols.options import describe, make

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.loader import Plugins
    from dsinspect.protocols.transforms import ImageRow, Params, Transform

TOLERANCE = 1e-6
"""What an image may reach past its frame before it counts as cut, px: rounding of a chain of matrices."""
Chain = tuple["Transform[Any]", ...]


@dataclass(frozen=True)
class Step:
    """One transform with its parameters for one image."""

    transform: Transform[Any]
    params: Params


@dataclass(frozen=True)
class Route:
    """How one image becomes one output.

    Attributes:
        image: the image before the first step.
        steps: in order; none for a plain copy.
        tag: what distinguishes this output from the others of the image; empty when there is one only.
    """

    image: ImageRow
    steps: tuple[Step, ...] = ()
    tag: str = ""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the output, px."""
        last = self.steps[-1].params if self.steps else self.image
        return last.width, last.height

    @cached_property
    def matrices(self) -> list[NDArray[np.float64] | None]:
        """The (2, 3) matrix of each step, None where it has none."""
        return [matrix_of(s.transform, s.params) for s in self.steps]

    @cached_property
    def matrix(self) -> NDArray[np.float64] | None:
        """The (2, 3) matrix of the whole route, or None when a step has none."""
        known = [m for m in self.matrices if m is not None]
        if len(known) != len(self.steps):
            return None
        return known[0] if len(known) == 1 else geometry.compose(*known)

    @cached_property
    def window(self) -> tuple[tuple[float, float, float, float], bool]:
        """Where in the output the image shows, xyxy px, and whether some of it was cut off on the way."""
        x_min, y_min, x_max, y_max = 0.0, 0.0, float(self.image.width), float(self.image.height)
        cut = False
        for step, matrix in zip(self.steps, self.matrices, strict=True):
            width, height = float(step.params.width), float(step.params.height)
            if matrix is None:
                return (0.0, 0.0, float(self.size_wh[0]), float(self.size_wh[1])), False
            (a, b, c), (d, e, f) = matrix.tolist()  # one box: NumPy would take 20 times as long
            xs = [a * x + b * y + c for x in (x_min, x_max) for y in (y_min, y_max)]
            ys = [d * x + e * y + f for x in (x_min, x_max) for y in (y_min, y_max)]
            cut |= min(*xs, *ys) < -TOLERANCE or max(xs) > width + TOLERANCE or max(ys) > height + TOLERANCE
            x_min, x_max = max(min(xs), 0.0), min(max(xs), width)
            y_min, y_max = max(min(ys), 0.0), min(max(ys), height)
        return (x_min, y_min, x_max, y_max), cut

    @cached_property
    def changes_pixels(self) -> bool:
        """Whether any step changes pixels."""
        return any(_changes_pixels(s, self.image) for s in self.steps)

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the pixels of the output."""
        for step in self.steps:
            transform, params = step.transform, step.params
            with Watched(blame_of(transform), self.image.path):
                made = transform.apply(pixels, params)
            if not hasattr(made, "shape"):
                raise blame_of(transform).broke(f"made {made!r:.40} of {self.image.path}, which is no array of pixels")
            if transform.suffix is None and made.shape[1::-1] != (params.width, params.height):
                raise blame_of(transform).broke(f"planned {params.width} x {params.height} px for {self.image.path} "
                                            f"and made {made.shape[1]} x {made.shape[0]} px")
            pixels = made
        return pixels


def blame_of(transform: Transform[Any]) -> Blame:
    """Return what names a transform, should it break its protocol."""
    module = type(transform).__module__
    return transform.blame or Blame(module.partition(".")[0], module, f"transform {transform.name}")


def _changes_pixels(step: Step, image: ImageRow) -> bool:
    with Watched(blame_of(step.transform), image.path):
        return bool(step.transform.changes_pixels(step.params))


def matrix_of(transform: Transform[Any], params: Params) -> NDArray[np.float64] | None:
    """Return the (2, 3) matrix of a transform, or None when it has none.

    Raises:
        PluginCrashedError: it raised, or gave something else than finite numbers of that shape.
    """
    with Watched(blame_of(transform)):
        matrix = transform.matrix(params)
        if matrix is not None:
            matrix = np.asarray(matrix, np.float64)
    if matrix is not None and matrix.shape != (2, 3):
        raise blame_of(transform).broke(f"gave a matrix of shape {matrix.shape}, where (2, 3) was expected")
    if matrix is not None and not np.isfinite(matrix).all():
        raise blame_of(transform).broke(f"gave a matrix with numbers that are not finite: {matrix.tolist()}")
    return matrix


def parse_op(text: str) -> tuple[str, dict[str, str]]:
    """Return name and options of `NAME[:k=v,...]`; a comma inside a value may stay: `letterbox:colour=1,2,3`.

    >>> parse_op("letterbox:size=640,colour=1,2,3")
    ('letterbox', {'size': '640', 'colour': '1,2,3'})

    Raises:
        UserError: an option without a value.
    """
    name, _, rest = text.partition(":")
    values: dict[str, str] = {}
    key = ""
    for part in rest.split(",") if rest else ():
        before, equals, after = part.partition("=")
        if equals:
            key = before.strip()
            values[key] = after.strip()
        elif key:
            values[key] += f",{part.strip()}"
        else:
            raise UserError(f"--op {text}: write NAME:option=value,option=value, such as letterbox:size=640")
    return name.strip(), values


def build_chain(ops: Sequence[tuple[str, Mapping[str, Any]]], plugins: Plugins, min_kept: float | None = None) -> Chain:
    """Make the transforms of a chain.

    Args:
        ops: name and options of each, in order.
        plugins: with the transforms.
        min_kept: for every transform that has this option and does not set it.

    Raises:
        UserError: an unknown name or option, options that contradict one another, or an order that cannot work.
    """
    chain: list[Transform[Any]] = []
    transforms = plugins.transforms
    for name, values in ops:
        if name not in transforms:
            raise UserError(f"--op {name}: no such transform{nearest(name, transforms)}; there are {', '.join(transforms)}")
        kind = transforms[name]
        if min_kept is not None and "min_kept" in kind.options_type.__struct_fields__ and "min_kept" not in values:
            values = {**values, "min_kept": min_kept}
        options = make(kind.options_type, values, f"--op {name}")
        blame = plugins.blame(kind)
        with Watched(blame):
            transform = kind(options)
        transform.blame = blame
        if chain and transform.reads_orientation:
            raise UserError(f"--op {name}: it reads the EXIF orientation and comes first")
        if chain and chain[-1].suffix is not None:
            raise UserError(f"--op {chain[-1].name}: it writes {chain[-1].suffix} files and comes last")
        chain.append(transform)
    return tuple(chain)


def routes(chain: Chain, image: ImageRow) -> list[Route]:
    """Return the routes of an image, in the order of the outputs; none when nothing of it is left."""
    return [dataclasses.replace(r, tag=r.tag.strip("_")) for r in _routes(chain, image, Route(image))]


def _routes(chain: Chain, image: ImageRow, so_far: Route) -> Iterator[Route]:
    if not chain:
        yield so_far
        return
    first, *rest = chain
    with Watched(blame_of(first), image.path):
        planned = [(params, params.width, params.height, params.tag) for params in first.plan(image)]
    for params, width, height, params_tag in planned:
        if not (isinstance(width, int | np.integer) and isinstance(height, int | np.integer) and width >= 1 and height >= 1):
            raise blame_of(first).broke(f"planned {width!r:.40} x {height!r:.40} px for {image.path}")
        if not isinstance(params_tag, str):
            raise blame_of(first).broke(f"planned the tag {params_tag!r:.40} for {image.path}, which is no text")
        following = dataclasses.replace(image, width=params.width, height=params.height, orientation=1, was_turned=False)
        tag = "_".join(t for t in (so_far.tag, params_tag) if t)
        yield from _routes(tuple(rest), following, Route(so_far.image, (*so_far.steps, Step(first, params)), tag))


def min_kept_of(chain: Chain) -> float:
    """Return the largest share of a box's area that a transform of the chain wants kept; 0 when none cuts."""
    return max((float(t.options.min_kept) for t in chain if hasattr(t.options, "min_kept")), default=0.0)


def listing(transforms: Mapping[str, type[Transform[Any]]]) -> str:
    """Return the transforms with their options as text."""
    lines = []
    for name, kind in transforms.items():
        lines.append(f"{name}: {(kind.__doc__ or '').strip().partition(chr(10))[0]}")
        for o in describe(kind.options_type):
            source = f" [{o.source}]" if o.source else ""
            lines.append(f"    {o.name}={o.default}  {o.meaning}{source}")
    return "\n".join(lines) + "\n"

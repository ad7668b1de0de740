"""`dsinspect view`: a contact sheet of a dataset's images with their boxes, or of an array's channels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Judging, Only, Read, Writing, shares_options
from dsinspect.errors import UserError
from dsinspect.findings.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsinspect.render.contact_sheet import Pixels

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
ARRAYS = (".npy", ".npz")


@shares_options
def view(
    *,
    dataset: Annotated[list[str], typer.Argument(metavar="DATASET...", show_default=False,
                                                 help="As for report; or a .npy or .npz stack.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The sheet: .png, .jpg, .webp, .bmp or .tif.")],
    image: Annotated[list[str] | None, typer.Option(
        "--image", metavar="NAME", help="These images: a path, the end of one, or a name without suffix.")] = None,
    class_name: Annotated[list[str] | None, typer.Option("--class", metavar="NAME", help="Images with this class.")] = None,
    split: Annotated[str | None, typer.Option("--split", metavar="NAME", help="Images of this split.")] = None,
    select: Annotated[list[str] | None, typer.Option(
        "--select", "--code", metavar="CODES", help="Images with findings of these codes or prefixes, marked, with their "
                                                    "messages.")] = None,
    unwanted: Annotated[Judging, Only("ignore")],
    sample: Annotated[int | None, typer.Option("--sample", metavar="N", min=1, help="N images at random.")] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of --sample: the same one gives the same images.")] = 0,
    before_after: Annotated[bool, typer.Option(
        "--before-after", help="DATASET is a transformed set: each original beside its first changed output. "
                                  "Needs --originals.")] = False,
    originals: Annotated[Path | None, typer.Option(
        "--originals", metavar="DATASET", help="For --before-after; --images says where their images are.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Images at most; of an array, channels.")] = 36,
    side: Annotated[int, typer.Option("--side", metavar="PX", min=16, max=2000, help="Longer side of an image.")] = 240,
    labels: Annotated[bool, typer.Option("--labels/--no-labels", help="Class names at the boxes.")] = True,
    judging: Read,
    running: Writing,
) -> None:
    """Draw a contact sheet: images with boxes and class names, in a near-square grid."""
    from dsinspect.commands.view_tiles import Wanted, dataset_tiles, marked_by, pair_tiles
    from dsinspect.io.image_codec import start_opencv
    from dsinspect.render import contact_sheet

    if output.suffix.lower() not in SUFFIXES:
        raise UserError(f"-o {output}: a sheet is an image; write {', '.join(SUFFIXES)}")
    if before_after and originals is None:
        raise UserError("view --before-after: name the set before the transform with --originals DATASET")
    start_opencv()
    sources: list[str | Path] = [*dataset, *([originals] if originals else [])]
    grid, what, groups = 0, "image", list[int]()
    if Path(dataset[0]).suffix.lower() in ARRAYS and Path(dataset[0]).is_file():
        common.require_writable(output, *sources, judging=judging)
        tiles, left = array_tiles(Path(dataset[0]), limit, side)
        what = "channel"
    else:
        of_dataset = replace(judging, images=None if before_after else judging.images, select=select, ignore=unwanted.ignore)
        session = common.start(dataset, of_dataset, running)
        with session.dataset_first():
            common.require_writable(output, *sources, judging=judging)
        wanted = Wanted(tuple(class_name or ()), split, tuple(image or ()), marked_by(session) if select else None, labels,
                        sample, seed)
        if before_after and originals is not None:
            tiles, left, grid = pair_tiles(session, originals, judging.images, wanted, limit, side)
            what = "pair"
        else:
            tiles, left, groups = dataset_tiles(session, wanted, limit, side)
    if not tiles:
        found = f" has a finding of {', '.join(select)}" if select else _wish(class_name, split) if class_name or split else ""
        raise UserError(f"{' '.join(dataset)}: no image{found or ' to show'}")
    write_sheet(contact_sheet.sheet(tiles, grid, groups), output)
    if not running.quiet:
        shown = counted(len(tiles) // 2 if what == "pair" else len(tiles), what)
        limited = "--limit, which counts both images of a pair" if what == "pair" else "--limit"
        print(f"wrote {output}: {shown}" + (f"; {left:,} more ({limited})" if left else ""), file=sys.stderr)


def _wish(class_name: Sequence[str] | None, split: str | None) -> str:
    """Return what images were asked for, to say that none is: ` of the split val has a box of tram`."""
    return (f" of the split {split}" if split else "") + (f" has a box of {' or '.join(class_name)}" if class_name else "")


def array_tiles(path: Path, limit: int, side: int) -> tuple[list[Pixels], int]:
    """Return the channels of a stack as tiles, and how many more there are.

    Raises:
        UserError: the file holds no stack.
    """
    import numpy as np

    from dsinspect.render.contact_sheet import channel_tiles, tile

    try:
        loaded = np.load(path, allow_pickle=False)
        array = loaded[loaded.files[0]] if hasattr(loaded, "files") else loaded
        planes = channel_tiles(array, limit)
    except (OSError, ValueError, IndexError, EOFError) as e:
        raise UserError(f"{path}: {e}") from None
    total = 1 if array.ndim == 2 else min(array.shape[0], array.shape[2]) if array.ndim == 3 else array.shape[0] * array.shape[1]
    return [tile(p, side, (), f"{k}") for k, p in enumerate(planes)], total - len(planes)


def write_sheet(pixels: Pixels, output: Path) -> None:
    """Write the sheet, whole or not at all."""
    from dsinspect.io.atomic import write_atomic
    from dsinspect.io.image_codec import Encoding
    from dsinspect.output.made_here import signed

    content = signed(Encoding().encode(pixels, output.suffix))
    try:
        write_atomic(output, content)
    except OSError as e:
        raise UserError(f"-o {output}: {e.strerror or e}") from None

"""`dsinspect view`: a contact sheet of a dataset's pictures with their boxes, or of an array's channels."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.errors import UserError, nearest

if TYPE_CHECKING:
    from dsinspect.commands.common import Session
    from dsinspect.render.contact_sheet import Marked, Picture
    from dsinspect.tables.dataset import Shard

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
ARRAYS = (".npy", ".npz")
SHARD = 256


def view(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", show_default=False,
                                           help="As for report; or a .npy or .npz stack.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The sheet: .png, .jpg or .webp.")],
    class_name: Annotated[list[str] | None, typer.Option("--class", metavar="NAME", help="Pictures with this class.")] = None,
    code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="Pictures with findings of this check, those "
                                             "marked red.")] = None,
    split: Annotated[str | None, typer.Option("--split", metavar="NAME", help="Pictures of this split.")] = None,
    before_after: Annotated[bool, typer.Option(
        "--before-after", help="DATASET is a transformed set: each original beside its outputs. Needs --originals.")] = False,
    originals: Annotated[Path | None, typer.Option("--originals", metavar="DATASET", help="For --before-after.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Pictures at most.")] = 36,
    side: Annotated[int, typer.Option("--side", metavar="PX", min=16, max=2000, help="Longer side of a picture.")] = 240,
    labels: Annotated[bool, typer.Option("--labels/--no-labels", help="Class names at the boxes.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file in the dataset's folder.")] = False,
    format: common.FormatName = None,
    images: common.Images = None,
    settings: common.Settings = None,
    columns: common.Columns = None,
    config: common.ConfigFile = None,
    no_plugin: common.NoPlugin = None,
    jobs: common.Jobs = None,
    quiet: common.Quiet = False,
) -> None:
    """Draw a contact sheet: pictures with boxes and class names, in a near-square grid."""
    from dsinspect.io.image_codec import start_opencv
    from dsinspect.render import contact_sheet

    common.require_writable(output, dataset, *([originals] if originals else []), force=force)
    if output.suffix.lower() not in SUFFIXES:
        raise UserError(f"-o {output}: a sheet is a picture; write {', '.join(SUFFIXES[:4])}{nearest(output.suffix, SUFFIXES)}")
    start_opencv()
    grid = 0
    if Path(dataset).suffix.lower() in ARRAYS and Path(dataset).is_file():
        tiles, left = array_tiles(Path(dataset), limit, side)
    else:
        session = common.start(common.Choices(dataset, format, images, settings=settings or (), columns=columns, config=config,
                                              no_plugin=no_plugin or (), jobs=jobs, quiet=quiet))
        wanted = Wanted(tuple(class_name or ()), split, marked_by(session, code), labels)
        if before_after:
            if originals is None:
                raise UserError("view --before-after: name the set before the transform with --originals DATASET")
            tiles, left, grid = pair_tiles(session, originals, wanted, limit, side)
        else:
            tiles, left = dataset_tiles(session, dataset, wanted, limit, side)
    if not tiles:
        raise UserError(f"{dataset}: no picture to show" + (" has findings of " + code if code else ""))
    write_sheet(contact_sheet.sheet(tiles, grid), output)
    if not quiet:
        print(f"wrote {output}: {len(tiles)} pictures" + (f"; {left:,} more (--limit)" if left else ""), file=sys.stderr)


@dataclass(frozen=True)
class Wanted:
    """Which pictures to show.

    Attributes:
        classes: those with a box of one of these; all when empty.
        split: those of this split; all when None.
        found: those with findings, by path, with the boxes concerned; all when None.
        labels: write class names.
    """

    classes: tuple[str, ...] = ()
    split: str | None = None
    found: dict[str, set[tuple[float, ...]]] | None = field(default=None)
    labels: bool = True


def marked_by(session: Session, code: str | None) -> dict[str, set[tuple[float, ...]]] | None:
    """Inspect with one check, and return the paths with findings and the boxes concerned; None without a code."""
    if code is None:
        return None
    from dataclasses import replace

    from dsinspect.config import require_code
    from dsinspect.inspection.inspect import inspect

    require_code(code.upper(), session.plugins.checks, "--code")
    request = session.request()
    run = inspect(replace(request, config=replace(request.config, select=(code.upper(),), ignore=())), session.plugins)
    found: dict[str, set[tuple[float, ...]]] = {}
    for outcome in run.outcomes:
        for finding in outcome.iterate():
            if finding.image is not None:
                boxes = found.setdefault(finding.image, set())
                if finding.bbox_xyxy is not None:
                    boxes.add(finding.bbox_xyxy)
    return found


def dataset_tiles(session: Session, dataset: str, wanted: Wanted, limit: int, side: int) -> tuple[list[Picture], int]:
    """Return the tiles of the first pictures wanted, and how many more there are."""
    tiles: list[Picture] = []
    left = 0
    for shard in shards_of(session, dataset):
        for row in chosen_rows(shard, wanted):
            if len(tiles) < limit:
                tiles.append(row_tile(shard, row, wanted, side))
            else:
                left += 1
    return tiles, left


def pair_tiles(session: Session, originals: Path, wanted: Wanted, limit: int, side: int) -> tuple[list[Picture], int, int]:
    """Return tiles of originals, each followed by its first output, how many outputs more there are, and the columns."""
    from dataclasses import replace

    from dsinspect.output.manifest import read_manifest

    source_of = {e.path: e.source.path for e in read_manifest(Path(session.choices.dataset)).outputs}
    after: dict[str, Picture] = {}
    left = 0
    for shard in shards_of(session, session.choices.dataset):
        for row in chosen_rows(shard, wanted):
            source = source_of.get(str(shard.images["path"].iloc[row]))
            if source is None or source in after or len(after) >= max(1, limit // 2):
                left += 1
            else:
                after[source] = row_tile(shard, row, wanted, side)
    choices = replace(session.choices, dataset=str(originals), format=None, images=None)
    own = common.Session(choices, session.plugins, session.config)
    tiles: list[Picture] = []
    for shard in shards_of(own, str(originals)):
        for row, path in enumerate(shard.images["path"].tolist()):
            if path in after:
                tiles += [row_tile(shard, row, wanted, side), after.pop(path)]
    from dsinspect.render.contact_sheet import grid_shape

    columns = grid_shape(len(tiles))[0]
    return tiles, left, columns + columns % 2


def shards_of(session: Session, dataset: str) -> Iterator[Shard]:
    """Yield the shards of a dataset with boxes in px and the size of each picture measured."""
    from dsinspect.inspection.measure import measure, measured_shard
    from dsinspect.inspection.opening import open_dataset
    from dsinspect.protocols.probes import column_owners
    from dsinspect.tables.schema import FRAME_COLUMNS

    source = open_dataset(session.request(), session.plugins)
    owners = column_owners(session.plugins.probes)
    probes = tuple({owners[c].name: owners[c]() for c in FRAME_COLUMNS}.values())
    for ref in source.shards(SHARD):
        shard = ref.load()
        yield measured_shard(shard, measure(shard.images["file"].tolist(), probes, None), source.info.box_units)


def chosen_rows(shard: Shard, wanted: Wanted) -> list[int]:
    """Return the rows of the pictures wanted, in order."""
    import numpy as np

    keep = np.ones(len(shard.images), bool)
    if wanted.split is not None:
        keep &= (shard.images["split"] == wanted.split).to_numpy(bool)
    if wanted.classes:
        of_class = shard.annotations["category"].isin(list(wanted.classes)).to_numpy(bool)
        rows = shard.annotations["image_row"].to_numpy()[of_class]
        keep &= np.isin(np.arange(len(keep)), rows)
    if wanted.found is not None:
        keep &= shard.images["path"].isin(list(wanted.found)).to_numpy(bool)
    return np.flatnonzero(keep).tolist()


def row_tile(shard: Shard, row: int, wanted: Wanted, side: int) -> Picture:
    """Return the tile of one picture; one that cannot be read is a grey tile that says why."""
    from dsinspect.io import image_codec as pictures
    from dsinspect.render.contact_sheet import blank, tile

    image = shard.images.iloc[row]
    caption = str(image["path"])
    try:
        if image["file"] is None:
            raise pictures.UnreadableError("no such file")
        pixels = pictures.decode(Path(str(image["file"])).read_bytes())
    except (pictures.UnreadableError, OSError) as e:
        reason = str(e) if isinstance(e, pictures.UnreadableError) else (e.strerror or "cannot be read").lower()
        return blank(side, reason, caption)
    from dsinspect.geometry.exif import turned_upright

    stored = (pixels.shape[1], pixels.shape[0])
    frame = (float(image["frame_width"]), float(image["frame_height"]))
    orientation = int(image["orientation"]) if image["orientation"] == image["orientation"] else 1
    declared = (float(image["width"]), float(image["height"]))
    if orientation != 1 and declared != stored:  # the boxes are in the upright frame
        pixels = turned_upright(pixels, orientation)
    return tile(pixels, side, marks_of(shard, row, wanted), caption, frame if frame[0] > 0 and frame[1] > 0 else None)


def marks_of(shard: Shard, row: int, wanted: Wanted) -> list[Marked]:
    """Return the boxes of one picture; those with findings are marked."""
    from dsinspect.render.contact_sheet import Marked
    from dsinspect.tables.schema import boxes_xyxy

    a = shard.annotations[shard.annotations["image_row"].to_numpy() == row]
    found = (wanted.found or {}).get(str(shard.images["path"].iloc[row]), set())
    return [Marked((b[0], b[1], b[2], b[3]), str(name) if wanted.labels and name is not None else "", tuple(b) in found)
            for b, name in zip(boxes_xyxy(a).reshape(-1, 4).tolist(), a["category"].tolist(), strict=True)]


def array_tiles(path: Path, limit: int, side: int) -> tuple[list[Picture], int]:
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


def write_sheet(picture: Picture, output: Path) -> None:
    """Write the sheet, whole or not at all."""
    from dsinspect.io.atomic import write_atomic
    from dsinspect.io.image_codec import Encoding

    content = Encoding().encode(picture, output.suffix)
    try:
        write_atomic(output, content)
    except OSError as e:
        raise UserError(f"-o {output}: {e.strerror or e}") from None

"""`dsinspect transform`: change the images of a dataset, with every box still right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dsinspect.commands import common
from dsinspect.commands.options import FrameName, Read, Writing, shares_options
from dsinspect.errors import ExitCode, UserError, nearest
from dsinspect.findings.rendering import printable
from dsinspect.findings.wording import counted
from dsinspect.known_names import TARGET_FORMAT

if TYPE_CHECKING:
    from dsinspect.config import Config
    from dsinspect.transformation.pipeline import Summary

FORMATS = ("jpg", "png", "webp", "bmp", "tiff")
SHOWN_FAILURES = 10
BEYOND = "kept beyond the edge of the image, {} (only images that are cut clip boxes)"
IN_WORDS = {
    "pictures left out: nothing is left of them": ("image left out: nothing is left of it",
                                                   "images left out: nothing is left of them"),
    "pictures copied byte for byte": ("image copied byte for byte", "images copied byte for byte"),
    "outputs left out: no box in them (--drop-empty)": ("output left out: no box in it (--drop-empty)",
                                                        "outputs left out: no box in them (--drop-empty)"),
    "clipped": ("of those kept is clipped", "of those kept are clipped"),
    BEYOND.format("as they were"): (f"annotation {BEYOND.format('as it was')}", f"annotations {BEYOND.format('as they were')}"),
    "dropped: of a picture that failed": ("annotation dropped: of an image that failed",
                                          "annotations dropped: of an image that failed"),
    "dropped: of no known picture": ("annotation dropped: of no known image", "annotations dropped: of no known image"),
    "dropped: outside what is left of the picture": ("annotation dropped: outside what is left of the image",
                                                     "annotations dropped: outside what is left of the image"),
    "dropped: not finite, in a picture that is cut": ("annotation dropped: not finite, in an image that is cut",
                                                      "annotations dropped: not finite, in an image that is cut")}
"""Names of counts in the manifest, which stay, and how they read for one and for several; others follow `annotations`."""


@shares_options
def transform(
    *,
    dataset: Annotated[list[str] | None, typer.Argument(metavar="DATASET...", show_default=False,
                                                        help="As for report; with --invert-boxes a transformed set.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="A new folder.")] = None,
    to: Annotated[str | None, typer.Option(
        "--to", metavar="NAME", help="Format of the annotations, as for convert: coco (default), voc, yolo, ...")] = None,
    op: Annotated[list[str] | None, typer.Option(
        "--op", metavar="NAME[:k=v,...]", help="A transform, in order: --op letterbox:size=640 --op flip.")] = None,
    ops: Annotated[bool, typer.Option("--ops", help="List the transforms with their options, and exit.")] = False,
    image_format: Annotated[str, typer.Option("--image-format", metavar="NAME", help=f"{', '.join(FORMATS)}; else as "
                                              "the source.")] = "",
    jpeg_quality: Annotated[int, typer.Option("--jpeg-quality", metavar="Q", min=1, max=100, help="Also of WebP.")] = 95,
    png_level: Annotated[int, typer.Option("--png-level", metavar="N", min=0, max=9, help="Compression of PNG.")] = 1,
    min_kept: Annotated[float | None, typer.Option(
        "--min-kept", metavar="SHARE", min=0, max=1, help="Share of a box's area that must be left after a cut.")] = None,
    variants: Annotated[bool, typer.Option("--variants", help="Keep the originals beside the transformed copies.")] = False,
    only_classes: Annotated[str, typer.Option(
        "--only-classes", metavar="NAME,...", help="Transform only images with a box of these; copy the others.")] = "",
    repeat: Annotated[Path | None, typer.Option(
        "--repeat", metavar="FILE", help="Repeat images of rare classes: weights.json of dsinspect balance.")] = None,
    swap_mirrored: Annotated[bool, typer.Option(
        "--swap-mirrored", help="Exchange class names that distinguish left from right in mirrored images.")] = False,
    drop_empty: Annotated[bool, typer.Option(
        "--drop-empty", help="Leave out tiles and crops without any box of images that have one; images without a box stay.",
    )] = False,
    drop_unsupported: Annotated[bool, typer.Option(
        "--drop-unsupported", help="Leave out geometry that cannot be transformed.")] = False,
    keep_truncated: Annotated[bool, typer.Option("--keep-truncated", help="Keep images whose file ends early.")] = False,
    frame: FrameName = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
    invert_boxes: Annotated[Path | None, typer.Option(
        "--invert-boxes", metavar="FILE", help="Map predictions (COCO results) on DATASET back to the originals.")] = None,
    judging: Read,
    running: Writing,
) -> None:
    """Change the images of a dataset (resize, letterbox, flip, tile, ...) with every box still right.

    Exits 1 when images failed; the others are done, and manifest.json names them.
    """
    session = common.start(dataset or (), judging, running)
    if ops:
        from dsinspect.transformation.chain import listing

        sys.stdout.write(listing(session.plugins.transforms))
        return
    if not dataset:
        raise UserError("transform: name a DATASET")
    if output is None:
        raise UserError("transform: name the output with -o OUT")
    if invert_boxes:
        invert(Path(dataset[0]), invert_boxes, output)
        return
    from dsinspect.conversion.pipeline import writer_of
    from dsinspect.io.image_codec import Encoding
    from dsinspect.transformation.chain import build_chain, parse_op
    from dsinspect.transformation.pipeline import TransformRequest
    from dsinspect.transformation.pipeline import transform as run
    from dsinspect.transformation.settings import Settings

    require_choice("--image-format", image_format, ("", *FORMATS))
    named = [parse_op(o) for o in op or ()] or configured_ops(session.config)
    if not named:
        raise UserError("transform: name what to do with --op, or under [transform] in the configuration; --ops lists them")
    chosen = Settings(
        build_chain(named, session.plugins, min_kept),
        Encoding(image_format, jpeg_quality, png_level),  # type: ignore[arg-type]
        common.frame_of(frame), variants, tuple(c.strip() for c in only_classes.split(",") if c.strip()),
        swap_mirrored, drop_empty, drop_unsupported, keep_truncated, repeats(repeat) if repeat else {})
    with session.dataset_first():
        summary = run(TransformRequest(
            **session.dataset, out=output, settings=chosen, resume=resume, force=force, to=to, **session.work), session.plugins,
            writer_of(to or TARGET_FORMAT, session.plugins, session.config))
    if not running.quiet:
        report_written(summary, output)
    report_failures(summary, output)
    common.report_unread(session.roots, output)
    session.end()
    if summary.failures:
        raise typer.Exit(ExitCode.FINDINGS)


def configured_ops(config: Config) -> list[tuple[str, dict[str, Any]]]:
    """Return the operations of `[transform]`: `ops = ["flip", {name = "letterbox", size = 640}]`.

    Raises:
        UserError: an operation of another form.
    """
    from dsinspect.transformation.chain import parse_op

    named: list[tuple[str, dict[str, Any]]] = []
    for entry in config.transform.get("ops", ()):
        if isinstance(entry, str):
            named.append(parse_op(entry))
        elif isinstance(entry, dict) and isinstance(entry.get("name"), str):
            named.append((entry["name"], {k: v for k, v in entry.items() if k != "name"}))
        else:
            raise UserError(f"{config.path}: [transform] ops: write \"NAME:option=value\" or {{name = \"NAME\", ...}}")
    return named


def repeats(path: Path) -> dict[str, int]:
    """Return how many times each image is to be in the set, for those with more than once: factors are rounded.

    Raises:
        UserError: the file is not what `dsinspect balance -o FILE.json` writes.
    """
    import msgspec

    try:
        images = msgspec.json.decode(path.read_bytes())["images"]
        factors = {str(i["image"]): float(i["repeat_factor"]) for i in images}
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError) as e:
        reason = e.strerror if isinstance(e, OSError) else "not what dsinspect balance -o FILE.json writes"
        raise UserError(f"--repeat {path}: {reason}") from None
    return {image: int(factor + 0.5) for image, factor in factors.items() if factor >= 1.5}


def require_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise a UserError unless a value is one of the choices."""
    if value not in choices:
        raise UserError(f"{option} {value}: write one of {', '.join(c for c in choices if c)}{nearest(value, choices)}")


def report_written(summary: Summary, out: Path) -> None:
    """Print what was done."""
    print(f"wrote {out}: {counted(summary.outputs, 'image')} from {summary.images:,}")
    for what, count in sorted(summary.counts.items(), key=lambda c: c[0] != "kept"):  # first what others are parts of
        print(f"  {count:>9,}  {in_words(what, count)}")
    common.report_guessed_frames(summary.guessed_frames)
    for what, count in summary.losses.items():
        print(printable(f"  {count:>9,}  lost: {what}"))


def in_words(what: str, count: int) -> str:
    """Return what is counted under a name of the manifest, whose names stay, in words.

    >>> in_words("kept", 2), in_words("pictures copied byte for byte", 1), in_words("dropped: of a picture that failed", 1)
    ('annotations kept', 'image copied byte for byte', 'annotation dropped: of an image that failed')
    """
    one, several = IN_WORDS.get(what, (f"annotation {what}", f"annotations {what}"))
    return one if count == 1 else several


def report_failures(summary: Summary, out: Path) -> None:
    """Name the images that failed on stderr, the first ones at least."""
    for failure in summary.failures[:SHOWN_FAILURES]:
        print(printable(f"{failure.image}: {failure.code} {failure.reason}"), file=sys.stderr)
    if len(summary.failures) > SHOWN_FAILURES:
        print(f"and {len(summary.failures) - SHOWN_FAILURES:,} more; {out}/manifest.json names all", file=sys.stderr)
    if summary.failures:
        is_ = "is" if len(summary.failures) == 1 else "are"
        print(f"dsinspect: {len(summary.failures):,} of {counted(summary.images, 'image')} failed and {is_} left out",
              file=sys.stderr)


def invert(folder: Path, predictions: Path, output: Path) -> None:
    """Map predictions back and write them."""
    from dsinspect.io.atomic import write_atomic
    from dsinspect.io.json_text import encoded
    from dsinspect.output.manifest import read_manifest
    from dsinspect.transformation.predictions import invert_predictions

    common.require_writable(output, folder, predictions)
    inverted = invert_predictions(predictions, read_manifest(folder))
    write_atomic(output, encoded(inverted.records) + b"\n")
    print(f"wrote {output}: {counted(len(inverted.records), 'prediction')}")
    for reason, count in inverted.skipped.items():
        print(f"dsinspect: {counted(count, 'prediction')} {reason} {'is' if count == 1 else 'are'} left out", file=sys.stderr)

"""The options that commands share: each is described once here, and `shares_options` gives them to a command.

A command names which of them it has, in the place where its help shows them:

    @shares_options
    def balance(dataset: Dataset, *, output: ... = None, judging: Annotated[Judging, Only("format images columns")],
                running: Annotated[Running, Only("config no_plugin quiet")]) -> None:

Annotations are not postponed here, in `check` and in `report`: each would be compiled again from its text, 8 ms at every start.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer

from dsinspect.io.decoder_stderr import quiet_decoders

if TYPE_CHECKING:
    from dsinspect.protocols import decisions

Dataset = Annotated[list[str], typer.Argument(
    metavar="DATASET...", show_default=False,
    help="A folder, an annotation file (COCO JSON, data.yaml, .xlsx/.xls/.csv table), an archive (.zip, .tar) or a URL; "
         "several as one set: train=A val=B.")]
LastDataset = Annotated[str, typer.Argument(
    metavar="DATASET", show_default=False,
    help="A folder, an annotation file (COCO JSON, data.yaml, .xlsx/.xls/.csv table), an archive (.zip, .tar) or a URL; several as "
         "the report had them: train=A val=B.")]
Trainers = Annotated[list[str] | None, typer.Option(
    "--trainer", metavar="NAME[@RELEASE]", help="A trainer, may be given again: ultralytics@8.4, mmdet, ...")]
Split = Annotated[str | None, typer.Option(
    "--split", metavar="NAME", help="Count this split, or `all`; default: train where there is one.")]
FrameName = Annotated[str, typer.Option(
    "--frame", metavar="NAME", help="Frame of the boxes of EXIF-rotated images: auto, stored or upright.")]
CacheDir = Annotated[Path | None, typer.Option("--cache-dir", metavar="DIR", help="Folder of the cache.")]
Codes = list[str] | None


@dataclass(frozen=True)
class Judging:
    """How a dataset is read, and by which checks and limits it is judged; in the order that help shows."""

    format: Annotated[str | None, typer.Option("--format", metavar="NAME", help="Format; else detected.")] = None
    images: Annotated[Path | None, typer.Option("--images", metavar="DIR", help="Folder of the images, when elsewhere.")] = None
    select: Annotated[Codes, typer.Option("--select", metavar="CODES", help="Run these codes or prefixes.")] = None
    extend_select: Annotated[Codes, typer.Option("--extend-select", metavar="CODES", help="Run these as well.")] = None
    ignore: Annotated[Codes, typer.Option("--ignore", metavar="CODES", help="Leave these codes out.")] = None
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="CODE.OPTION=VALUE", help="Change a limit.")] = None
    columns: Annotated[str | None, typer.Option(
        "--columns", metavar="FIELD=COLUMN,...", help="Columns of a table: image=File,x_min=Left,...")] = None
    imgsz: Annotated[int | None, typer.Option("--imgsz", metavar="PX", min=32, help="Training size the checks assume.")] = None
    anchors: Annotated[str | None, typer.Option("--anchors", metavar="W,H ...", help="Anchors to judge, px at --imgsz.")] = None
    trainer: Annotated[str | None, typer.Option(
        "--trainer", metavar="NAME[@RELEASE]", help="Judge the set for this trainer too: ultralytics@8.4, mmdet, ...")] = None


@dataclass(frozen=True)
class Running:
    """With which configuration, plugins, workers and cache a command runs; in the order that help shows."""

    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration; else the nearest.")] = None
    no_plugin: Annotated[list[str] | None, typer.Option("--no-plugin", metavar="NAME", help="Leave a plugin out.")] = None
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help="Workers; default: all cores.")] = None
    executor: Annotated[str | None, typer.Option(
        "--executor", metavar="NAME", help="Executor: serial, thread, process or dask.")] = None
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Remember measurements of image files.")] = True
    cache_by: Annotated[str, typer.Option(
        "--cache-by", metavar="WHAT", help="Know files in the cache by `stat` (path, size, time) or by `content`.")] = "stat"
    cache_dir: CacheDir = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only, no notes and no progress.")] = False
    timings: Annotated[bool, typer.Option("--timings", help="Print where the time went, on stderr.")] = False


@dataclass(frozen=True)
class Placing:
    """What a new dataset is made of."""

    annotations_only: Annotated[bool, typer.Option("--annotations-only", help="Leave the images out.")] = False
    link: Annotated[bool, typer.Option("--link/--copy", help="Make hard links of images: no room needed, but a program that "
                                                             "rewrites one rewrites the original.")] = False
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False


@dataclass(frozen=True, kw_only=True)
class Choices(Judging, Running):
    """What the shared options of a command say; those it does not have stand at their defaults."""

    datasets: Sequence[str]
    recorded: "decisions.Settings | None" = None
    """Of the report whose decisions are applied; what the command line says is laid over them."""

    def __post_init__(self) -> None:
        if isinstance(self.datasets, str):  # one path, not its characters
            object.__setattr__(self, "datasets", (self.datasets,) if self.datasets else ())

    @property
    def dataset(self) -> str:
        """The dataset as the user named it."""
        return " ".join(self.datasets)


@dataclass(frozen=True)
class Only:
    """Which options of a group a command has: fields of the group's class, separated by spaces."""

    names: str


Judged = Annotated[Judging, Only("format images select extend_select ignore settings columns imgsz anchors")]
Read = Annotated[Judging, Only("format images settings columns")]
Inspecting = Annotated[Running, Only("config no_plugin jobs executor cache cache_dir quiet")]
Measured = Annotated[Running, Only("config no_plugin jobs executor cache cache_by cache_dir quiet timings")]
Writing = Annotated[Running, Only("config no_plugin jobs executor quiet")]
Placed = Annotated[Placing, Only("annotations_only link force")]


def shares_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the options of its groups one by one, for Typer to read from its signature.

    Args:
        command: takes groups as `name: Annotated[Judging, Only("format images")]`; all other parameters stay as they are.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type[Any], tuple[str, ...]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        chosen = next((m for m in getattr(hints[name], "__metadata__", ()) if isinstance(m, Only)), None)
        if chosen is None:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        group, names = get_args(hints[name])[0], tuple(chosen.names.split())
        groups[name] = (group, names)
        offered = _options_of(group)
        parameters += [offered[n] for n in names]

    def run(**values: Any) -> None:
        made = {name: group(**{n: values.pop(n) for n in names}) for name, (group, names) in groups.items()}
        with quiet_decoders():  # of images and masks, wherever a command reads some
            command(**values, **made)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


@cache
def _options_of(group: type[Any]) -> dict[str, inspect.Parameter]:
    """Return the options of a group by the names of its fields."""
    hints = get_type_hints(group, include_extras=True)
    return {f.name: inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
            for f in fields(group)}

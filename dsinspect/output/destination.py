"""Where output goes: refused, staged under a temporary name, put in place when it is whole; never into a source."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from pathlib import Path

from dsinspect.errors import UserError, os_reason
from dsinspect.io.archives import SUFFIXES
from dsinspect.io.atomic import cut
from dsinspect.io.containment import held
from dsinspect.io.files import IMAGE_SUFFIXES
from dsinspect.io.folders import make_folder, remove_folder, walk
from dsinspect.io.reading import leaves, reads_outside
from dsinspect.io.under_way import complete, is_alive, under_way
from dsinspect.output.made_here import made_here


def require_new(roots: Collection[Path], out: Path, *, force: bool) -> None:
    """Raise a UserError unless `out` can become a new folder that holds what is made of the datasets at `roots`."""
    require_apart(roots, out)
    require_folder_name(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"-o {out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise UserError(f"-o {out}: the folder is not empty; name another one, or use --force")
    if not out.parent.is_dir():
        raise UserError(f"-o {out}: no folder {out.parent}")
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"-o {out}: the folder {out.parent} cannot be written")


def require_folder_name(out: Path) -> None:
    """Raise a UserError when a folder that is to be made would be called like an archive: it is not packed."""
    if out.name.lower().endswith(SUFFIXES) and not out.is_dir():
        raise UserError(f"-o {out}: names an archive, and a folder is written; name the folder, and pack it afterwards")


def require_apart(roots: Collection[Path], out: Path, *, goes_on: bool = False) -> None:
    """Raise a UserError unless an output folder lies outside of the datasets, and they outside of it.

    Beside a dataset that is a single file the output may lie when it is new or empty, and no image of the set lies there.

    Args:
        roots: of the datasets, and folders of images that were named.
        out: the output folder.
        goes_on: it holds a run of this program that is resumed, and counts as new.
    """
    target = out.resolve()
    named = [r.resolve() for r in roots if r.is_dir()]
    for root in roots:
        source = root.resolve()
        if not source.exists():  # opening it says so
            continue
        folder = source if source.is_dir() else source.parent
        if target == folder or target in folder.parents:
            raise UserError(f"-o {out}: lies in the dataset's folder or holds it; name a folder elsewhere")
        if source.is_dir():
            if folder in target.parents:
                raise UserError(f"-o {out}: lies in the dataset's folder; name a folder elsewhere")
            continue
        if folder in target.parents and not (goes_on or _is_new(target)):
            raise UserError(f"-o {out}: lies in the folder of the dataset's file and is not empty; name a new folder, or one "
                            "elsewhere")
        for home in folders_of(source):
            if home in target.parents and (any(n.is_relative_to(home) for n in named) if named else _has_images(home, target)):
                raise UserError(f"-o {out}: lies in {home}, which holds the dataset's images; name a folder elsewhere")


def _has_images(folder: Path, besides: Path) -> bool:
    """Say whether an image lies in a folder or below, another folder and hidden ones (what a killed run left) left out."""
    left_out = os.fspath(besides)
    for where, folders, files in walk(folder):
        if any(os.path.splitext(f)[1].lower() in IMAGE_SUFFIXES for f in files):  # noqa: PTH122 - a Path a file costs more
            return True
        folders[:] = [f for f in folders if not f.startswith(".") and os.path.join(where, f) != left_out]  # noqa: PTH118
    return False


def _is_new(folder: Path) -> bool:
    """Say whether a folder is not there yet, or empty."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def require_no_link_out(out: Path) -> None:
    """Raise a UserError when a link in an output folder leads out of it: what is written through it would land there."""
    home = os.path.realpath(out)
    for where, folders, files in walk(out):
        for name in (*folders, *files):
            path = os.path.join(where, name)  # noqa: PTH118 - a Path a file costs more
            if os.path.islink(path) and not is_within(path, home):  # noqa: PTH114
                raise UserError(f"-o {out}: its link {os.path.relpath(path, out)} leads out of it; name another folder")


class Apart:
    """Refuses an output that holds files of the dataset, wherever its configuration or its links put them.

    Args:
        out: the output folder.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._home = os.path.realpath(out)
        self._seen: set[str] = set()

    def require(self, files: Iterable[str | None]) -> None:
        """Raise a UserError when a file of the dataset lies in the output."""
        for folder in {os.path.dirname(f) for f in files if f} - self._seen:  # noqa: PTH120 - a Path a file costs more
            self._seen.add(folder)
            if is_within(folder, self._home):
                raise UserError(f"-o {self._out}: holds files of the dataset ({folder}); name another folder")


def is_within(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Say whether a path, links followed, is a folder or lies below it."""
    return not leaves(path, folder)


@contextlib.contextmanager
def staged(roots: Collection[Path], out: Path, *, force: bool, last: bool = False) -> Iterator[Path]:
    """Give an empty folder beside `out`; it becomes `out` when the block ends well, and goes when it does not.

    Args:
        roots: of the dataset, which must lie elsewhere.
        out: a new folder.
        force: it may be there; its files of the same names are replaced, the others stay.
        last: nothing of weight comes after it, so that the program is no longer broken off from here on.

    Raises:
        UserError: the output is refused or cannot be written.
    """
    require_new(roots, out, force=force)
    try:
        with claimed(out) as stage:
            yield stage
            if last:
                complete()
            publish(stage, out, force=force)
    except OSError as e:
        named = re.sub(rf"\.{re.escape(cut(out.name, 200))}\.\d+\.part", out.name, str(e.filename or ""))
        where = f" ({named})" if named and named != str(out) else ""
        raise UserError(f"-o {out}: {os_reason(e)}{where}") from None


@contextlib.contextmanager
def claimed(out: Path) -> Iterator[Path]:
    """Claim an output for this run: give a new folder beside it, which is seen by other runs and goes when the block ends.

    What runs that were killed left of this output is removed.

    Raises:
        UserError: another run that is alive has claimed it.
        OSError: the folder cannot be made.
    """
    home = out if out.name and out.name != ".." else Path(os.path.abspath(out))  # noqa: PTH100 - `.` has no name to go by
    stage = home.with_name(f".{cut(home.name, 200)}.{os.getpid()}.part")
    with contextlib.ExitStack() as stack:
        with _one_at_a_time(home.parent):
            _sweep(home)
            others = [*_claims(home)]
            if others:
                number, folder = others[0]
                raise UserError(f"-o {out}: another run (process {number}) writes it at this moment; wait for it, or name "
                                f"another folder (remove {folder} if there is no such run)")
            stack.enter_context(under_way(stage))  # from here on it is ours, and goes when the block is broken off
            stage.mkdir()
        yield stage
        remove_folder(stage)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time look at the claims in a folder and add its own, where the file system can."""
    descriptor = -1
    with contextlib.suppress(ImportError, OSError):  # Windows; a file system without locks
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _claims(out: Path) -> Iterator[tuple[int, Path]]:
    """Yield the processes that claim an output, and their folders."""
    pattern = re.compile(rf"\.{re.escape(cut(out.name, 200))}\.(\d+)\.part")
    for path in sorted(out.parent.iterdir()):
        match = pattern.fullmatch(path.name)
        if match and path.is_dir() and not path.is_symlink():
            yield int(match[1]), path


def publish(stage: Path, out: Path, *, force: bool) -> None:
    """Rename a finished folder to its name, or move its files into the folder that is there, never through a link out of it.

    Of two runs that write one output at once the first to end has it: a folder takes the name of an empty one only.

    Raises:
        UserError: a link in the folder that is there leads out of it, or another run has filled it meanwhile.
        OSError: a file cannot be moved.
    """
    if not force and not out.is_symlink():
        if out.is_dir():
            shutil.copymode(out, stage)
        with contextlib.suppress(OSError):  # it was filled meanwhile, or is a place where something is mounted
            stage.rename(out)
            return
    if not out.exists():
        stage.rename(out)
        return
    if not force and any(out.iterdir()):
        raise UserError(f"-o {out}: another run has filled it meanwhile; name another folder, or use --force")
    pairs = [(stage / path, held(out, path)) for path in files_below(stage)]  # all are looked at before the first is moved
    for source, target in pairs:
        make_folder(target.parent)
        source.replace(target)
    for folder, _, _ in walk(stage):  # those without a file, too
        make_folder(out / os.path.relpath(folder, stage))


def files_below(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, POSIX and relative to it, in order; links to folders are followed once.

    Text behind a link that leads out of the folder is left out, as it is in reading: see `dsinspect.io.reading`.
    """
    seen: set[tuple[int, int]] = set()
    trusted = reads_outside()
    home = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118
    waiting: list[tuple[str, str, bool] | str] = [(os.fspath(folder), "", False)]
    while waiting:  # a stack, for a thousand nested folders are more than Python recurses into
        item = waiting.pop()
        if isinstance(item, str):
            yield item
            continue
        where, prefix, outside = item  # only a link leads outside: asking for the real path of each folder is quadratic in depth
        status = os.stat(where)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(where) as listing:
            entries = sorted(listing, key=attrgetter("name"), reverse=True)
        for entry in entries:
            if _is_folder(entry):
                leads = entry.is_symlink() and not os.path.join(os.path.realpath(entry.path), "").startswith(home)  # noqa: PTH118
                waiting.append((entry.path, f"{prefix}{entry.name}/", not trusted and (outside or leads)))
        for entry in entries:
            if _is_folder(entry):
                continue
            is_text = os.path.splitext(entry.name)[1].lower() not in IMAGE_SUFFIXES  # noqa: PTH122
            if not trusted and is_text and (outside or entry.is_symlink()) and not os.path.realpath(entry.path).startswith(home):
                continue
            waiting.append(prefix + entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a folder, links followed; a link in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def require_file(path: Path, sources: Collection[Path], *, option: str = "-o") -> None:
    """Raise a UserError unless a report can be written to a file; asked before the work, not after it.

    Args:
        path: the file to be.
        sources: datasets and other inputs. An input is never replaced, nor a file in a dataset's folder that dsinspect did not
            write: it may be an image, a file of annotations or a list of the set.
        option: that named the file.
    """
    folder = path.parent
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder; name a file in it")
    if not folder.is_dir():
        raise UserError(f"{option} {path}: no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{option} {path}: the folder {folder} cannot be written")
    if not path.exists():
        return
    if not path.is_file():
        raise UserError(f"{option} {path}: is no regular file; name another one")
    for source in sources:
        if source.is_file() and path.samefile(source):
            raise UserError(f"{option} {path}: is what is read; name another file")
    if any(is_within(path, home) for home in _homes(sources)) and not made_here(path):
        raise UserError(f"{option} {path}: is in the dataset's folder and dsinspect did not write it; name another file")


def _homes(sources: Collection[Path]) -> Iterator[Path]:
    """Yield the folders of inputs that are datasets; a file that dsinspect wrote is none."""
    for source in sources:
        if source.is_dir():
            yield source
        elif source.exists() and not made_here(source):
            yield from folders_of(source)


def folders_of(file: Path) -> list[Path]:
    """Return the folder of a dataset that is a file, and the one above where that is a folder of annotations."""
    folder = file.resolve().parent
    return [folder, folder.parent] if folder.name.lower() in ("annotations", "labels") else [folder]


def _sweep(out: Path) -> None:
    """Remove what runs that were killed left of this output: their process is no more."""
    for number, path in _claims(out):
        if not is_alive(number):
            remove_folder(path)

"""`dsinspect review serve`: review at the keyboard, in a browser on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Inspecting, Judged, Judging, shares_options
from dsinspect.errors import UserError


@shares_options
def serve(
    dataset: Dataset,
    *,
    store: Annotated[Path, typer.Option(
        "--store", metavar="FILE", help="File of the decisions; an existing one is continued.")] = Path("review.sqlite"),
    reviewer: Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Your name, written beside decisions.")] = "",
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    judging: Judged,
    running: Inspecting,
) -> None:
    """Review in a browser on this machine: prints its address, and keeps every decision in a store.

    It ends with ^C, or when the shell that started it is gone (with `nohup` it stays). The dataset is only read. `dsinspect review
    apply STORE DATASET -o OUT` applies the decisions; several reviewers may use one store at once.
    """
    from dsinspect.inspection.cache import default_path
    from dsinspect.inspection.inspect import inspect
    from dsinspect.review.server.catalog import SCORES_IN
    from dsinspect.review.server.serving import require_extra
    from dsinspect.review.server.serving import serve as run_server

    parent = os.getppid()  # before a long inspection, in which it may go
    require_extra()
    session = common.start(dataset, judging, running)
    folder = (running.cache_dir or default_path().parent) / "review-images"
    with session.dataset_first():
        require_places(dataset, judging, store, folder)
    run = inspect(session.request(keep_images=True, keep_annotations=True, keep_columns=frozenset((SCORES_IN,))), session.plugins)
    common.report_trouble(run)
    if not running.quiet:
        print(f"dsinspect: decisions go to {store}; open the address, end with ^C", file=sys.stderr)
    run_server(run, store, folder, reviewer, port, parent)


def require_places(dataset: Sequence[str], judging: Judging, store: Path, folder: Path) -> None:
    """Raise a UserError where the store or the folder of images would lie in the dataset, or cannot be written."""
    from dsinspect.io.archives import is_archive
    from dsinspect.output.destination import is_within
    from dsinspect.review.store import is_store

    common.require_writable(store, *dataset, judging=judging, option="--store")
    places = [*(Path(common.plain_path(d)) for d in dataset if "://" not in d), *([judging.images] if judging.images else [])]
    if any(is_within(store, p if p.is_dir() else p.parent) for p in places if not is_archive(p)):
        raise UserError(f"--store {store}: is in the dataset's folder, which is only read; name a file elsewhere")
    if any(is_within(folder, p) for p in places if p.is_dir()):
        raise UserError(f"--cache-dir {folder.parent}: lies in the dataset's folder, which is only read; name a folder elsewhere")
    if store.suffix.lower() in (".xlsx", ".json", ".html"):
        raise UserError(f"--store {store}: the store is an SQLite file; name it FILE.sqlite")
    if store.exists() and store.stat().st_size and not is_store(store):
        raise UserError(f"--store {store}: is no store of decisions; name another file, such as review.sqlite")

"""`dsinspect review serve`: review at the keyboard, in a browser on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Inspecting, Judged, shares_options
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

    The dataset is only read. `dsinspect review apply STORE DATASET -o OUT` applies the decisions; several reviewers may use
    one store at once.
    """
    from dsinspect.inspection.cache import default_path
    from dsinspect.inspection.inspect import inspect
    from dsinspect.output.destination import is_within
    from dsinspect.review.server.catalog import SCORES_IN
    from dsinspect.review.server.serving import serve as run_server

    common.require_writable(store, *dataset, force=True)
    places = [Path(common.plain_path(d)) for d in dataset if "://" not in d]
    if any(is_within(store, p if p.is_dir() else p.parent) for p in places):
        raise UserError(f"--store {store}: is in the dataset's folder, which is only read; name a file elsewhere")
    folder = (running.cache_dir or default_path().parent) / "review-images"
    if any(is_within(folder, p) for p in places if p.is_dir()):
        raise UserError(f"--cache-dir {folder.parent}: lies in the dataset's folder, which is only read; name a folder elsewhere")
    if store.suffix.lower() in (".xlsx", ".json", ".html"):
        raise UserError(f"--store {store}: the store is an SQLite file; name it FILE.sqlite")
    session = common.start(dataset, judging, running)
    run = inspect(session.request(keep_images=True, keep_annotations=True, keep_columns=frozenset((SCORES_IN,))), session.plugins)
    common.report_trouble(run)
    if not running.quiet:
        print(f"dsinspect: decisions go to {store}; open the address, end with ^C", file=sys.stderr)
    run_server(run, store, folder, reviewer, port)

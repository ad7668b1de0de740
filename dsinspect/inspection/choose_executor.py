"""Choose the executor that the work on a dataset runs on."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from dsinspect.errors import UserError, Watched, nearest
from dsinspect.inspection.request import WorkRequest
from dsinspect.inspection.watched import WatchedExecutor
from dsinspect.known_names import PROCESS, SERIAL, THREAD
from dsinspect.loader import Plugins, load_files
from dsinspect.protocols.executors import Executor

R = TypeVar("R", bound=WorkRequest)


def for_workers(request: R, plugins: Plugins) -> R:
    """Return the request as its workers need it: with absolute places where they may run in another folder or machine.

    Raises:
        UserError: there is no executor of that name.
    """
    name, executors = request.executor, plugins.executors
    if name is None:
        return request
    if name not in executors:
        raise UserError(f"--executor {name}: no such executor{nearest(name, executors)}; there are {', '.join(executors)}")
    return request.absolute() if executors[name].is_remote else request


def choose_executor(request: WorkRequest, plugins: Plugins, shards: int, *, in_processes: bool = False) -> Executor:
    """Return the executor to use: nothing is started for one shard or one job.

    Files are read, decoded or, when there are very many labels, parsed in processes: OpenCV lets go of the interpreter
    lock, but of 2.2 ms an image half a millisecond is Python, and 20,000 images took 25 s in two processes and 30 s in two
    threads. Tables are judged in threads, which start at once and share the tables: most of the time is spent in NumPy.
    """
    executors = plugins.executors
    usual = SERIAL if request.jobs == 1 or shards == 1 else PROCESS if in_processes else THREAD
    name = request.executor or usual
    if name not in executors:
        raise UserError(f"executor {name!r} is missing; choose one of {', '.join(executors)} with --executor")
    kind = executors[name]
    blame = plugins.blame(kind)
    with Watched(blame):
        return WatchedExecutor(kind(request.jobs, partial(load_files, plugins.local)), blame)

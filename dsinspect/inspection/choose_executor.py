"""Choose the executor that an inspection runs on."""

from __future__ import annotations

from functools import partial

from dsinspect.errors import UserError, nearest
from dsinspect.inspection.request import Request
from dsinspect.loader import Plugins, load_files
from dsinspect.protocols.executors import Executor


def choose_executor(request: Request, plugins: Plugins, shards: int, *, in_processes: bool) -> Executor:
    """Return the executor to use: nothing is started for one shard or one job.

    Files are read, decoded or, when there are very many labels, parsed in processes: OpenCV lets go of the interpreter
    lock, but of 2.2 ms an image half a millisecond is Python, and 20,000 images took 25 s in two processes and 30 s in two
    threads. Tables are judged in threads, which start at once and share the tables: most of the time is spent in NumPy.
    """
    executors = plugins.executors
    name = request.executor
    if name is not None and name not in executors:
        raise UserError(f"--executor {name}: no such executor{nearest(name, executors)}; "
                        f"there are {', '.join(executors)}")
    if name is None:
        name = "serial" if request.jobs == 1 or shards == 1 else "process" if in_processes else "thread"
    if name not in executors:
        raise UserError(f"executor {name!r} is missing; choose one of {', '.join(executors)} with --executor")
    return executors[name](request.jobs, partial(load_files, plugins.local))

"""`process`: spawned processes, for work that Python itself dominates (parsing many label files)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from dsinspect.errors import UserError
from dsinspect.protocols.executors import Executor, R, T
from dsinspect_executors._pool import ordered_results


class Processes(Executor):
    """Runs items on a pool of processes.

    They are spawned, not forked: a fork copies the locks of OpenCV's and pandas' threads in whatever state they are.
    """

    name = "process"

    def results(self, fn: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield `fn(item)` in the order of the items.

        Raises:
            UserError: a worker was killed from outside, most often for want of memory.
        """
        pool = ProcessPoolExecutor(self.jobs, multiprocessing.get_context("spawn"), _start, (self.initializer,))
        workers = pool._processes  # the only handle there is for ending workers that are busy
        try:
            yield from ordered_results(pool, fn, items, 2 * self.jobs)
        except BrokenProcessPool:
            raise UserError("a worker process was killed, most likely for want of memory; "
                            "use fewer with --jobs 1") from None
        except BaseException:  # an error, ^C, or whoever took the results wants no more of them
            ended = list(workers.values())
            for worker in ended:
                worker.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in ended:  # nothing is swept up, and no error reported, while a worker still writes
                worker.join(2)
                if worker.is_alive():
                    worker.kill()
                    worker.join()
            raise
        pool.shutdown()


def _start(initializer: Callable[[], None] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears ^C and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer:
        initializer()


def _end_with_parent() -> None:
    """End this worker when the process that started it is gone, killed perhaps; the resource tracker ends with the workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

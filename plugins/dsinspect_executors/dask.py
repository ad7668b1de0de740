"""`dask`: a Dask cluster: the one at `DASK_SCHEDULER_ADDRESS`, else one of processes on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from dsinspect.errors import UserError
from dsinspect.protocols.executors import Executor, R, T


class Dask(Executor):
    """Runs items on Dask; the workers of a cluster must see the dataset under the same path and have dsinspect."""

    name = "dask"
    is_remote = True

    def results(self, fn: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield `fn(item)` in the order of the items.

        Raises:
            UserError: `distributed` is not installed, or the scheduler does not answer.
        """
        try:
            from distributed import Client
        except ImportError:
            raise UserError("--executor dask needs distributed: pip install dsinspect[dask]") from None
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        try:
            client = Client(address) if address else Client(
                n_workers=self.jobs, threads_per_worker=1, dashboard_address=None)
        except OSError as e:
            raise UserError(f"--executor dask: no scheduler at {address}: {e}") from None
        with client:
            if self.initializer:
                client.run(self.initializer)
            futures = [client.submit(fn, item, pure=False) for item in items]
            for future in futures:
                yield future.result()
                future.release()

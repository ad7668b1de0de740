"""`dask`: a Dask cluster: the one at `DASK_SCHEDULER_ADDRESS`, else one of processes on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from dsinspect.errors import UserError
from dsinspect.protocols.executors import Executor, R, T, tree_merge


class Dask(Executor):
    """Runs items on Dask; the workers of a cluster must see the dataset under the same path and have dsinspect."""

    name = "dask"
    is_remote = True

    def map_reduce(self, fn: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R],
                   seen: Callable[[R], None] | None = None) -> R:
        """Return the tree merge of `fn(item)` over all items.

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

            def results() -> Iterator[R]:
                for future in futures:
                    result = future.result()
                    future.release()
                    if seen:
                        seen(result)
                    yield result

            return tree_merge(results(), merge)

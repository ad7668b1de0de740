"""Start the server: a socket on this machine alone, a token, and the address that is printed."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError, os_reason

if TYPE_CHECKING:
    from dsinspect.protocols.run import Run


def require_extra() -> None:
    """Raise a UserError unless the libraries of the server are installed."""
    try:
        import uvicorn  # noqa: F401

        import dsinspect.review.server.app  # noqa: F401
    except ImportError as e:
        raise UserError(f"review serve needs {e.name}; install it with: pip install 'dsinspect[serve]'") from None


def serve(run: Run, store_path: Path, cache: Path, reviewer: str, port: int, parent: int = 0) -> None:
    """Serve a review until the process is interrupted; the address goes to standard output.

    Args:
        run: with images and annotations.
        store_path: file of the decisions.
        cache: folder of thumbnails and tiles.
        reviewer: name to begin with.
        port: to listen on; 0 takes a free one.
        parent: process with which the server ends; 0 for none.

    Raises:
        UserError: the extra is not installed, the port is taken, or the store cannot be used.
    """
    require_extra()
    import uvicorn

    from dsinspect.io.decoder_stderr import quiet_decoders
    from dsinspect.io.image_codec import start_opencv
    from dsinspect.review.server.app import make_app
    from dsinspect.review.server.catalog import Catalog
    from dsinspect.review.server.pixels import Pixels
    from dsinspect.review.store import Store

    start_opencv()
    store = Store(store_path, run.path, run.settings, sum(len(o.findings) for o in run.outcomes))
    catalog = Catalog(run)
    _ = catalog.state  # made before anybody waits for it
    pixels = Pixels(catalog, cache)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as e:
            raise UserError(f"--port {port}: {os_reason(e)}") from None
        listener.listen(128)
        number = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        app = make_app(catalog, pixels, store, reviewer, token, number)
        print(f"http://127.0.0.1:{number}/{token}/", flush=True)
        config = uvicorn.Config(app, log_level="error", access_log=False, server_header=False, date_header=False, lifespan="off",
                                ws="none")
        end_with(parent)
        try:
            with quiet_decoders():
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            store.close()


LOOKED_AFTER = 1.0
"""Seconds between two looks at whether the parent is there."""


def end_with(parent: int) -> threading.Thread | None:
    """End this process soon after its parent is gone, a shell that was killed perhaps: nobody could end it with ^C any more.

    One that was started with `nohup`, or by the first process, runs on.
    """
    ignores_hangup = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    if parent <= 1 or ignores_hangup:
        return None

    def watch() -> None:
        waiting = threading.Event()
        while os.getppid() == parent:
            waiting.wait(LOOKED_AFTER)
        signal.raise_signal(signal.SIGTERM)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread

"""Serving a simulator: until the process ends, or in a thread while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from waitress.server import create_server

STOPPING_S = 5.0


def serve(app: Flask, port: int, host: str = "127.0.0.1", threads: int = 8) -> None:
    """Serve until the process is interrupted."""
    create_server(app, host=host, port=port, threads=threads).run()


@contextmanager
def running(app: Flask, host: str = "127.0.0.1", threads: int = 8) -> Iterator[str]:
    """Serve in a thread on a free port meanwhile; gives the base URL without a slash at its end."""
    server = create_server(app, host=host, port=0, threads=threads)
    thread = threading.Thread(target=server.run, name=app.name, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown(cancel_pending=False)
        _stop(server)
        thread.join(timeout=STOPPING_S)


def _stop(server: Any) -> None:
    """Have the server's own thread close everything; its loop ends when nothing is left to wait for.

    Kept-alive connections are closed too. The thread may be awake already, so it waits until the
    trigger that wakes it was pulled: closing the trigger under the puller's hand would break it.
    """
    pulled = threading.Event()

    def close() -> None:
        pulled.wait(STOPPING_S)
        for channel in list(server.active_channels.values()):
            channel.close()
        server.close()

    server.trigger.pull_trigger(close)
    pulled.set()

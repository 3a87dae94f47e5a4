"""A WSGI application behind a real server, for clients that speak to an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from waitress import create_server, wasyncore


@contextmanager
def served(app: Any, **how: Any) -> Iterator[str]:
    """``http://127.0.0.1:…`` while it runs.

    Args:
        how: further settings of waitress.
    """
    server = create_server(app, host="127.0.0.1", port=0, **how)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # The loop's own thread lets go of the sockets, and they are closed when nobody uses them
        # any more: closing them there raced with the very write that wakes it up.
        sockets: dict[int, wasyncore.dispatcher] = {}
        server.trigger.pull_trigger(lambda: (sockets.update(server._map), server._map.clear()))
        thread.join(60)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets, ignore_all=True)
        assert not thread.is_alive()

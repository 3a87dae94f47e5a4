"""A WSGI application behind a real server, for clients that speak to an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from waitress import wasyncore

from webapi.sockets import Sockets


@contextmanager
def served(app: Any, look: float = 60.0, **how: Any) -> Iterator[str]:
    """``http://127.0.0.1:…`` while it runs.

    Args:
        look: for how long it waits at most until somebody says something; so long nothing else is done either.
        how: further settings of waitress.
    """
    sockets, over = Sockets(), Event()
    sockets.open(app, host="127.0.0.1", port=0, **how)
    (listener,) = sockets.listeners

    def listen() -> None:
        while not over.is_set():
            sockets.look(look)

    thread = Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.effective_port}"
    finally:
        over.set()
        listener.pull_trigger()
        thread.join(60)
        listener.task_dispatcher.shutdown()
        for channel in sockets.channels:
            channel.handle_close()  # with what it was to say; nobody has heard yet that they have gone
        wasyncore.close_all(sockets, ignore_all=True)
        assert not thread.is_alive()

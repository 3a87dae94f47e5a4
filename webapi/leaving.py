"""How a web process leaves when it is told to stop: nobody else is let in, and whoever is in is served first.

Waitress itself stops at once: what waits for a thread is cancelled, and whoever has connected and was not looked at yet
finds the connection reset. A proxy sends everybody else to another process, but those were lost at every upgrade.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ThreadedTaskDispatcher

from webapi.sockets import Answer, Channel, Sockets

SERVED_SECONDS = 20.0  # whoever is not served by then has a slow line
QUIET_SECONDS = 0.5  # whoever has connected, or was answered, and says nothing for so long says nothing more


class Parting(Answer):
    """An answer; once we leave it says that it is the last one on its connection."""

    last = False

    def build_response_header(self) -> bytes:
        if Parting.last and self.version == "1.1":
            self.set_close_on_finish()
        return bytes(super().build_response_header())


def serve(sockets: Sockets, threads: ThreadedTaskDispatcher, leave: Callable[[], object]) -> None:
    """Until the process is told to stop (SIGTERM, SIGINT), and everybody has been seen off.

    Args:
        leave: ends what would wait for long.
    """
    Channel.task_class = Parting
    listeners = sockets.listeners

    def told(*_: Any) -> None:
        Parting.last = True
        listeners[0].pull_trigger()  # or the next look at the sockets would come only when somebody says something

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    while not Parting.last:
        sockets.look(1.0)
    for one in listeners:
        one.adj.connection_limit += one.adj.backlog  # nobody comes after these
        sockets.let_in(one, one.adj.backlog)
        one.del_channel()
        one.socket.close()
    leave()
    until = time.monotonic() + SERVED_SECONDS
    while time.monotonic() < until and any(map(_is_in, sockets.channels)):
        sockets.look(0.1)
    for one in sockets.channels:
        one.handle_close()  # whoever says something now is to hear that nobody listens
    threads.shutdown()


def _is_in(one: HTTPChannel) -> bool:
    """Whether somebody is being answered, or may just be about to ask."""
    asked = one.requests or one.request is not None or one.total_outbufs_len
    return bool(asked) or time.time() - one.last_activity < QUIET_SECONDS

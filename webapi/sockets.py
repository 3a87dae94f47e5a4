"""Everybody who is connected to a web process; the kernel tells who has something to say.

Waitress asks everybody who is connected what they wait for each time anything happens, and is woken after each answer
to ask again: with hundreds of connections, that is most of what a process does. Here the kernel keeps the list (epoll)
and tells of each connection once; then it is asked about it again, after an answer by the thread that gave it.
"""

from __future__ import annotations

import logging
import math
import select
import time
import weakref
from threading import Lock
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.wasyncore import readwrite

log = logging.getLogger(__name__)

AT_ONCE = 50  # are let in before it is looked again who has said something
TIDY_SECONDS = 10.0  # how often whoever has said nothing for long is given up
_READ, _WRITE = select.EPOLLIN | select.EPOLLPRI, select.EPOLLOUT


class Sockets(dict[int, Any]):
    """Waitress's map of listeners, their triggers and channels by file number."""

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._lock = Lock()  # what a thread has found and asks the kernel for must not overtake what another has
        self._full: set[Any] = set()  # listeners that let nobody in, there being too many
        self._tidied_at = time.monotonic()

    def __setitem__(self, number: int, one: Any) -> None:
        with self._lock:
            self._epoll.register(number, _READ | select.EPOLLONESHOT)
            super().__setitem__(number, one)

    def __delitem__(self, number: int) -> None:
        with self._lock:
            super().__delitem__(number)
            self._epoll.unregister(number)

    def open(self, app: Any, **settings: Any) -> None:
        """Listen, as `waitress.create_server` does with these settings."""
        waitress.create_server(app, map=self, **settings)
        for one in self.listeners:
            one.channel_class = Channel
            one.next_channel_cleanup = math.inf  # `_tidy` does it

    @property
    def listeners(self) -> list[BaseWSGIServer]:
        return [one for one in list(self.values()) if isinstance(one, BaseWSGIServer)]

    @property
    def channels(self) -> list[HTTPChannel]:
        return [one for one in list(self.values()) if isinstance(one, HTTPChannel)]

    def look(self, seconds: float) -> None:
        """Hear everybody who has something to say; wait for the first so long at most."""
        for number, flags in self._epoll.poll(seconds):
            self._hear(self.get(number), flags)
        for listener in [*self._full]:
            self.watch(listener)
        if time.monotonic() - self._tidied_at > TIDY_SECONDS:
            self._tidy()

    def _hear(self, one: Any, flags: int) -> None:
        if one is None:
            return
        if one.accepting:
            self.let_in(one, AT_ONCE)
        else:
            readwrite(one, flags if one.readable() else flags & ~_READ)
        self.watch(one)

    def let_in(self, listener: Any, most: int) -> None:
        """Whom the kernel has told already that they are connected. Waitress lets in one each time it has looked at
        everybody who is in, and in a surge there was no time for more than that."""
        for _ in range(most):
            before = len(self)
            if before < listener.adj.connection_limit:
                try:
                    listener.handle_accept()
                except Exception:  # the next one may have more luck
                    log.exception("Somebody could not be let in.")
            if len(self) == before:
                break

    def watch(self, one: Any) -> None:
        """Ask the kernel again about somebody whom it has told of. Any thread may, after whatever it has changed.

        Who waits for nothing that the kernel could tell is not asked about: a thread is just answering, and will say.
        """
        with self._lock:
            flags = (_READ if one.readable() else 0) | (_WRITE if one.writable() and not one.accepting else 0)
            if one.accepting:
                (self._full.discard if flags else self._full.add)(one)
            if flags and self.get(one._fileno) is one:
                self._epoll.modify(one._fileno, flags | select.EPOLLONESHOT)

    def _tidy(self) -> None:
        self._tidied_at = time.monotonic()
        for listener in self.listeners:
            listener.maintenance(time.time())
        for channel in self.channels:
            self.watch(channel)


class Channel(HTTPChannel):
    """A connection, whose thread has it watched again by itself: nobody else need be woken for that."""

    def __init__(self, server: Any, *args: Any, **more: Any) -> None:
        super().__init__(_Trigger(server, self), *args, **more)

    def handle_close(self) -> None:
        super().handle_close()
        if self.request is not None:  # it will never be complete
            self.request.close()


class _Trigger:
    """A channel's server, which wakes nobody but this channel. It does not keep it: whatever has come of a request lies
    with the channel, and goes as soon as that is closed."""

    def __init__(self, server: Any, channel: Channel) -> None:
        self._server, self._channel = server, weakref.ref(channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def pull_trigger(self) -> None:
        if (channel := self._channel()) is not None:
            self._server._map.watch(channel)

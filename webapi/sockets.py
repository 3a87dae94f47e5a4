"""Everybody who is connected to a web process, and how it is known who has something to say.

Waitress asks everybody who is connected what they wait for each time anything happens, tells the kernel, and is woken
after each answer to do it again. Here the kernel is told only what has changed; and whoever is being answered may go on
being listened to, for they say nothing more until they have heard the answer: then nobody need be woken after it.

It is poll, not epoll: that has to be told in a system call for each connection, and in a surge, where everybody comes
once, each call costs the thread that lets people in its turn at Python's lock (docs/decisions/0026).
"""

from __future__ import annotations

import logging
import math
import select
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import Task, WSGITask
from waitress.wasyncore import readwrite

log = logging.getLogger(__name__)

AT_ONCE = 50  # are let in before it is looked again who has said something
LONG_SECONDS = 0.002  # of the processor's: a page or a list, no step of a case
TIDY_SECONDS = 10.0  # how often whoever has said nothing for long is given up
_READ, _WRITE = select.POLLIN, select.POLLOUT
NO_FILE_SECONDS = 0.01  # until the next try to let somebody in, where no file is left for them


class Sockets(dict[int, Any]):
    """Waitress's map of listeners, their triggers and channels by file number. One thread looks at them.

    Attributes:
        listeners: what it listens at, or did.
    """

    def __init__(self) -> None:
        super().__init__()
        self._poll = select.poll()
        self._unheard: set[Any] = set()  # who has said more than can be taken now: a channel that is being answered
        self._changed: deque[Any] = deque()  # channels that a thread has changed, for the one that looks
        self._waits = False
        self.listeners: list[BaseWSGIServer] = []
        self._tidied_at = time.monotonic()

    def __setitem__(self, number: int, one: Any) -> None:
        super().__setitem__(number, one)
        self._poll.register(number, _READ)

    def __delitem__(self, number: int) -> None:
        self._unheard.discard(self.get(number))
        super().__delitem__(number)
        with suppress(KeyError):
            self._poll.unregister(number)

    def open(self, app: Any, **settings: Any) -> None:
        """Listen, as `waitress.create_server` does with these settings."""
        waitress.create_server(app, map=self, **settings)
        self.listeners = [one for one in self.values() if isinstance(one, BaseWSGIServer)]
        for one in self.listeners:
            one.channel_class = Channel
            one.next_channel_cleanup = math.inf  # `_tidy` does it

    @property
    def channels(self) -> list[HTTPChannel]:
        return [one for one in list(self.values()) if isinstance(one, HTTPChannel)]

    def look(self, seconds: float) -> None:
        """Hear everybody who has something to say; wait for the first so long at most."""
        self._waits = True
        while self._changed:
            self._ask(self._changed.popleft())
        heard = self._poll.poll(seconds * 1000)
        self._waits = False
        for number, flags in heard:
            if (one := self.get(number)) is not None:
                self._hear(one, flags)
        for one in self.listeners:
            if one in self._unheard:
                self._ask(one)
        if time.monotonic() - self._tidied_at > TIDY_SECONDS:
            self._tidy()

    def changed(self, one: HTTPChannel) -> bool:
        """A thread has changed this channel; whether the one that looks has to be woken for that."""
        if one not in self._unheard and not one.writable():
            return False
        self._changed.append(one)
        return self._waits

    def let_in(self, listener: Any, most: int) -> bool:
        """Whom the kernel has told already that they are connected; whether there was anybody. Waitress lets in one
        each time it has looked at everybody who is in, and in a surge there was no time for more than that."""
        at_first = len(self)
        for _ in range(most):
            before = len(self)
            if before < listener.adj.connection_limit:
                try:
                    listener.handle_accept()
                except Exception:  # the next one may have more luck
                    log.exception("Somebody could not be let in.")
            if len(self) == before:
                break
        return len(self) > at_first

    def _hear(self, one: Any, flags: int) -> None:
        if one.accepting and not self.let_in(one, AT_ONCE):
            time.sleep(NO_FILE_SECONDS)
        can_be_heard = one.readable()
        if not can_be_heard and not flags & _WRITE:
            self._unheard.add(one)
        elif not one.accepting:
            readwrite(one, flags if can_be_heard else flags & ~_READ)
        self._ask(one)

    def _ask(self, one: Any) -> None:
        """What the kernel is to tell of somebody."""
        if self.get(one._fileno) is not one:
            self._unheard.discard(one)
            return
        if one.readable():  # after it has become one of them: so does a thread look there after it has changed it
            self._unheard.discard(one)
        flags = (0 if one in self._unheard else _READ) | (_WRITE if one.writable() and not one.accepting else 0)
        if flags:
            self._poll.register(one._fileno, flags)
        else:
            with suppress(KeyError):
                self._poll.unregister(one._fileno)

    def _tidy(self) -> None:
        self._tidied_at = time.monotonic()
        for listener in self.listeners:
            listener.maintenance(time.time())
        for channel in self.channels:
            self._ask(channel)


class Whole(Task):
    """What is answered; its head and the first of its body leave together, and whoever waits for it is woken once."""

    def write(self, data: bytes) -> None:
        channel = self.channel
        self.channel = parts = _Parts(channel)
        try:
            super().write(data)
        finally:
            self.channel = channel
        channel.write_soon(b"".join(parts.said))


class _Parts:
    """A channel, for a task that is writing: it only notes what it is told to send."""

    def __init__(self, channel: HTTPChannel) -> None:
        self.server = channel.server
        self.said: list[bytes] = []

    def write_soon(self, data: bytes) -> None:
        self.said.append(data)


class Answer(Whole, WSGITask):
    """What the application says."""


class Channel(HTTPChannel):
    """A connection, whose thread wakes the one that looks only if there is something to do for it."""

    task_class = Answer
    _sends = False

    def __init__(self, server: Any, *args: Any, **more: Any) -> None:
        super().__init__(_Trigger(server, self), *args, **more)

    def writable(self) -> bool:
        """Not while a thread sends, which tells what is left. Whoever is answered may have spoken again before that
        thread runs again, and the one that looks would ask the kernel over and over whether it could help."""
        return bool(not self._sends and super().writable())

    def service(self) -> None:
        """Whoever has computed for long offers Python's lock to those in the middle before the thread takes the next:
        it would run on with that one, and they would wait for everybody who comes after them."""
        began = time.thread_time()
        try:
            super().service()
        except BaseException:  # else it has done that itself
            self.server.pull_trigger()
            raise
        if time.thread_time() - began > LONG_SECONDS:
            time.sleep(0)

    def _flush_some(self, do_close: bool = True) -> Any:
        """A connection that is broken is closed by the thread that looks, as soon as the kernel tells that."""
        self._sends = True
        try:
            return super()._flush_some(do_close=False)
        finally:
            self._sends = False

    def handle_close(self) -> None:
        super().handle_close()
        if self.request is not None:  # it will never be complete
            self.request.close()


class _Trigger:
    """A channel's server, that is woken for this channel. It does not keep it: whatever has come of a request lies with
    the channel, and goes as soon as that is closed."""

    def __init__(self, server: Any, channel: Channel) -> None:
        self._server, self._channel = server, weakref.ref(channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def pull_trigger(self) -> None:
        channel = self._channel()
        if channel is not None and self._server._map.changed(channel):
            self._server.pull_trigger()

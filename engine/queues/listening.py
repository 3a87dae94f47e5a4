"""Waiting for PostgreSQL to say that something is due. Only a shortcut: whoever waits looks now and then anyway."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from engine.queues.leases import DUE

log = logging.getLogger(__name__)

LOOK_SECONDS = 1
RECONNECT_SECONDS = 5


class Listener(Thread):
    """A connection of its own that calls ``wake`` at every notice, and once when it begins to listen."""

    def __init__(self, database: Engine, wake: Callable[[], None], channel: str = DUE) -> None:
        super().__init__(name="listen", daemon=True)
        self._database = database
        self._wake = wake
        self._channel = channel
        self._stopping = Event()

    def stop(self) -> None:
        self._stopping.set()
        self.join(RECONNECT_SECONDS)

    def run(self) -> None:
        from psycopg import Error

        while not self._stopping.is_set():
            try:
                self._listen()
            except (SQLAlchemyError, Error) as error:
                log.warning("Not listening to PostgreSQL: %s", error, extra={"action": "listen-failed"})
                self._stopping.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with self._database.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"LISTEN {self._channel}")
            driver = connection.connection.driver_connection
            connection.detach()  # it is of no use to anybody else afterwards
            self._wake()  # for what was said while nobody listened
            while not self._stopping.is_set():
                for _ in driver.notifies(timeout=LOOK_SECONDS, stop_after=1):
                    self._wake()

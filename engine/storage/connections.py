"""The connections that units use: the one used last is used next, and asked whether it is still there if it has rested.

They come from SQLAlchemy's pool, and stay out of it between two units: to take one out and to give it back costs a call
a tenth of its time (docs/bench.md). The pool still says how many there may be, and makes and mends them.
"""

from __future__ import annotations

from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool, PoolProxiedConnection, QueuePool

IDLE_SECONDS = 5  # a connection that has rested longer is asked whether it is still there

_of: WeakKeyDictionary[Dialect, Connections] = WeakKeyDictionary()  # which engines have in common that share a pool


def of(database: Engine) -> Connections:
    """Those of a database; engines made of each other (`Engine.execution_options`) have the same."""
    if (found := _of.get(database.dialect)) is None:
        found = _of[database.dialect] = Connections(database)
    return found


class Connections:
    """Those of one database that rest, and what is known of all of them.

    A connection is asked before it is used if it has rested; and, once one was found dead, all that there were then
    are, for a server that restarts closes all at once. Asking at every unit would cost every call an exchange.

    That a connection has been put aside does not say that it is alive: a unit that was answered from memory has asked
    it nothing. So what counts is when it was made or has last answered here.
    """

    def __init__(self, database: Engine) -> None:
        self._database = ref(database)
        self._most = database.pool.size() if isinstance(database.pool, QueuePool) else 1
        self._resting: list[PoolProxiedConnection] = []
        self._is_here = database.dialect.name == "sqlite"  # in our own process
        self._doubted = 0.0
        self._disposals = 0  # what was made before the last one does not rest here
        self._open: set[int] = set()
        event.listen(database, "engine_disposed", self._let_go)
        event.listen(database, "connect", self._note_birth)
        event.listen(database, "close", self._note_death)
        event.listen(database, "close_detached", self._note_death)
        if not self._is_here:
            event.listen(database, "checkin", self._note_rest)
            event.listen(database, "checkout", self._ask)
            event.listen(database, "invalidate", self._doubt_all)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def resting(self) -> int:
        """How many units have put aside, which the pool takes for used."""
        return len(self._resting)

    def take(self) -> PoolProxiedConnection:
        """Raises:
        Error: the driver's; the database cannot be reached.
        """
        pooled = None
        while pooled is None:
            try:
                pooled = self._resting.pop()
            except IndexError:
                pooled = self._pool().connect()
            else:
                pooled = self._asked(pooled)
        pooled.info["of"] = self._disposals
        return pooled

    def give(self, pooled: PoolProxiedConnection) -> None:
        """A unit has ended, and nothing is open on its connection."""
        pool = self._pool()
        has_more = isinstance(pool, QueuePool)  # than the one of an SQLite in memory
        if not pooled.is_valid or (has_more and pool.overflow() >= pool._max_overflow):
            pooled.close()  # back to the pool: whoever waits there gets it
        elif len(self._resting) < self._most and pooled.info["of"] == self._disposals:
            self._note_rest(None, pooled)
            self._resting.append(pooled)
        elif has_more:
            _hang_up(pooled)
        else:
            pooled.close()

    def _pool(self) -> Pool:
        database = self._database()
        assert database is not None  # who asks has it
        return database.pool

    def _asked(self, pooled: PoolProxiedConnection) -> PoolProxiedConnection | None:
        try:
            self._ask(pooled.driver_connection, pooled)
        except DisconnectionError as error:
            pooled.invalidate(error)
            pooled.close()
            return None
        return pooled

    def _let_go(self, _database: Any) -> None:
        self._disposals += 1
        while self._resting:
            _hang_up(self._resting.pop())

    def _note_birth(self, connection: Any, record: Any) -> None:
        self._open.add(id(connection))
        record.info["known_since"] = monotonic()

    def _note_death(self, connection: Any, _record: Any = None) -> None:
        self._open.discard(id(connection))

    def _note_rest(self, _connection: Any, record: Any) -> None:
        record.info["rests_since"] = monotonic()

    def _doubt_all(self, _connection: Any, _record: Any, _error: Any) -> None:
        self._doubted = monotonic()

    def _ask(self, connection: Any, record: Any, _proxy: Any = None) -> None:
        rests_since = record.info.get("rests_since")
        if rests_since is None or self._is_here:  # it is new
            return
        if record.info["known_since"] > self._doubted and monotonic() - rests_since <= IDLE_SECONDS:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except Exception as error:
            raise DisconnectionError(str(error)) from error
        record.info["known_since"] = monotonic()


def _hang_up(pooled: PoolProxiedConnection) -> None:
    """The pool may have another one made in its place."""
    pooled.detach()
    pooled.close()

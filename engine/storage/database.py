"""How the engine talks to its two databases.

SQLite is the embedded default: one writer, WAL, and ``BEGIN IMMEDIATE`` before the first read of a unit that writes.
PostgreSQL is the one for many nodes: rows are locked, work is claimed with ``SKIP LOCKED``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from sqlite3 import Error
from typing import Any

import orjson
from psycopg import ClientCursor
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection, StaticPool

from engine.storage import connections
from engine.storage.wire import READING, WRITING

NAME = "thongsuot"  # of our connections, for whoever looks at PostgreSQL's (`pg_stat_activity`)
BUSY_SECONDS = 30

_JSON = {
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
    "pool_reset_on_return": None,  # whoever begins a transaction here ends it
    "hide_parameters": True,  # an error's text ends up in logs, and values may be personal
}
_LIFO = {"pool_use_lifo": True}  # the connection used last has its pages and plans at hand


def options(url: str, at_once: int = 5) -> dict[str, Any]:
    """Keyword arguments for ``create_engine`` (or ``SQLALCHEMY_ENGINE_OPTIONS``) that suit the database.

    Args:
        at_once: how many threads use it; so many connections are kept, and ten more made where that is not enough.
    """
    kept = _LIFO | {"pool_size": at_once}
    if make_url(url).get_backend_name() == "sqlite":
        pool = {"poolclass": StaticPool} if make_url(url).database in (None, "", ":memory:") else kept
        return _JSON | pool | {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    # `storage.wire` prepares what is asked often; psycopg would do the same, and forget both lists at a rollback.
    # What is prepared asks by key, whatever the key: PostgreSQL need not plan it anew each time. A list is another for
    # each agency: a plan for any agency and any limit reads all tasks of the province. psycopg writes its values out.
    # A node that is gone without a word, or stands still, would keep what it has locked, for hours.
    settings = (
        r"-c default_transaction_isolation=read\ committed"  # of what is sent in one exchange, where no BEGIN says it
        " -c timezone=utc -c jit=off -c plan_cache_mode=force_generic_plan -c idle_in_transaction_session_timeout=120s"
        " -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
    )
    psycopg = {"options": settings, "prepare_threshold": None, "cursor_factory": ClientCursor,
               "application_name": NAME, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
               "tcp_user_timeout": 60_000}  # fmt: skip
    return _JSON | kept | {"isolation_level": "READ COMMITTED", "connect_args": psycopg}


def connect(url: str) -> Engine:
    """Whoever has it made disposes of it: until then some of its connections stay open, and so does it."""
    return prepare(create_engine(url, **options(url)))


def prepare(engine: Engine) -> Engine:
    """Make an engine's connections behave as the units of work expect."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    connections.of(engine)
    return engine


def _refuse(value: datetime) -> str:
    """The driver would write it in its own way, which sorts otherwise than ours."""
    raise TypeError(f"the instant {value!r} has not been given its column's type")


sqlite3.register_adapter(datetime, _refuse)


def _make_private(_dialect: Any, _record: Any, cargs: Any, cparams: Any) -> None:
    """A new file is for its owner only; SQLite gives the files beside it the same permissions."""
    if not cparams.get("uri") and not cargs[0].startswith(":"):
        with suppress(OSError):  # it is there already; or SQLite will say what is wrong
            os.close(os.open(cargs[0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing on its own: `_begin_sqlite` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged report survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """For those who take a connection of SQLAlchemy's; a unit of work has begun by then (`transaction`)."""
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        _begin(driver, bool(connection.get_execution_options().get("writes")))


def _begin(driver: sqlite3.Connection, writes: bool) -> None:
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    try:
        driver.execute(begin)
    except Error as error:  # somebody else has been writing for too long
        raise DBAPIError.instance(begin, None, error, Error) from error


@contextmanager
def transaction(database: Engine, *, writes: bool) -> Iterator[PoolProxiedConnection]:
    """A connection of the pool's with a transaction of its own; committed at the end unless something was raised.

    It is the driver's, without SQLAlchemy's `Connection` round it, which costs a call more than the transaction does;
    PostgreSQL begins with the first statement.

    Raises:
        DBAPIError: the database cannot be reached, or somebody else writes for too long (SQLite).
    """
    errors: Any = database.dialect.loaded_dbapi.Error  # type: ignore[union-attr]
    kept = connections.of(database)
    try:
        pooled = kept.take()
    except errors as error:
        raise DBAPIError.instance(None, None, error, errors, dialect=database.dialect) from error
    driver: Any = pooled.driver_connection
    try:
        if database.dialect.name == "sqlite":
            _begin(driver, writes)
        else:
            pooled.info["begin"] = WRITING if writes else READING
        yield pooled
        try:
            driver.commit()
        except errors as error:
            raise DBAPIError.instance("COMMIT", None, error, errors, dialect=database.dialect) from error
    except BaseException:
        _roll_back(pooled)
        raise
    finally:
        kept.give(pooled)


def _roll_back(pooled: PoolProxiedConnection) -> None:
    if pooled.is_valid:
        try:
            pooled.driver_connection.rollback()  # type: ignore[union-attr]
        except Exception as error:  # it is of no use to anybody any more
            pooled.invalidate(error)

"""The two kinds of database, made, emptied and removed for tests.

SQLite's is a file, copied from one that has all tables. PostgreSQL's is one per xdist worker in the server that the
controller started; it is emptied before a test, which takes 3 ms where TRUNCATE takes 50. Both say that they are of the
newest version. What SQLAlchemy has compiled for either is kept from test to test.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

from engine import model
from engine.runtime import Runtime
from engine.storage import schema
from engine.storage.database import connect

# A test that was killed in the middle may have left a connection holding locks, and one that ended well has closed its
# own a moment ago. (`pg_terminate_backend` can wait as well, but looks every 100 ms only.)
EMPTY = """
DO $$ DECLARE name text; BEGIN
    LOOP
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid();
        EXIT WHEN NOT FOUND;
        PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
    END LOOP;
    SET LOCAL session_replication_role = replica;  -- no foreign key looks while we delete
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
        LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences
                WHERE schemaname = 'public' AND last_value IS NOT NULL
        LOOP EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART'; END LOOP;
END $$
"""
NEWEST = "INSERT INTO alembic_version VALUES (:head)"
_kept: dict[str, Engine] = {}


def make_tables(url: str) -> None:
    """As all migrations together do (see `tests.test_migrations`), in a tenth of the time."""
    database = connect(url)
    model.metadata.create_all(database)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(text(NEWEST), {"head": schema.newest()})
    database.dispose()


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    """An engine for one test: its connections and its listeners are its own, what was compiled is everybody's."""
    if url not in _kept:
        _kept[url] = connect(url)
        if _kept[url].dialect.name == "sqlite":
            event.listen(_kept[url], "connect", _do_not_wait_for_the_disk)
    try:
        yield _kept[url].execution_options()
    finally:
        _kept[url].dispose()


def _do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    """The data is thrown away: nothing has to survive a power cut."""
    connection.execute("PRAGMA synchronous = OFF").close()


def replaced(path: Path, template: Path) -> str:
    """A copy of a SQLite database in place of the one that was there. Its URL."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()  # whoever still has it open keeps the old one
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


@contextmanager
def emptying(url: str) -> Iterator[Callable[[], None]]:
    """Yields what deletes every row and starts every sequence again."""
    with _commands(url) as connection:

        def empty() -> None:
            connection.execute(text(EMPTY)).close()
            connection.execute(text(NEWEST), {"head": schema.newest()}).close()

        yield empty


def somebody_waits(runtime: Runtime, sessions: int = 1) -> bool:
    """Whether so many sessions of this PostgreSQL database wait for others that hold locks."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with runtime.read() as unit:
        return int(unit.scalar(text(waiting))) >= sessions


@contextmanager
def created(server: str, name: str) -> Iterator[str]:
    """A new database in a server, removed at the end. Yields its URL."""
    with _commands(server) as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextmanager
def _commands(url: str) -> Iterator[Connection]:
    """A connection outside transactions, which is what CREATE DATABASE wants."""
    database = create_engine(url, isolation_level="AUTOCOMMIT")
    with database.connect() as connection:
        yield connection
    database.dispose()

"""The two kinds of database, made, emptied and removed for tests.

SQLite's is a file, copied from one that has all tables. PostgreSQL's is one per xdist worker in the server that the
controller started; it is emptied before a test, which takes 3 ms where TRUNCATE takes 50.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, make_url, text

from engine import model
from engine.database import connect

EMPTY = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;  -- no foreign key looks while we delete
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
        LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences
                WHERE schemaname = 'public' AND last_value IS NOT NULL
        LOOP EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART'; END LOOP;
END $$
"""
# A test that was killed in the middle may have left a connection holding locks.
DISCONNECT_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def make_tables(url: str) -> None:
    database = connect(url)
    model.metadata.create_all(database)
    database.dispose()


def empty(url: str) -> None:
    """Delete every row and start every sequence again."""
    with _commands(url) as connection:
        connection.execute(text(DISCONNECT_OTHERS))
        connection.execute(text(EMPTY))


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

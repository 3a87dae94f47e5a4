"""The tables' versions: bringing a database to the one this code expects.

Each step is a file in ``webapi/migrations/versions``; a test proves that all of them together make exactly the tables
of `engine.model`, on both databases. Alembic and what it needs are 130 modules: imported by what asks for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).resolve().parents[2] / "webapi" / "migrations"
CURRENT, BEHIND, AHEAD = "current", "behind", "ahead"
HELD_SECONDS, REST_SECONDS = 1, 4
_HELD = "55P03"  # PostgreSQL's word for a lock that was not to be had in time
LOCK = 1022_0001  # any number, as long as every node takes the same


def upgrade(database: Engine, to: str = "head", begun: Callable[[], object] = lambda: None) -> None:
    """Bring the tables to the newest version, in one transaction. Those of the newest version are left alone.

    Two nodes that do it at once queue up; the second one finds nothing to do. Whoever waits for a table in PostgreSQL
    has all others wait behind them; so while somebody is at one for long, as who makes a copy is, the upgrade gives up
    after `HELD_SECONDS` and comes again.

    Args:
        database: from `engine.storage.database.connect`.
        begun: called when nobody else has the tables any more.
    """
    from alembic import command

    while True:
        try:
            with _alone(database) as connection:
                begun()
                command.upgrade(_config(connection), to)
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _HELD:
                raise
            log.warning("A table is in use, maybe by who makes a copy: the upgrade waits.", extra={"action": "waiting"})
            sleep(REST_SECONDS)


def is_current(database: Engine) -> bool:
    """Whether the tables are of the version this code expects."""
    with database.connect() as connection:
        return standing(connection) == CURRENT


def standing(connection: Connection) -> str:
    """How the tables stand to this code: `CURRENT`; `BEHIND`: upgrade them; `AHEAD`: newer code has done so already."""
    from alembic.migration import MigrationContext

    found = set(MigrationContext.configure(connection).get_current_heads())
    head, known = _versions()
    if found == {head}:
        return CURRENT
    return BEHIND if found <= known else AHEAD


def knows(version: str) -> bool:
    """Whether this code can work with tables of that version, once they are upgraded."""
    return version in _versions()[1]


def newest() -> str:
    """The version that this code expects."""
    return str(_versions()[0])


@cache
def _versions() -> tuple[str | None, set[str]]:
    """The newest version that this code knows of, and all of them."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    return scripts.get_current_head(), {script.revision for script in scripts.walk_revisions()}


def draft(database: Engine, sentence: str, number: str) -> Path:
    """Write a new step: what `engine.model` has and this database has not. To be read and corrected by a person.

    Args:
        sentence: what the step does; the first line of its file and part of its name.
        number: of the step, "0002".
    """
    from alembic import command

    with _alone(database) as connection:
        script = command.revision(_config(connection), sentence, autogenerate=True, rev_id=number)
    return Path(script.path)  # type: ignore[union-attr]


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _alone(database: Engine) -> Iterator[Connection]:
    """A transaction that no other migration shares, in which tables may be replaced."""
    with database.connect() as connection:
        if database.dialect.name != "sqlite":
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
                connection.execute(text("SELECT set_config('lock_timeout', :held, true)"), {"held": f"{HELD_SECONDS}s"})
                yield connection
            return
        # SQLite changes a table by copying it and dropping the old one. With foreign keys on, the drop would delete
        # whatever refers to it. They can be switched outside a transaction only.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.execution_options(writes=True).begin():
                yield connection
                _refuse_orphans(connection)
        finally:
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()


def _refuse_orphans(connection: Connection) -> None:
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if orphans:
        raise RuntimeError(f"The migration would leave rows that refer to nothing: {orphans[:3]}.")

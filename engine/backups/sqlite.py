"""SQLite's own way of copying a database that is being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from engine.backups.archive import BadBackup

PAGES = 2_000  # copied at once; 8 MB
BUSY_SECONDS = 30


def copy(database: Engine, to: Path, say: Callable[[str], object], _tools: str) -> dict[str, Any]:
    """Copy the database as it is at one instant; nobody who writes has to wait.

    Returns:
        schema, tables and files: what the copy itself says.
    """
    with closing(_open(_path(database))) as source, closing(sqlite3.connect(to)) as target:
        source.execute("BEGIN")
        # holds the picture of this instant: without it, the copy would begin again whenever somebody writes
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=PAGES, progress=_progress(say))
        tables = [name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if "alembic_version" not in tables:
            raise BadBackup("The database has no tables yet: there is nothing to copy.")
        ((version,),) = target.execute("SELECT version_num FROM alembic_version")
        files = [sha256 for (sha256,) in target.execute("SELECT DISTINCT sha256 FROM attachments ORDER BY sha256")]
    return {"schema": version, "tables": sorted(tables), "files": files}


def used_by(database: Engine) -> str | None:
    """Who has it open beside ourselves; ``None``: nobody. Whoever has, holds a lock on the file until they close it."""
    database.dispose()
    try:
        with closing(sqlite3.connect(_path(database), timeout=1, isolation_level=None)) as alone:
            alone.execute("PRAGMA locking_mode = EXCLUSIVE")
            alone.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise BadBackup(f"The database cannot be replaced: {error}.") from error
        return "another program on this machine"
    return None


def put_back(database: Engine, source: Path, say: Callable[[str], object], _tools: str) -> None:
    """Replace the database's content in one transaction; whoever has it open reads the new one from then on."""
    with closing(sqlite3.connect(source)) as copied:
        ((sound,),) = copied.execute("PRAGMA integrity_check(1)")
        if sound != "ok":
            raise BadBackup(f"The copy's database is damaged: {sound}.")
        database.dispose()
        try:
            with closing(_open(_path(database))) as target:
                copied.backup(target)
                target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as error:
            raise BadBackup(f"The database cannot be replaced: {error}. Stop whoever uses it.") from error


def _open(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def _path(database: Engine) -> str:
    return str(database.url.database)


def _progress(say: Callable[[str], object]) -> Callable[[int, int, int], None]:
    told = [0]

    def note(_status: int, remaining: int, total: int) -> None:
        tenths = 10 * (total - remaining) // max(total, 1)
        if tenths > told[0]:
            told[0] = tenths
            say(f"database: {10 * tenths}%")

    return note

"""PostgreSQL's own tools, ``pg_dump`` and ``pg_restore``, which must not be older than the server."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text

from engine.backups.archive import BadBackup
from engine.storage.database import NAME

DEBIAN = Path("/usr/lib/postgresql")


def copy(database: Engine, to: Path, say: Callable[[str], object], tools: str) -> dict[str, Any]:
    """Dump the database as it is at one instant; nobody has to wait.

    Returns:
        schema, tables and files: of the very same instant.
    """
    with database.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        # it rests while the dump runs, and that may take longer than a node may rest that has vanished
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        picture = connection.scalar(text("SELECT pg_export_snapshot()"))
        tables = inspect(connection).get_table_names()
        if "alembic_version" not in tables:
            raise BadBackup("The database has no tables yet: there is nothing to copy.")
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        files = list(connection.scalars(text("SELECT DISTINCT sha256 FROM attachments ORDER BY sha256")))
        _run(database, tools, "pg_dump", "--format=custom", f"--snapshot={picture}", f"--file={to}")
    return {"schema": version, "tables": sorted(tables), "files": files}


def used_by(database: Engine) -> str | None:
    """Who of ours is connected beside ourselves; ``None``: nobody."""
    database.dispose()
    others = text("SELECT count(*), string_agg(DISTINCT coalesce(host(client_addr), 'this machine'), ', ') "
                  "FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name "
                  "AND pid <> pg_backend_pid()")  # fmt: skip
    for _ in range(20):  # what has just been closed, by us or by a server that was stopped, is seen for a moment
        with database.connect() as connection:
            count, machines = connection.execute(others, {"name": NAME}).one()
        if not count:
            return None
        time.sleep(0.1)
    return f"{count} connections of Thông Suốt, from {machines}"


def put_back(database: Engine, source: Path, say: Callable[[str], object], tools: str) -> None:
    """Replace the tables in one transaction."""
    database.dispose()
    flags = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error")
    _run(database, tools, "pg_restore", *flags, str(source))


def _run(database: Engine, tools: str, tool: str, *arguments: str) -> None:
    """Run a tool on the database; the password goes by the environment, which others on the machine cannot read."""
    url = database.url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    secret = {"PGPASSWORD": str(database.url.password)} if database.url.password else {}
    command = [_found(tool, tools), "--no-owner", "--no-privileges", f"--dbname={url}", *arguments]
    done = subprocess.run(command, env={**os.environ, **secret, "LC_ALL": "C"}, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise BadBackup(f"{tool} failed, and nothing was changed: {said.removeprefix(f'{tool}: ')}")


def _found(tool: str, tools: str) -> str:
    """Where it is: in the folder that was named; else where Debian keeps the newest, or wherever programs are."""
    folders = [str(path / "bin") for path in sorted(DEBIAN.glob("*"), key=_number, reverse=True)]
    path = tools or os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    found = shutil.which(tool, path=path)
    if found is None:
        raise BadBackup(f"{tool} is not in {tools}." if tools else
                        f"{tool} is not here. On Debian: apt install postgresql-client.")  # fmt: skip
    return found


def _number(path: Path) -> int:
    return int(path.name) if path.name.isdigit() else 0

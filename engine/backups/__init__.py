"""A copy of everything a hotline keeps, taken while it runs; and back.

One file, a plain tar: the database at one instant, every attachment that its rows refer to, and at the end a manifest
that says what must be in it. An attachment is never changed and is in place before its row is written, so that what
the database's copy refers to is there whenever it is read afterwards.

Attachments are in it sealed, as they lie in the store. Not in it: keys and settings. Whoever finds a copy must not find
with it what opens it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, inspect, select

from engine import acts
from engine.backups import archive, postgresql, sqlite
from engine.backups.archive import BadBackup
from engine.files.attachments import Store
from engine.model import acts as model_acts
from engine.model import metadata, workers
from engine.queues import presence
from engine.runtime import Runtime
from engine.storage import schema

__all__ = ["BadBackup", "check", "make", "restore"]

Say = Callable[[str], object]
_KINDS: dict[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
DATABASE = "database"


def make(runtime: Runtime, store: Store, file: Path, say: Say, tools: str = "") -> dict[str, Any]:
    """Write a copy to a new file, readable by its owner only.

    Args:
        say: is told how far it is, a line at a time.
        tools: folder of pg_dump and pg_restore; else they are looked for.

    Returns:
        The manifest; its ``lost`` says which attachments are missing or have changed since they came.

    Raises:
        BadBackup: the file is there already, or a tool failed; nothing is left then.
    """
    with archive.Writer(file) as out, tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:
        copy = Path(folder) / DATABASE
        say("copying the database …")
        made_at = runtime.clock()  # before the copy: what happened from here on may be missing
        facts = _kind(runtime.database).copy(runtime.database, copy, say, tools)
        out.add(DATABASE, copy)
        copy.unlink()
        _add_files(out, store, facts.pop("files"), say)
        return out.finish(facts | {"kind": runtime.database.dialect.name, "made_at": made_at.isoformat()})


def _add_files(out: archive.Writer, store: Store, names: list[str], say: Say) -> None:
    for number, sha256 in enumerate(names, 1):
        if number % 1_000 == 0:
            say(f"{number} of {len(names)} attachments")
        out.add_attachment(sha256, store)


def check(file: Path, say: Say) -> dict[str, Any]:
    """Read a copy from end to end and hold it against its manifest, which is returned.

    Raises:
        BadBackup: it is not whole.
    """
    say("reading the whole copy …")
    return archive.check(file)


def restore(
    runtime: Runtime, store: Store, file: Path, say: Say, tools: str = "", *, force: bool = False
) -> dict[str, Any]:
    """Put a copy in the place of an empty database; its attachments beside those that are there.

    Nothing is touched before the copy was read to its end. The database is replaced in one transaction, last.

    Args:
        force: what is in the database now is given up.

    Returns:
        The manifest.

    Raises:
        BadBackup: the copy is not whole, of another kind of database or of newer code; or the database is not empty,
            or somebody is at work on it.
    """
    manifest = check(file, say)
    _refuse_strange(runtime.database, manifest)
    _refuse_used(runtime)
    if not force:
        _refuse_full(runtime)
    say("putting attachments back …")
    archive.put_back(file, store)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".restore-") as folder:
        copy = Path(folder) / DATABASE
        archive.extract(file, DATABASE, copy)
        say("putting the database back …")
        _kind(runtime.database).put_back(runtime.database, copy, say, tools)
    _note(runtime, manifest)
    return manifest


def _note(runtime: Runtime, manifest: dict[str, Any]) -> None:
    """The record says that it was put back to then; who was at work then, is not now. (A copy of before there were
    these tables has neither.)"""
    there = inspect(runtime.database).get_table_names()
    with runtime.begin() as unit:
        if workers.name in there:
            unit.execute(delete(workers))
        if model_acts.name in there:
            acts.note(unit, "copy-restored", "cli", made_at=manifest["made_at"])


def _kind(database: Engine) -> Any:
    return _KINDS[database.dialect.name]


def _refuse_strange(database: Engine, manifest: dict[str, Any]) -> None:
    if manifest["kind"] != database.dialect.name:
        raise BadBackup(f"It is a copy of {manifest['kind']}, and this database is {database.dialect.name}.")
    if not schema.knows(manifest["schema"]):
        raise BadBackup(f"Its tables are of version {manifest['schema']}, newer than this program: install that one.")
    more = set(inspect(database).get_table_names()) - set(manifest["tables"])
    if more and database.dialect.name != "sqlite":  # which is replaced whole
        raise BadBackup(f"The database has tables that the copy does not know ({', '.join(sorted(more)[:3])} …): "
                        "restore into a new one.")  # fmt: skip


def _refuse_used(runtime: Runtime) -> None:
    """What is put back under servers that run would be mixed with what they are doing."""
    if user := _kind(runtime.database).used_by(runtime.database):
        raise BadBackup(f"The database is in use ({user}): stop all web servers and workers, then restore again.")
    there = inspect(runtime.database).has_table(workers.name)
    with runtime.read() as unit:
        if there and presence.present(unit).count:
            raise BadBackup("A worker was at work on this database within the last minute: stop all web servers and "
                            "workers, wait for a minute if one was killed, then restore again.")  # fmt: skip


def _refuse_full(runtime: Runtime) -> None:
    there = set(inspect(runtime.database).get_table_names())
    with runtime.read() as unit:
        for table in metadata.sorted_tables:
            if table.name in there and unit.first(select(*list(table.c)[:1]).limit(1)) is not None:
                raise BadBackup("The database is not empty: name another, or say --force to give up what is in it.")

"""The keys of personal data over the years: which of them a database needs, and sealing anew with the newest.

    missing      keys that this database was sealed with and this server has not: it must not serve
    Rotation     everything sealed with the newest key, a few rows at once, while the hotline goes on
    counts       how many values each key has sealed

Rotating is also how rows of before there were keys are sealed. It keeps no place: whoever begins again finds what is
left, for each value says how it was sealed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from engine.errors import WrongState
from engine.model import data_keys, metadata
from engine.model.sealed import Found, SealedBytes, SealedJSON, SealedText
from engine.runtime import Runtime, Unit
from engine.storage import sealing
from engine.storage.prepared import Upsert

BATCH = 200  # rows, in a transaction of their own
PLAIN = "plain"  # what a value is called that no key has sealed
_KINDS = (SealedText, SealedBytes, SealedJSON)
_NAMED = re.compile(r"[~=]([0-9a-f]{8})", re.ASCII)
_OVERWRITE = text("PRAGMA secure_delete = ON")  # what SQLite had there before is not just let go
_KNOWN = Upsert(
    lambda insert: (
        insert(data_keys).values(id=bindparam("id"), since_at=bindparam("since_at")).on_conflict_do_nothing()
    )
)


def sealed_columns() -> Iterator[tuple[Table, list[Column[Any]]]]:
    """The tables that hold something sealed, and where."""
    for table in metadata.sorted_tables:
        columns = [column for column in table.c if isinstance(column.type, _KINDS)]
        if columns:
            yield table, columns


# -- which there are -----------------------------------------------------------------------------------------------


def missing(unit: Unit) -> list[str]:
    """The keys that are needed here and that this process does not have."""
    return _lacking(noted(unit))


def _lacking(known: list[str]) -> list[str]:
    return [key for key in known if key not in sealing.ring().by_id]


def noted(unit: Unit) -> list[str]:
    """The keys that are needed here, the oldest first; none if nobody has been at work here yet."""
    return [row.id for row in unit.all(select(data_keys.c.id).order_by(data_keys.c.since_at))]


def require(unit: Unit) -> list[str]:
    """As `noted`.

    Raises:
        WrongState: this process lacks a key that the database needs: it would seal what others cannot open.
    """
    known = noted(unit)
    if lacking := _lacking(known):
        raise WrongState(
            f"This server lacks the key {' and the key '.join(lacking)}, with which the personal data here was sealed: "
            "bring the keys of the servers that are there already, or of wherever they are kept (docs/privacy.md says "
            "what to do if it is lost for good)."
        )
    return known


def note(unit: Unit) -> None:
    """From now on this process's newest key is one that the database needs. Raises as `require`."""
    require(unit)
    unit.write(_KNOWN, {"id": sealing.ring().newest.id, "since_at": unit.now})


def counts(unit: Unit) -> dict[str, int]:
    """How many values each key has sealed, by its id; those of before there were keys under `PLAIN`."""
    found: Counter[str] = Counter()
    for table, columns in sealed_columns():
        for column in columns:
            head, plain = _head(column), getattr(column.type, "plain", None)
            query = select(head.label("head"), func.count()).where(*_there(column)).group_by(head).select_from(table)
            if plain:  # what may stay readable is not counted
                query = query.where(_raw(column).startswith('"'))
            for first, count in unit.all(query):
                found[_key(first)] += count
    return dict(found)


def forget(unit: Unit, key_id: str) -> None:
    """This key is not needed any more.

    Raises:
        WrongState: something is still sealed with it, or will be.
    """
    if key_id == sealing.ring().newest.id:
        raise WrongState(f"The key {key_id} is the newest: everything is sealed with it.")
    if left := counts(unit).get(key_id, 0):
        raise WrongState(f"{left} values are still sealed with the key {key_id}: run `thongsuot keys rotate`.")
    unit.execute(data_keys.delete().where(data_keys.c.id == key_id))


# -- sealing anew --------------------------------------------------------------------------------------------------


def rotate(runtime: Runtime) -> Iterator[tuple[str, int]]:
    """Seal everything with the newest key; yields the table and how many of its rows have been, batch by batch.

    A row that somebody is changing is left for another round; so is what servers still seal with the key before, until
    they have noticed the new one.
    """
    for table, columns in sealed_columns():
        done, again = 0, True
        while again:
            again, after = False, None
            while (batch := _batch(runtime, table, columns, after)) is not None:
                after, changed = batch
                done += changed
                again = again or changed > 0
                yield table.name, done
    if runtime.database.dialect.name == "sqlite":
        with runtime.database.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _batch(runtime: Runtime, table: Table, columns: list[Column[Any]], after: Any) -> tuple[Any, int] | None:
    """Seal some rows behind ``after``; where it got to, and how many were sealed. ``None``: there are none."""
    key = tuple(table.primary_key)
    with runtime.begin() as unit:
        if not unit.locks_rows:
            unit.execute(_OVERWRITE)
        old = {column.name: and_(*_there(column), _head(column) != _newest(column)) for column in columns}
        told = [one.label(f"old_{name}") for name, one in old.items()]
        query = select(*key, *columns, *told).where(or_(*old.values()))
        query = query.where(_behind(key, after)) if after is not None else query
        rows = unit.all(query.order_by(*key).limit(BATCH).with_for_update(key_share=True, skip_locked=True))
        changed = sum(_sealed_anew(unit, table, columns, row) for row in rows)
    return (tuple(getattr(rows[-1], one.name) for one in key), changed) if rows else None


def _sealed_anew(unit: Unit, table: Table, columns: list[Column[Any]], row: Any) -> bool:
    values = {column.name: value for column in columns if getattr(row, f"old_{column.name}")
              and not _stays_plain(column.type, value := getattr(row, column.name))}  # fmt: skip
    if values:
        this = [one == getattr(row, one.name) for one in table.primary_key]
        unit.execute(update(table).where(*this).values(values))
    return bool(values)


def _stays_plain(kind: Any, value: Any) -> bool:
    return kind.stays_plain(value) if isinstance(kind, SealedJSON) else not value


def _behind(key: tuple[Column[Any], ...], after: tuple[Any, ...]) -> Any:
    """Rows after this one, in the order of the primary key."""
    return or_(*(and_(*(key[at] == after[at] for at in range(place)), one > after[place])
                 for place, one in enumerate(key)))  # fmt: skip


# -- how a value says what sealed it -------------------------------------------------------------------------------


def _raw(column: Column[Any]) -> Any:
    if isinstance(column.type, SealedBytes):
        return type_coerce(column, LargeBinary)
    return cast(column, Text) if isinstance(column.type, SealedJSON) else type_coerce(column, Text)


def _head(column: Column[Any]) -> Any:
    """The first letters: "~" or "=", and the key's id."""
    first = 2 if isinstance(column.type, SealedJSON) else 1
    kind = LargeBinary() if isinstance(column.type, SealedBytes) else Text()
    return func.substr(_raw(column), first, 9, type_=kind)


def sealed_by(column: Column[Any], key_id: str) -> Any:
    """The condition that this key has sealed what a column holds."""
    if isinstance(column.type, SealedBytes):
        return _head(column) == literal(f"~{key_id}".encode(), LargeBinary)
    return _head(column).in_([f"~{key_id}", f"={key_id}"])


def _newest(column: Column[Any]) -> Any:
    newest = sealing.ring().newest
    if isinstance(column.type, SealedBytes):
        return literal(newest.bytes_head, LargeBinary)
    return newest.found_head if isinstance(column.type, Found) else newest.head


def _there(column: Column[Any]) -> list[Any]:
    """Conditions: there is something that could be sealed."""
    if isinstance(column.type, SealedBytes):
        return [column.is_not(None), func.length(_raw(column)) > 0]
    return [column.is_not(None), _raw(column).not_in(["", '""', "{}", "[]", "null"])]


def _key(head: str | bytes) -> str:
    text = head if isinstance(head, str) else bytes(head).decode("latin-1")
    match = _NAMED.fullmatch(text)
    return match[1] if match else PLAIN

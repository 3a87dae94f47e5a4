"""Very many cases at once: copies of one that was opened the proper way, made by the database itself."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, text

from engine import model
from engine.storage.database import connect

AT_ONCE = 100_000
COPIED = (model.cases, model.instances, model.participants, model.people, model.deadlines, model.jobs, model.tasks,
          model.events)  # fmt: skip


def multiply(
    url: str, count: int, tables: tuple[Table, ...] = COPIED, instead: Mapping[str, str] | None = None
) -> range:
    """Write ``count`` copies of the newest case, each with its tasks, jobs, deadlines and history.

    Args:
        tables: which of its rows are copied.
        instead: by "table.column" what SQL writes there; ``n`` counts the copies from 0.

    Returns:
        The copies' ids.
    """
    database = connect(url)
    with database.connect().execution_options(writes=True) as connection, connection.begin():
        original = connection.execute(text("SELECT max(id) FROM cases")).scalar_one()
    first, last = original + 1, original + count
    for start in range(first, last + 1, AT_ONCE):
        end = min(start + AT_ONCE - 1, last)
        with database.connect().execution_options(writes=True) as connection, connection.begin():
            for table in tables:
                _copy(connection, table, original, first, start, end, instead or {})
    with database.connect() as connection:
        if database.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('cases_id_seq', (SELECT max(id) FROM cases))"))
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        else:
            connection.execute(text("ANALYZE"))
    database.dispose()
    return range(first, last + 1)


def _copy(
    connection: Connection, table: Table, original: int, first: int, start: int, end: int, instead: Mapping[str, str]
) -> None:
    names = [name for name in table.c.keys() if name != "id" or table is model.cases]
    values = []
    for name in names:
        own = {"cases.id": "copy.id", "cases.number": "'1022.FILL.' || copy.id"}.get(f"{table.name}.{name}")
        own = "copy.id" if name == "case_id" else own
        values.append(instead.get(f"{table.name}.{name}", own or f'one."{name}"'))
    key = "id" if table is model.cases else "case_id"
    ids = "SELECT id FROM generate_series(CAST(:start AS bigint), CAST(:end AS bigint)) AS id"
    if connection.dialect.name == "sqlite":
        ids = "WITH RECURSIVE s(id) AS (SELECT :start UNION ALL SELECT id + 1 FROM s WHERE id < :end) SELECT id FROM s"
    columns = ", ".join(f'"{name}"' for name in names)
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({columns}) SELECT {', '.join(values)}"
            f" FROM {table.name} AS one CROSS JOIN (SELECT id, id - {first} AS n FROM ({ids}) AS ids) AS copy"
            f" WHERE one.{key} = :original"
        ),
        {"start": start, "end": end, "original": original},
    )

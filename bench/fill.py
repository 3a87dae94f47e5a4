"""Many open cases at once: copies of one that was opened the proper way, written with plain SQL."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, insert, select, text

from engine import model
from engine.database import connect

AT_ONCE = 5_000
COPIED = (model.instances, model.participants, model.people, model.deadlines, model.jobs, model.tasks, model.events)


def copy_cases(url: str, count: int) -> None:
    """Write ``count`` copies of the newest open case, each with its tasks, jobs, deadlines and history."""
    database = connect(url)
    with database.connect().execution_options(writes=True) as connection, connection.begin():
        cases = model.cases
        original = connection.execute(
            select(cases).where(cases.c.closed_at.is_(None)).order_by(cases.c.id.desc()).limit(1)
        ).one()
        rows = {table: _rows(connection, table, original.id) for table in COPIED}
        first = connection.execute(select(func.max(cases.c.id))).scalar() + 1
        for start in range(first, first + count, AT_ONCE):
            ids = range(start, min(start + AT_ONCE, first + count))
            case = dict(original._mapping)
            connection.execute(insert(cases), [case | {"id": id, "number": f"1022.FILL.{id}"} for id in ids])
            for table, copied in rows.items():
                if copied:
                    connection.execute(insert(table), [row | {"case_id": id} for id in ids for row in copied])
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('cases_id_seq', (SELECT max(id) FROM cases))"))
    if database.dialect.name == "postgresql":
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    else:
        with database.connect() as connection:
            connection.execute(text("ANALYZE"))
    database.dispose()


def _rows(connection: Connection, table: Table, case_id: int) -> list[dict]:
    found = connection.execute(select(table).where(table.c.case_id == case_id))
    return [{key: value for key, value in row._mapping.items() if key != "id"} for row in found]

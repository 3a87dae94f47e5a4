"""The floor: what the writes of a lifecycle cost over HTTP without any process engine.

When it starts, it watches our engine take one case through the lifecycle and notes which rows each call adds, changes
and removes. From then on it does just that, for other cases: the same rows in the same tables, in one transaction a
call. It knows no accounts, checks no answers, reads nothing first and computes nothing. A worklist is one statement.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Flask, request
from psycopg.types.json import Json
from sqlalchemy import JSON, Engine, Table, Text, UniqueConstraint, literal_column, select, text

from bench import ours
from bench.hosts import serve
from bench.ours import LIFECYCLE
from engine import model
from engine.model.sealed import SealedJSON
from engine.runtime import Runtime
from engine.storage.database import connect, transaction

CASE, FRESH = object(), object()  # in a row's place: the id of the case; a text that nobody else has
Row = dict[str, Any]
Write = tuple[str, list[Any]]
Life = Callable[[Runtime], Iterator[int]]  # makes a case's calls, and says after each which case it is
_TABLES = [table for table in model.metadata.sorted_tables if "case_id" in table.c or table is model.cases]


def record(url: str, life: Life) -> list[list[Write]]:
    """The writes of each call of a case's life."""
    database, calls = connect(url), []
    before: dict[Any, Row] = {}
    for case_id in life(Runtime(database, lambda: datetime.now(UTC))):
        after = _rows(database, case_id)
        calls.append(_difference(database, before, after, case_id))
        before = after
    database.dispose()
    return calls


def completed(code: str = "LIFE") -> Life:
    """The report, then the tasks, one after the other."""

    def life(runtime: Runtime) -> Iterator[int]:
        yield (case_id := ours.receive(runtime, code))
        while waiting := ours.waiting(runtime, case_id):
            _complete(runtime, waiting[0])
            yield case_id

    return life


def reopened(loops: int) -> Life:
    """The report, then its first task so often."""

    def life(runtime: Runtime) -> Iterator[int]:
        yield (case_id := ours.receive(runtime, "LIFE"))
        for _ in range(loops):
            _complete(runtime, ours.waiting(runtime, case_id)[0], again=True)
            yield case_id

    return life


def _complete(runtime: Runtime, task: Any, **answers: Any) -> None:
    if (LIFECYCLE / f"{task.element}.form").exists():
        answers[f"note_{task.element}"] = "đã gọi lại, đúng như phản ánh"
    ours.complete(runtime, task, answers)


def _rows(database: Engine, case_id: int) -> dict[Any, Row]:
    """All rows of a case as the driver gives them, by table and key."""
    found: dict[Any, Row] = {}
    with database.connect() as connection:
        for table in _TABLES:
            whose = table.c.id if table is model.cases else table.c.case_id
            query = select(table).where(whose == literal_column(str(case_id)))
            for values in connection.exec_driver_sql(str(query.compile(connection))):  # unconverted
                row = dict(zip(table.c.keys(), values, strict=True))
                found[table, *(row[column.name] for column in table.primary_key)] = row
    return found


def _difference(database: Engine, before: dict[Any, Row], after: dict[Any, Row], case_id: int) -> list[Write]:
    mark = "?" if database.dialect.name == "sqlite" else "%s"
    writes: list[Write] = []
    for key in sorted(after.keys() | before.keys(), key=lambda key: _TABLES.index(key[0])):
        table, was, now = key[0], before.get(key), after.get(key)
        where, known = _identity(table, was or now or {}, mark)
        if was is None and now is not None:
            row = {name: _meant(table, name, value, case_id, mark) for name, value in now.items() if name != "id"}
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join([mark] * len(row))
            writes.append((f"INSERT INTO {table.name} ({names}) VALUES ({marks})", [*row.values()]))
        elif now is None:
            writes.append((f"DELETE FROM {table.name} WHERE {where}", known))
        elif was != now:
            row = {name: value for name, value in now.items() if value != was[name]}  # type: ignore[index]
            names = ", ".join(f'"{name}" = {mark}' for name in row)
            sent = [_sent(table, *one, mark) for one in row.items()]
            writes.append((f"UPDATE {table.name} SET {names} WHERE {where}", [*sent, *known]))
    return writes


def _identity(table: Table, row: Row, mark: str) -> tuple[str, list[Any]]:
    """How a row of another case is found: by the case, and by the token or the name within it."""
    if table is model.cases:
        return f"id = {mark}", [CASE]
    unique = {constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)}
    columns = next((one.columns.keys() for one in unique if "case_id" in one.columns), table.primary_key.columns.keys())
    within = [name for name in columns if name not in ("case_id", "id")]
    return " AND ".join(f'"{name}" = {mark}' for name in ("case_id", *within)), [CASE, *(row[name] for name in within)]


def _meant(table: Table, name: str, value: Any, case_id: int, mark: str) -> Any:
    column = table.c[name]
    if value == case_id and any(key.column is model.cases.c.id for key in column.foreign_keys):
        return CASE
    return FRESH if column.unique and isinstance(column.type, Text) else _sent(table, name, value, mark)


def _sent(table: Table, name: str, value: Any, mark: str) -> Any:
    """PostgreSQL's driver has read the JSON, a sealed one too, which is a text."""
    json = isinstance(table.c[name].type, JSON | SealedJSON)
    return Json(value) if json and value is not None and mark == "%s" else value


class Floor:
    """The floor without the web.

    Attributes:
        calls: the writes of each.
    """

    def __init__(self, url: str, life: Life) -> None:
        self.calls, self.database = record(url, life), connect(url)

    def write(self, call: int, case: int | None) -> int | None:
        """Args:
        case: which; ``None``: the call opens it.

        Returns:
            The case.
        """
        with transaction(self.database, writes=True) as pooled:
            if self.database.dialect.name == "postgresql":
                pooled.driver_connection.prepare_threshold = 2
            for sql, values in self.calls[call]:
                row = [case if value is CASE else uuid4().hex if value is FRESH else value for value in values]
                if case is None:
                    case = pooled.driver_connection.execute(f"{sql} RETURNING id", row).fetchone()[0]
                else:
                    pooled.driver_connection.execute(sql, row)
        return case

    def tasks(self, agency: str) -> list[Row]:
        """The agency's next fifty open ones."""
        with self.database.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(_TASKS, {"agency": agency})]


_TASKS = text(
    "SELECT id, case_id, element, due_at FROM tasks WHERE \"group\" = :agency AND status = 'open'"
    " ORDER BY due_at, id LIMIT 50"
)


def create_app(floor: Floor) -> Flask:
    app = Flask(__name__)

    @app.post("/cases")
    def create():
        request.get_json()
        return {"id": floor.write(0, None), "tasks": [{"id": "1"}]}, 201

    @app.post("/cases/<int:number>/tasks/<int:task>")
    def complete(number: int, task: int):
        request.get_json()
        floor.write(task, number)
        return {"id": number, "tasks": [{"id": str(task + 1)}] if task + 1 < len(floor.calls) else []}

    @app.get("/tasks")
    def tasks():
        return {"items": floor.tasks(request.args["group"])}

    return app


if __name__ == "__main__":
    *loops, where, port = sys.argv[1:]
    serve(create_app(Floor(where, reopened(int(loops[0])) if loops else completed())), int(port))

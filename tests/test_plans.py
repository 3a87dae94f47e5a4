"""No statement of the hot path reads a whole table: its cost would grow with the number of cases."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
from sqlalchemy import Insert

import engine
from engine.runtime import Runtime
from engine.storage.prepared import Prepared

# nothing but the rows of an index that holds only what waits, a list that was given, or what was found just before
# (anon_1); `migrations` and `declared_days` have a few rows in all, and these and the agencies that are no more are
# asked for once in ten seconds
READS_ALL = (
    r"(-> +)?Seq Scan (?!on (migrations|agencies|declared_days))"
    r"|SCAN (?!CONSTANT ROW|json_each VIRTUAL|anon_\d+$|imports USING INDEX ix_imports_waiting|"
    r"attachments USING INDEX ix_attachments_doubtful|batches USING INDEX ix_batches_running|"
    r"migrations$|agencies$|declared_days$)"
)


def prepared() -> dict[str, Prepared]:
    """Every prepared statement of the engine, by where it stands."""
    found = {}
    for module in pkgutil.walk_packages(engine.__path__, "engine."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Prepared) and _reads(value.statement):
                found.setdefault(id(value), (f"{module.name}.{name}", value))
    return dict(found.values())


def _reads(statement: object) -> bool:
    return not isinstance(statement, Insert) and bool(getattr(statement, "get_final_froms", lambda: True)())


@pytest.mark.parametrize("name", sorted(prepared()))
def test_a_statement_of_the_hot_path_finds_its_rows_by_an_index(runtime: Runtime, name: str) -> None:
    statement = prepared()[name]
    with runtime.read() as unit:
        plan = explain(unit, statement)

    assert not [line for line in plan if re.match(READS_ALL, line)], plan


def explain(unit, statement: Prepared) -> list[str]:
    """The steps of the database's plan for a large table."""
    made = statement.on(unit.database.dialect)
    cursor = unit.connection.connection.driver_connection.cursor()
    if unit.connection.dialect.name == "sqlite":
        cursor.execute(f"EXPLAIN QUERY PLAN {made.sql}", [None] * made.sql.count("?"))
        return [row[3] for row in cursor.fetchall()]
    cursor.execute("SET LOCAL enable_seqscan = off")  # what an empty table would tempt it to
    cursor.execute("EXPLAIN " + re.sub(r"\$\d+", "NULL", made.sql))
    return [row[0].strip() for row in cursor.fetchall()]

"""All migrations together make exactly the tables of `engine.model`, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.base import AbstractOperations
from sqlalchemy import Connection, Engine, Text, func, insert, inspect, select, text

from engine import model
from engine.runtime import Runtime
from engine.sql import says
from engine.storage import schema
from engine.storage.database import connect
from tests import databases

VERSIONS = "alembic_version"
WORDS = "case_words"  # made by `engine.model.words`, which SQLAlchemy knows nothing of


@pytest.fixture
def bare(bare_database_url: str) -> Iterator[Engine]:
    database = connect(bare_database_url)
    yield database
    database.dispose()


def description(database: Engine) -> dict[str, Any]:
    """Everything the database itself knows about its tables; the order of columns is of no importance."""
    found = inspect(database)
    return {
        table: {
            "columns": {column["name"]: str(column) for column in found.get_columns(table)},
            "primary key": found.get_pk_constraint(table),
            "foreign keys": {str(key) for key in found.get_foreign_keys(table)},
            "unique": {str(unique) for unique in found.get_unique_constraints(table)},
            "checks": {str(check) for check in found.get_check_constraints(table)},
            "indexes": {_index(index) for index in found.get_indexes(table)},
        }
        for table in found.get_table_names()
        if table != VERSIONS and not table.startswith(WORDS)
    }


def triggers(database: Engine) -> list[str]:
    """What they say; SQLite loses those of a table that it replaces. And what `engine.model.words` makes."""
    ours = "(SELECT oid FROM pg_namespace WHERE nspname = 'public')"
    words = "'case_words'::regclass"
    asked = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger' OR sql LIKE 'CREATE VIRTUAL%' ORDER BY 1",
        "postgresql": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        f" UNION SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = {ours}"
        f" UNION SELECT concat(attname, atttypid::regtype, attnotnull) FROM pg_attribute WHERE attrelid = {words}"
        f" UNION SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {words}"
        f" UNION SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {words} ORDER BY 1",
    }
    with database.connect() as connection:
        return [" ".join(row[0].split()) for row in connection.execute(text(asked[database.dialect.name]))]


def _index(index: Any) -> str:
    """A partial index's condition is an expression on SQLite, a string on PostgreSQL."""
    condition = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {index['unique']} {condition}"


def test_migrations_make_the_tables_of_the_model(bare):
    schema.upgrade(bare)
    migrated, sealed = description(bare), triggers(bare)

    model.metadata.drop_all(bare)
    model.metadata.create_all(bare)
    modelled = description(bare)

    assert migrated == modelled
    assert triggers(bare) == sealed and len(sealed) >= 6
    assert set(migrated) == set(model.metadata.tables)
    assert any("WHERE" in index or "where" in index for index in migrated["jobs"]["indexes"])


def test_alembic_finds_nothing_left_to_do(bare):
    schema.upgrade(bare)

    with bare.connect() as connection:
        ours = {"include_object": lambda _thing, name, *_more: not (name or "").startswith(WORDS)}
        context = MigrationContext.configure(connection, opts=ours)
        assert compare_metadata(context, model.metadata) == []


def test_a_database_is_current_after_an_upgrade_and_a_second_upgrade_changes_nothing(bare):
    assert not schema.is_current(bare)

    schema.upgrade(bare)
    assert schema.is_current(bare)
    before = description(bare)

    schema.upgrade(bare)
    assert description(bare) == before


def test_nodes_that_upgrade_at_once_queue_up(bare):
    with ThreadPoolExecutor(4) as nodes:
        list(nodes.map(lambda _: schema.upgrade(bare), range(4)))

    assert schema.is_current(bare)


def test_an_upgrade_that_has_to_wait_for_a_table_keeps_nobody_else_from_it(bare, monkeypatch):
    """Somebody is in the middle of writing, and goes on for long; whoever comes after would queue up behind us."""
    if bare.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    monkeypatch.setattr(schema, "REST_SECONDS", 0.1)
    schema.upgrade(bare, "0042")
    runtime = Runtime(bare, lambda: datetime.now(UTC))
    writing, took = text("LOCK TABLE cases IN ROW EXCLUSIVE MODE"), []
    with ThreadPoolExecutor(1) as node:
        with bare.begin() as held:
            held.execute(writing)
            upgrade = node.submit(schema.upgrade, bare)
            while not databases.somebody_waits(runtime):
                assert not upgrade.done(), upgrade.result()
            for _ in range(3):
                began = monotonic()
                with bare.begin() as another:
                    another.execute(text("SET LOCAL lock_timeout = '10s'"))
                    another.execute(writing)
                took.append(monotonic() - began)
        upgrade.result()

    assert schema.is_current(bare) and max(took) < 5 * schema.HELD_SECONDS


def test_a_migration_that_fails_leaves_nothing_behind(bare, monkeypatch):
    monkeypatch.setattr(AbstractOperations, "invoke", _fails_at_the(10, AbstractOperations.invoke))

    with pytest.raises(RuntimeError, match="half way"):
        schema.upgrade(bare)

    assert inspect(bare).get_table_names() == []


def _fails_at_the(nth: int, operation: Callable[..., Any]) -> Callable[..., Any]:
    calls = count(1)

    def invoke(*arguments: Any) -> Any:
        if next(calls) == nth:
            raise RuntimeError("half way")
        return operation(*arguments)

    return invoke


def test_replacing_a_table_keeps_the_rows_that_refer_to_it(bare):
    """SQLite alters a table by dropping it, and a drop deletes what refers to it while foreign keys are on."""
    schema.upgrade(bare)
    with bare.begin() as connection:
        connection.execute(insert(model.provinces).values(code="74", name="Bình Dương", short="BD", settings={}))
        connection.execute(insert(model.areas).values(code="718", province="74", name="Thủ Dầu Một"))

    with schema._alone(bare) as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("provinces", recreate="auto") as batch:
            batch.alter_column("short", existing_type=Text(), nullable=True)

    with bare.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(model.areas)) == 1
        assert _foreign_keys_are_kept(connection)


def _foreign_keys_are_kept(connection: Connection) -> bool:
    return connection.dialect.name != "sqlite" or connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_case_from_before_contacts_were_noted_counts_as_one(bare):
    schema.upgrade(bare, "0001")
    with bare.begin() as connection:
        connection.execute(text("INSERT INTO provinces (code, name, short, settings) VALUES ('74', 'BD', 'BD', '{}')"))
        connection.execute(text(
            "INSERT INTO definitions (key, version, checksum, files, warnings, created_at, created_by, active_from)"
            " VALUES ('X', 1, '', '', '[]', '2021-01-01 00:00:00+00', 'x', '2021-01-01 00:00:00+00')"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO cases (number, definition_id, report_type, province, channel, secrecy, report, status,"
            " opened_at, opened_by, secret_hash)"
            " VALUES ('1022.BD.1', 1, 'X', '74', 'zalo', 'C1', '{}', 'moi', '2021-09-03 01:00:00+00', 'app', '')"
        ))  # fmt: skip

    schema.upgrade(bare)

    with bare.connect() as connection:
        [row] = connection.execute(
            text("SELECT province, direction, channel, outcome, taken_by, case_id FROM contacts")
        ).all()
    assert tuple(row) == ("74", "in", "zalo", "case", "app", 1)


def test_rows_of_a_list_that_wait_are_taken_along(bare):
    schema.upgrade(bare, "0014")
    rows = [{"row": 2}, {"row": 3, "person": {"phone": "1"}, "answers": {"tuoi": 4}}]
    with bare.begin() as connection:
        connection.execute(text("INSERT INTO provinces (code, name, short, settings) VALUES ('01', 'HN', 'HN', '{}')"))
        connection.execute(text(
            "INSERT INTO imports (province, report_type, name, sha256, dry_run, state, rows, position, total,"
            " creatable, running, duplicates, refusals, created_at, created_by)"
            " VALUES ('01', 'X', 'x', '', false, 'waiting', :rows, 1, 2, 2, 0, 0, '[]', '2021-09-03 00:00:00', 'x')"
        ), {"rows": json.dumps(rows)})  # fmt: skip

    schema.upgrade(bare)

    with bare.connect() as connection:
        kept = connection.execute(select(model.import_rows)).all()
    assert [tuple(row) for row in kept] == [(1, 3, "waiting", {"phone": "1"}, {"tuoi": 4}, None, 0, None)]


SOMETHING_BEFORE = """
INSERT INTO provinces (code, name, short, settings) VALUES ('74', 'BD', 'BD', '{}');
INSERT INTO definitions (key, version, checksum, files, warnings, created_at, created_by)
 VALUES ('X', 1, '', '', '[]', '2021-01-01 00:00:00+00', 'x');
"""


SAID = ("anninh", "bongda", "canhbao", "duongday", "etheo")


def _case(number: int, secrecy: str) -> str:
    return (
        "INSERT INTO cases (number, definition_id, report_type, province, channel, secrecy, report, status, opened_at,"
        f" opened_by, secret_hash, search_text) VALUES ('1022.BD.{number}', 1, 'X', '74', 'zalo', '{secrecy}', '{{}}',"
        f" 'moi', '2021-09-03 01:00:00+00', 'app', '', '{SAID[number]} on suot dem');"
    )


def _account(login: str, role: str) -> str:
    return (f"INSERT INTO accounts (login, name, role, created_at) VALUES ('{login}', 'x', '{role}', "
            "'2021-09-01 00:00:00+00');")  # fmt: skip


def _file(case: int, author: str, kind: str = "application/pdf") -> str:
    return (f"INSERT INTO attachments (case_id, at, author, name, media_type, size, sha256) VALUES ({case}, "
            f"'2021-09-03 02:00:00+00', '{author}', 'x', '{kind}', 1, '{case}{author}');")  # fmt: skip


def _do(database: Engine, statements: str) -> None:
    with database.begin() as connection:
        for one in filter(str.strip, statements.split(";")):
            connection.exec_driver_sql(one)


def test_words_of_confidential_cases_are_forgotten_and_others_still_found(bare):
    schema.upgrade(bare, "0051")
    _do(bare, SOMETHING_BEFORE + "".join(_case(number, f"C{number}") for number in range(5)))

    schema.upgrade(bare)

    with bare.connect() as connection:
        kept = connection.execute(text("SELECT secrecy FROM cases WHERE search_text <> '' ORDER BY secrecy"))
        assert [row.secrecy for row in kept] == ["C0", "C1", "C2", "C3"]
        matching = select(func.count()).select_from(model.cases)
        found = [connection.scalar(matching.where(says(word, 9))) for word in SAID]
    assert found == [1, 1, 1, 1, 0]
    if bare.dialect.name == "sqlite":  # nor does it lie in what the database has let go
        with bare.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        lies = Path(str(bare.url.database)).read_bytes()
        assert [word.encode() in lies for word in SAID] == [True, True, True, True, False]


def test_of_files_from_before_only_those_go_to_everybody_whose_author_cannot_have_known(bare):
    schema.upgrade(bare, "0051")
    people = {"phuong": "handler", "hoa": "handler", "yte": "monitor", "truc": "operator", "doi": "handler"}
    files = [(2, "phuong"), (2, "hoa"), (2, "yte"), (2, "truc"), (2, "doi"), (2, "gone"), (2, "citizen"), (1, "phuong"),
             (4, "phuong"), (4, "yte"), (3, "phuong"), (3, "yte")]  # fmt: skip
    _do(bare, SOMETHING_BEFORE + "".join(_case(number, f"C{number}") for number in range(1, 4)) + _case(4, "C2")
        + "".join(_account(*one) for one in people.items()) + "".join(_file(*one) for one in files)
        + _file(2, "phuong", "image/png")
        + "INSERT INTO unmaskings (case_id, login, reason, asked_at, until_at) VALUES (2, 'hoa', 'x', "
          "'2021-09-03 01:00:00+00', '2021-09-04 01:00:00+00');"
          "INSERT INTO events (case_id, at, kind, actor, data) VALUES (4, '2021-09-03 01:00:00+00', 'secrecy', "
          "'system', '{\"secrecy\": \"C2\", \"was\": \"C0\"}');"
          "INSERT INTO acts (at, kind, actor, subject, data) VALUES ('2021-09-03 01:00:00+00', 'account-changed', "
          "'cli', 'doi', '{\"was\": {\"role\": \"operator\"}, \"now\": {\"role\": \"handler\"}}');")  # fmt: skip

    schema.upgrade(bare)

    with bare.connect() as connection:
        rows = connection.execute(text("SELECT case_id, author FROM attachments WHERE NOT author_knew ORDER BY id"))
        assert [tuple(row) for row in rows] == [(2, "phuong"), (2, "yte"), (3, "yte")]

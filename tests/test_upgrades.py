"""The program is replaced while it runs: old and new processes work on the same tables for a while.

So a step first adds what new code needs, and old code does not notice (expand); what nobody uses any more is taken away
by a later release's step, which says so: ``contract = "0031 was the last to read it"``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect

from engine.storage import schema
from engine.storage.database import connect
from tests.sources import GENERATED

FIRST = "0026"  # up to here there was no installation to replace
DESTROYS = {"drop_table", "drop_column", "rename_table", "drop_constraint"}
STEPS = sorted(path for path in GENERATED.glob("*.py") if path.name[:4] > FIRST)


def offences(source: str) -> list[str]:
    """What code of the version before would stumble over, of a step that is not marked as contracting."""
    tree = ast.parse(source)
    if any(isinstance(node, ast.Assign) and _names(node) == {"contract"} for node in tree.body):
        return []
    return [f"{node.lineno}: {told}" for part in tree.body if not _is_downgrade(part)
            for node in ast.walk(part) if isinstance(node, ast.Call) and (told := _offends(node))]  # fmt: skip


def _names(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def _is_downgrade(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "downgrade"


def _offends(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    said = {word.arg: word.value for word in call.keywords}
    if name in DESTROYS:
        return f"{name} takes away what old code uses"
    if name == "alter_column" and {"new_column_name", "type_"} & said.keys():
        return "alter_column renames or changes what old code uses"
    if name == "alter_column" and _is(said.get("nullable"), False):
        return "alter_column demands what old code does not write"
    if name == "add_column":
        column = next((one for one in call.args if isinstance(one, ast.Call)), None)
        words = {word.arg: word.value for word in column.keywords} if column else {}
        if _is(words.get("nullable"), False) and "server_default" not in words:
            return "add_column demands what old code does not write: give it a server_default"
    if name == "execute" and any(word in ast.unparse(call).upper() for word in ("DELETE ", "DROP ", "TRUNCATE ")):
        return "execute deletes"
    return None


def _is(node: ast.AST | None, value: Any) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.name[:4])
def test_a_step_only_adds_unless_it_is_marked(step: Path) -> None:
    assert offences(step.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("line", "wrong"), [
    ('op.drop_table("x")', True), ('op.drop_column("x", "y")', True), ('with op.batch_alter_table("x") as x:\n'
     '        x.drop_column("y")', True), ('op.rename_table("x", "y")', True),
    ('op.alter_column("x", "y", new_column_name="z")', True), ('op.alter_column("x", "y", nullable=False)', True),
    ('op.alter_column("x", "y", nullable=True)', False), ('op.execute("delete from x")', True),
    ('op.add_column("x", sa.Column("y", sa.Text(), nullable=False))', True),
    ('op.add_column("x", sa.Column("y", sa.Text(), nullable=False, server_default=""))', False),
    ('op.add_column("x", sa.Column("y", sa.Text()))', False), ('op.create_index("i", "x", ["y"])', False),
])  # fmt: skip
def test_the_judge_knows_what_old_code_would_stumble_over(line: str, wrong: bool) -> None:
    step = f"def upgrade():\n    {line}\n\n\ndef downgrade():\n    op.drop_table('x')\n"

    assert bool(offences(step)) is wrong
    assert offences(f'contract = "nobody reads y since 0031"\n{step}') == []


def columns(database: Engine) -> Iterator[tuple[str, dict[str, Any]]]:
    found = inspect(database)
    for table in found.get_table_names():
        for column in found.get_columns(table):
            yield f"{table}.{column['name']}", column | {"type": str(column["type"])}


def test_what_old_code_reads_and_writes_is_still_as_it_was(tmp_path: Path) -> None:
    """Whatever the code before wrote into its columns, the tables of today take; what it reads is there."""
    database = connect(f"sqlite:///{tmp_path}/grown.db")
    schema.upgrade(database, FIRST)
    before = dict(columns(database))
    schema.upgrade(database)
    after = dict(columns(database))
    database.dispose()

    assert {name: column["type"] for name, column in after.items() if name in before} == {
        name: column["type"] for name, column in before.items()}  # fmt: skip
    tables = {name.split(".")[0] for name in before}
    demanded = [name for name, column in after.items() if name.split(".")[0] in tables and not column["nullable"]
                and column["default"] is None and (name not in before or before[name]["nullable"])]  # fmt: skip
    assert demanded == []

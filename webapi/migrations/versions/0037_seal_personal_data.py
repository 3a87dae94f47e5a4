"""Seal personal data: what is sealed lies in the columns that were there; the keys that did it are known.

Rows of before stay readable, and are sealed by `thongsuot keys rotate` while the hotline goes on.
"""

import json
import tomllib
import zlib

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
    )
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "holds",
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_holds_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_holds")),
    )
    op.create_table(
        "unmaskings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("decided_at", instant, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("until_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_unmaskings_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmaskings")),
    )
    op.create_index(op.f("ix_unmaskings_case_id_login"), "unmaskings", ["case_id", "login"])
    op.add_column("cases", sa.Column("emptied_at", instant, nullable=True))
    where = sa.text("closed_at IS NOT NULL AND emptied_at IS NULL")
    op.create_index("ix_cases_kept", "cases", ["report_type", "closed_at"], sqlite_where=where, postgresql_where=where)
    op.add_column("tasks", sa.Column("call_result", sa.Text(), nullable=True))
    _note_results_of_calls()


def _note_results_of_calls() -> None:
    """What figures have read out of the answers so far."""
    connection = op.get_bind()
    plans: dict[str, dict[str, str]] = {}
    answered = "SELECT report_type FROM tasks WHERE answers IS NOT NULL"
    versions = sa.text(f"SELECT key, files FROM definitions WHERE key IN ({answered}) ORDER BY id")
    for key, files in connection.execute(versions).all():
        calls = tomllib.loads(json.loads(zlib.decompress(files)).get("type.toml", "")).get("calls")
        plans |= {key: calls} if calls else {}
    for key, calls in plans.items():
        found = connection.execute(
            sa.text("SELECT id, answers FROM tasks WHERE report_type = :key AND element = :step"),
            {"key": key, "step": calls["step"]},
        )
        for task, answers in found.all():
            told = json.loads(answers) if isinstance(answers, str) else answers
            result = told.get(calls["field"]) if isinstance(told, dict) else None
            connection.execute(sa.text("UPDATE tasks SET call_result = :result WHERE id = :task"),
                               {"result": result, "task": task})  # fmt: skip


def downgrade() -> None:
    op.drop_column("tasks", "call_result")
    op.drop_index("ix_cases_kept", table_name="cases")
    op.drop_column("cases", "emptied_at")
    op.drop_table("unmaskings")
    op.drop_table("holds")
    op.drop_table("data_keys")

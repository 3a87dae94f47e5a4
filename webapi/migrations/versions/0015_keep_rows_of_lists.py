"""Keep the rows of lists one by one."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ALIVE = sa.text("state = 'waiting'")
BEFORE = sa.table("imports", sa.column("id", Id), sa.column("state"), sa.column("position"), sa.column("rows", sa.JSON))


def upgrade() -> None:
    rows = op.create_table(
        "import_rows",
        sa.Column("import_id", Id, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person", sa.JSON(), nullable=True),
        sa.Column("answers", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'created', 'running', 'refused')", name=op.f("ck_import_rows_state")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_rows_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "position", name=op.f("pk_import_rows")),
    )
    op.create_index("ix_import_rows_waiting", "import_rows", ["import_id", "position"],
                    sqlite_where=ALIVE, postgresql_where=ALIVE)  # fmt: skip
    left = [
        {"import_id": one.id, "position": row["row"], "state": "waiting", "person": row["person"],
         "answers": row["answers"]}
        for one in op.get_bind().execute(sa.select(BEFORE).where(ALIVE))
        for row in one.rows[one.position :]
    ]  # fmt: skip
    if left:
        op.bulk_insert(rows, left)
    op.drop_column("imports", "rows")


def downgrade() -> None:
    """Lists that wait are cancelled: there is no way back for their rows."""
    op.add_column("imports", sa.Column("rows", sa.JSON(), server_default="[]", nullable=False))
    op.execute("UPDATE imports SET state = 'cancelled' WHERE state = 'waiting'")
    op.drop_table("import_rows")

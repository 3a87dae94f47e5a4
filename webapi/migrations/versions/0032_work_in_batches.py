"""Do many things of one kind one by one; keep searches for tasks; note something about an incident."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("incidents", sa.Column("annotation", sa.Text(), nullable=True))
    op.create_table(
        "batches",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("finished_at", Instant),
        sa.CheckConstraint("state IN ('running', 'held', 'done', 'cancelled')", name=op.f("ck_batches_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    running = sa.text("state = 'running'")
    op.create_index("ix_batches_running", "batches", ["id"], sqlite_where=running, postgresql_where=running)
    op.create_table(
        "batch_lines",
        sa.Column("batch_id", Id, autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'done', 'refused')", name=op.f("ck_batch_lines_state")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_lines_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "line", name=op.f("pk_batch_lines")),
    )
    op.create_index(op.f("ix_batch_lines_batch_id_state_line"), "batch_lines", ["batch_id", "state", "line"])
    op.create_table(
        "filters",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filters")),
    )
    op.create_index(op.f("ix_filters_owner_id"), "filters", ["owner", "id"])


def downgrade() -> None:
    op.drop_table("filters")
    op.drop_table("batch_lines")
    op.drop_table("batches")
    op.drop_column("incidents", "annotation")

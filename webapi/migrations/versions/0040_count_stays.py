"""Count stays: how long cases stay at the elements of each version. A worker counts the record of before, too."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "stays",
        sa.Column("definition_id", Id, autoincrement=False, nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("now", sa.Integer(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("longest", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["definitions.id"], name=op.f("fk_stays_definition_id")),
        sa.PrimaryKeyConstraint("definition_id", "element", "day", name=op.f("pk_stays")),
    )
    op.create_table(
        "courses",
        sa.Column("case_id", Id, autoincrement=False, nullable=False),
        sa.Column("line", Id, nullable=False),
        sa.Column("definition_id", Id, nullable=False),
        sa.Column("here", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_courses_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_courses")),
    )
    op.create_table(
        "counted",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("seq", Id, nullable=False),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_counted")),
    )
    late = sa.text("breached_at IS NOT NULL")
    op.create_index("ix_tasks_late", "tasks", ["element", "case_id"], sqlite_where=late, postgresql_where=late)


def downgrade() -> None:
    op.drop_index("ix_tasks_late", table_name="tasks")
    for table in ("counted", "courses", "stays"):
        op.drop_table(table)

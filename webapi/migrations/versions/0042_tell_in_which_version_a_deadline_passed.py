"""Tell in which version a task's deadline passed; of those before, the one that its case runs in."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LATE = {"sqlite_where": sa.text("breached_at IS NOT NULL"), "postgresql_where": sa.text("breached_at IS NOT NULL")}


def upgrade() -> None:
    op.add_column("tasks", sa.Column("breached_in", ID, nullable=True))
    op.execute(
        "UPDATE tasks SET breached_in = (SELECT definition_id FROM cases WHERE cases.id = tasks.case_id) "
        "WHERE breached_at IS NOT NULL"
    )
    op.drop_index("ix_tasks_late", table_name="tasks")
    op.create_index("ix_tasks_late", "tasks", ["breached_in", "element", "case_id"], **LATE)


def downgrade() -> None:
    op.drop_index("ix_tasks_late", table_name="tasks")
    op.create_index("ix_tasks_late", "tasks", ["element", "case_id"], **LATE)
    op.drop_column("tasks", "breached_in")

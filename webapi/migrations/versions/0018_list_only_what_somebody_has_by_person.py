"""List by person only what somebody has: a task opens with nobody's name on it, and then needs no such line."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = ["assignee", "due_at", "id"]


def _index(condition: str) -> None:
    op.drop_index("ix_tasks_assignee", table_name="tasks")
    where = sa.text(condition)
    op.create_index("ix_tasks_assignee", "tasks", COLUMNS, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    _index("status = 'open' AND assignee IS NOT NULL")


def downgrade() -> None:
    _index("status = 'open'")

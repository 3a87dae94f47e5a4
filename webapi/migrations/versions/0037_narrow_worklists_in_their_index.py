"""Narrow worklists in their index: by type, area and who holds a task, without reading each task of an agency."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

OPEN = sa.text("status = 'open'")
BEFORE = ["group", "due_at", "id"]


def upgrade() -> None:
    op.drop_index("ix_tasks_inbox", table_name="tasks")
    _index([*BEFORE, "report_type", "area", "assignee"])


def downgrade() -> None:
    op.drop_index("ix_tasks_inbox", table_name="tasks")
    _index(BEFORE)


def _index(columns: list[str]) -> None:
    op.create_index("ix_tasks_inbox", "tasks", columns, sqlite_where=OPEN, postgresql_where=OPEN)

"""Find what is due in the order in which it is done: ten thousand timers of one instant are not sorted for every fifty.

What is owed is found by kind: one gateway that is away must not make a worker read past all that waits for it. An older
version is served by these, too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

READY = sa.text("state = 'ready'")


def upgrade() -> None:
    _again("ix_jobs_due", "jobs", "priority", "due_at", "id")
    _again("ix_outbox_due", "outbox", "kind", "due_at", "id")


def downgrade() -> None:
    _again("ix_jobs_due", "jobs", "priority", "due_at")
    _again("ix_outbox_due", "outbox", "due_at")


def _again(name: str, table: str, *columns: str) -> None:
    op.drop_index(name, table)
    op.create_index(name, table, list(columns), sqlite_where=READY, postgresql_where=READY)

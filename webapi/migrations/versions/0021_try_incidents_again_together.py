"""Try incidents again together: a job that takes an incident's step again; letters that were given up are found."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

DEAD = sa.text("state = 'dead'")
BEFORE = "kind IN ('timer', 'warning', 'breach', 'answer', 'message')"
SINCE = "kind IN ('timer', 'warning', 'breach', 'answer', 'message', 'retry')"


def upgrade() -> None:
    _allow(SINCE)
    op.create_index("ix_outbox_dead", "outbox", ["id"], sqlite_where=DEAD, postgresql_where=DEAD)


def downgrade() -> None:
    op.drop_index("ix_outbox_dead", "outbox")
    op.execute("DELETE FROM jobs WHERE kind = 'retry'")
    _allow(BEFORE)


def _allow(kinds: str) -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_kind"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_kind"), kinds)

"""Try incidents again together: a job that takes an incident's step again."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('timer', 'warning', 'breach', 'answer', 'message')"
SINCE = "kind IN ('timer', 'warning', 'breach', 'answer', 'message', 'retry')"


def upgrade() -> None:
    _allow(SINCE)


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE kind = 'retry'")
    _allow(BEFORE)


def _allow(kinds: str) -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_kind"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_kind"), kinds)

"""Find the cases that were received in a period."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_cases_day", "cases", ["province", "opened_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_cases_day", "cases")

"""Open cases that no agency leads yet are few, and found without looking at the others."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

UNLED = sa.text("closed_at IS NULL AND lead_agency IS NULL")


def upgrade() -> None:
    columns = ["province", "lead_agency", "due_at", "id"]
    op.create_index("ix_cases_unled", "cases", columns, sqlite_where=UNLED, postgresql_where=UNLED)


def downgrade() -> None:
    op.drop_index("ix_cases_unled", table_name="cases")

"""Whether anybody works in an agency, and who, is asked at every look at a case that waits for it."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_accounts_agency", "accounts", ["agency"])


def downgrade() -> None:
    op.drop_index("ix_accounts_agency", table_name="accounts")

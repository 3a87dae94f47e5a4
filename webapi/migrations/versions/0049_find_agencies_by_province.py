"""The agencies of a case's province are asked for each time that the case is shown."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_agencies_province", "agencies", ["province"])


def downgrade() -> None:
    op.drop_index("ix_agencies_province", table_name="agencies")

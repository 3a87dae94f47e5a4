"""Find what is public."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PUBLIC = sa.text("secrecy = 'C0'")


def upgrade() -> None:
    op.create_index("ix_cases_public", "cases", ["opened_at", "id"], sqlite_where=PUBLIC, postgresql_where=PUBLIC)


def downgrade() -> None:
    op.drop_index("ix_cases_public", "cases")

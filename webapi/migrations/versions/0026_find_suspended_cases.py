"""Find suspended cases: somebody has to release them again."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("suspended_at IS NOT NULL")
    op.create_index("ix_cases_suspended", "cases", ["suspended_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_cases_suspended", table_name="cases")

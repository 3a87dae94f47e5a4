"""An attempt at a line of a batch, a migration or an import is counted before it is made: what kills is given up.

Nodes of the version before do lines without counting; what they list begins with no attempt.
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

TABLES = ("batch_lines", "migration_cases", "import_rows")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("attempts", sa.SmallInteger(), nullable=False, server_default="0"))
        op.add_column(table, sa.Column("due_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("due_at")
            batch.drop_column("attempts")

"""Say where in a list: a row has a place of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_rows", sa.Column("place", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("import_rows", "place")

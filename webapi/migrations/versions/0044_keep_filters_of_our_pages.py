"""A filter that somebody keeps is of a client of Camunda, or of one of our pages."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("filters", sa.Column("page", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM filters WHERE page IS NOT NULL")
    op.drop_column("filters", "page")

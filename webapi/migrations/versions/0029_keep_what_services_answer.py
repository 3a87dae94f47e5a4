"""Keep what services answer: a closed case can only be replayed with it."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("answer", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    op.drop_column("outbox", "answer")

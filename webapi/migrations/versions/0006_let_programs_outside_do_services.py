"""Let programs outside do services: external tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("element", sa.Text()))
    op.add_column("outbox", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("retries", sa.SmallInteger()))
    op.add_column("outbox", sa.Column("error_details", sa.Text()))


def downgrade() -> None:
    for name in ("error_details", "retries", "priority", "element"):
        op.drop_column("outbox", name)

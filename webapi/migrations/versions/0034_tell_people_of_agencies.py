"""Tell somebody of an agency, personally."""

import sqlalchemy as sa
from alembic import op

from engine.model.columns import Id

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as altered:
        altered.add_column(sa.Column("account_id", Id, nullable=True))
        name = op.f("fk_outbox_account_id")
        altered.create_foreign_key(name, "accounts", ["account_id"], ["id"], ondelete="SET NULL")


def downgrade() -> None:
    with op.batch_alter_table("outbox") as altered:
        altered.drop_constraint(op.f("fk_outbox_account_id"), type_="foreignkey")
        altered.drop_column("account_id")

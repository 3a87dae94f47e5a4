"""Let communes work: agencies of communes, between two days and below a district's, and tasks handed to them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agencies") as agencies:
        agencies.add_column(sa.Column("parent", sa.Text()))
        agencies.add_column(sa.Column("valid_from", sa.Date()))
        agencies.add_column(sa.Column("valid_to", sa.Date()))
        agencies.create_foreign_key(op.f("fk_agencies_parent"), "agencies", ["parent"], ["key"])
        agencies.create_index(op.f("ix_agencies_parent"), ["parent"])
    op.add_column("tasks", sa.Column("handed_by", sa.Text()))


def downgrade() -> None:
    op.drop_column("tasks", "handed_by")
    with op.batch_alter_table("agencies") as agencies:
        agencies.drop_constraint(op.f("fk_agencies_parent"), type_="foreignkey")
        agencies.drop_index(op.f("ix_agencies_parent"))
        for column in ("valid_to", "valid_from", "parent"):
            agencies.drop_column(column)

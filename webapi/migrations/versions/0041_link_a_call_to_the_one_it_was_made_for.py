"""Link a call to the one that it was made for."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("contacts", sa.Column("answered_by", sa.Text(), nullable=True))
    with op.batch_alter_table("contacts") as batch:
        batch.add_column(sa.Column("leg_of", ID, nullable=True))
        batch.create_foreign_key(op.f("fk_contacts_leg_of"), "contacts", ["leg_of"], ["id"])
    where = sa.text("leg_of IS NOT NULL")
    op.create_index("ix_contacts_leg_of", "contacts", ["leg_of"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_contacts_leg_of", table_name="contacts")
    with op.batch_alter_table("contacts") as batch:
        batch.drop_constraint(op.f("fk_contacts_leg_of"), type_="foreignkey")
        batch.drop_column("leg_of")
    op.drop_column("contacts", "answered_by")

"""Let administrators rename, merge, close and open agencies; a merged one has a successor."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "kind IN ('opened', 'changed', 'merged', 'closed', 'reopened')"


def upgrade() -> None:
    with op.batch_alter_table("agencies") as agencies:
        agencies.add_column(sa.Column("successor", sa.Text()))
        agencies.create_foreign_key(op.f("fk_agencies_successor"), "agencies", ["successor"], ["key"])
    op.create_table(
        "agency_changes",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("was", sa.JSON(), nullable=False),
        sa.Column("now", sa.JSON(), nullable=False),
        sa.Column("awaits", sa.Date(), nullable=True),
        sa.CheckConstraint(KINDS, name=op.f("ck_agency_changes_kind")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.key"], name=op.f("fk_agency_changes_agency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_changes")),
    )
    op.create_index(op.f("ix_agency_changes_agency"), "agency_changes", ["agency"])


def downgrade() -> None:
    op.drop_table("agency_changes")
    with op.batch_alter_table("agencies") as agencies:
        agencies.drop_constraint(op.f("fk_agencies_successor"), type_="foreignkey")
        agencies.drop_column("successor")

"""A day off or a make-up day that is announced at short notice is declared while the hotline runs."""

import sqlalchemy as sa
from alembic import op

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "declared_days",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("followed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('off', 'worked', 'usual')", name=op.f("ck_declared_days_kind")),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_declared_days_province")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_days")),
    )


def downgrade() -> None:
    op.drop_table("declared_days")

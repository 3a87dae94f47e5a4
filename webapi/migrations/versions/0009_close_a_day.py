"""Keep what was reported of a day."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reported_days",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_reported_days_province")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_days")),
        sa.UniqueConstraint(
            "province", "day", "edition", name=op.f("uq_reported_days_province_day_edition")
        ),
    )


def downgrade() -> None:
    op.drop_table("reported_days")

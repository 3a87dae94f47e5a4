"""Send reports of a week or a month; a message may be about no case."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "periodic_reports",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("sent_to", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_periodic_reports_province")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_periodic_reports")),
        sa.UniqueConstraint("province", "key", "begins", name=op.f("uq_periodic_reports_province_key_begins")),
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("case_id", existing_type=Id, nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE case_id IS NULL")
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("case_id", existing_type=Id, nullable=False)
    op.drop_table("periodic_reports")

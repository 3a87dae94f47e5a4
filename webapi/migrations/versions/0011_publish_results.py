"""Publish the results of public cases."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPROVED = sa.text("approved_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "publications",
        sa.Column("case_id", Id, autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("withheld", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("withheld IS NULL OR approved_at IS NULL", name=op.f("ck_publications_withheld")),
        sa.CheckConstraint(
            "withheld IS NOT NULL OR (subject IS NOT NULL AND words IS NOT NULL AND result IS NOT NULL)",
            name=op.f("ck_publications_texts"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_publications_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_publications")),
    )
    op.create_index(
        "ix_publications_shown", "publications", ["approved_at", "case_id"],
        sqlite_where=APPROVED, postgresql_where=APPROVED,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("publications")

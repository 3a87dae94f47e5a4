"""Take lists of people in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ALIVE = sa.text("state = 'waiting'")
TAKEN = sa.text("state IN ('waiting', 'done') AND NOT dry_run")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("province", "report_type", "name", "sha256")),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("creatable", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'done', 'cancelled')", name=op.f("ck_imports_state")),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_imports_province")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_waiting", "imports", ["id"], sqlite_where=ALIVE, postgresql_where=ALIVE)
    op.create_index("uq_imports_file", "imports", ["province", "report_type", "sha256"], unique=True,
                    sqlite_where=TAKEN, postgresql_where=TAKEN)  # fmt: skip


def downgrade() -> None:
    op.drop_table("imports")

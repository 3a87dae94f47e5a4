"""Move running cases to another version; suspend versions and cases."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JOB_STATES = "state IN ('ready', 'leased', 'incident', 'suspended'{more})"


def upgrade() -> None:
    op.create_table(
        "migrations",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("report_type", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("target_id", Id, nullable=False),
        sa.Column("elements", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("canary", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'canary', 'done', 'cancelled', 'undoing', 'undone')",
            name=op.f("ck_migrations_state"),
        ),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_migrations_province")),
        sa.ForeignKeyConstraint(["source_id"], ["definitions.id"], name=op.f("fk_migrations_source_id")),
        sa.ForeignKeyConstraint(["target_id"], ["definitions.id"], name=op.f("fk_migrations_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrations")),
    )
    op.create_table(
        "migration_cases",
        sa.Column("migration_id", Id, autoincrement=False, nullable=False),
        sa.Column("case_id", Id, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'moved', 'refused', 'gone', 'undone', 'kept')",
            name=op.f("ck_migration_cases_state"),
        ),
        sa.ForeignKeyConstraint(
            ["migration_id"], ["migrations.id"], name=op.f("fk_migration_cases_migration_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_migration_cases_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("migration_id", "case_id", name=op.f("pk_migration_cases")),
    )
    op.create_index(
        op.f("ix_migration_cases_migration_id_state_case_id"), "migration_cases", ["migration_id", "state", "case_id"]
    )
    op.create_index(op.f("ix_migration_cases_case_id"), "migration_cases", ["case_id"])
    op.add_column("cases", sa.Column("suspended_at", INSTANT, nullable=True))
    for column in (
        sa.Column("suspended_at", INSTANT, nullable=True),
        sa.Column("suspended_by", sa.Text(), nullable=True),
        sa.Column("suspended_reason", sa.Text(), nullable=True),
    ):
        op.add_column("definitions", column)
    _allow(", 'held'")


def downgrade() -> None:
    op.execute("UPDATE jobs SET state = 'ready' WHERE state = 'held'")
    _allow("")
    for name in ("suspended_at", "suspended_by", "suspended_reason"):
        op.drop_column("definitions", name)
    op.drop_column("cases", "suspended_at")
    op.drop_table("migration_cases")
    op.drop_table("migrations")


def _allow(more: str) -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_state"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_state"), JOB_STATES.format(more=more))

"""Note every contact, and what the keys of the telephone mean.

Cases that are there already came by a contact, too: each gets one, so that figures since an earlier date are whole.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)
OF_A_CALL, OF_A_CASE = sa.text("call_id IS NOT NULL"), sa.text("case_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "branches",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("report_type", sa.Text()),
        sa.Column("agency", sa.Text()),
        sa.Column("transfer_to", sa.Text()),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_from", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.key"], name=op.f("fk_branches_agency")),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_branches_province")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branches")),
        sa.UniqueConstraint("province", "key", "valid_from", name=op.f("uq_branches_province_key_valid_from")),
    )
    op.create_table(
        "contacts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text()),
        sa.Column("call_id", sa.Text()),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("answered_at", Instant),
        sa.Column("ended_at", Instant),
        sa.Column("outcome", sa.Text()),
        sa.Column("topic", sa.Text()),
        sa.Column("area", sa.Text()),
        sa.Column("agency", sa.Text()),
        sa.Column("taken_by", sa.Text()),
        sa.Column("case_id", Id),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_contacts_direction")),
        sa.CheckConstraint(
            "outcome IN ('answered', 'case', 'missed', 'refused', 'duplicate', 'wrong_number')",
            name=op.f("ck_contacts_outcome"),
        ),
        sa.CheckConstraint("case_id IS NULL OR outcome = 'case'", name=op.f("ck_contacts_case")),
        sa.ForeignKeyConstraint(["area"], ["areas.code"], name=op.f("fk_contacts_area")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_contacts_case_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_contacts_province")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_day", "contacts", ["province", "started_at", "id"])
    op.create_index(
        "uq_contacts_call", "contacts", ["province", "channel", "call_id"], unique=True,
        sqlite_where=OF_A_CALL, postgresql_where=OF_A_CALL,
    )  # fmt: skip
    op.create_index(
        "ix_contacts_case_id", "contacts", ["case_id"], sqlite_where=OF_A_CASE, postgresql_where=OF_A_CASE
    )
    op.execute(
        "INSERT INTO contacts (province, direction, channel, started_at, outcome, area, taken_by, case_id) "
        "SELECT province, 'in', channel, opened_at, 'case', area, opened_by, id FROM cases ORDER BY id"
    )


def downgrade() -> None:
    op.drop_table("contacts")
    op.drop_table("branches")

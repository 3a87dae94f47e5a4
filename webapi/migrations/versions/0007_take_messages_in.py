"""Take messages in: what came in as it came, and what messengers call the people who write."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)
WAITING, DEAD = sa.text("state = 'waiting'"), sa.text("state = 'dead'")
WAYS = ("email", "zalo", "facebook", "viber")
BEFORE = "kind IN ('sms', 'email', 'zalo', 'webhook', 'service')"
SINCE = "kind IN ('sms', 'email', 'zalo', 'facebook', 'viber', 'webhook', 'service')"


def upgrade() -> None:
    op.create_table(
        "arrivals",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("processed_at", Instant),
        sa.Column("case_id", Id),
        sa.Column("contact_id", Id),
        sa.CheckConstraint("state IN ('waiting', 'done', 'dead')", name=op.f("ck_arrivals_state")),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_arrivals_province")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_arrivals_case_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_arrivals_contact_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrivals")),
        sa.UniqueConstraint("province", "channel", "event_id", name=op.f("uq_arrivals_province_channel_event_id")),
    )
    op.create_index("ix_arrivals_due", "arrivals", ["due_at"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index("ix_arrivals_dead", "arrivals", ["id"], sqlite_where=DEAD, postgresql_where=DEAD)
    op.add_column("people", sa.Column("facebook", sa.Text()))
    op.add_column("people", sa.Column("viber", sa.Text()))
    for way in WAYS:
        known = sa.text(f"{way} IS NOT NULL")
        op.create_index(f"ix_people_{way}", "people", [way], sqlite_where=known, postgresql_where=known)
    _allow(SINCE)


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind IN ('facebook', 'viber')")
    _allow(BEFORE)
    for way in WAYS:
        op.drop_index(f"ix_people_{way}", "people")
    for column in ("viber", "facebook"):
        op.drop_column("people", column)
    op.drop_table("arrivals")


def _allow(kinds: str) -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint(op.f("ck_outbox_kind"), type_="check")
        outbox.create_check_constraint(op.f("ck_outbox_kind"), kinds)

"""Keep what cases tell each other, and say under which key a message is awaited."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
WAITING = sa.text("state = 'waiting'")
KINDS = "kind IN ('message', 'signal')"


def upgrade() -> None:
    op.drop_index(op.f("ix_subscriptions_message"), "subscriptions")
    with op.batch_alter_table("subscriptions") as subscriptions:
        subscriptions.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="message"))
        subscriptions.add_column(sa.Column("key", sa.Text(), nullable=True))
        subscriptions.create_check_constraint(op.f("ck_subscriptions_kind"), KINDS)
    op.create_index(op.f("ix_subscriptions_message_key"), "subscriptions", ["message", "key"])
    op.create_table(
        "case_messages",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("sender_id", Id, nullable=True),
        sa.Column("element", sa.Text(), nullable=True),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("token", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("until_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(KINDS, name=op.f("ck_case_messages_kind")),
        sa.CheckConstraint("state IN ('waiting', 'taken', 'missed', 'dead')", name=op.f("ck_case_messages_state")),
        sa.ForeignKeyConstraint(["province"], ["provinces.code"], name=op.f("fk_case_messages_province")),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["cases.id"], name=op.f("fk_case_messages_sender_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_messages_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_messages")),
        sa.UniqueConstraint("source", name=op.f("uq_case_messages_source")),
    )
    for name, columns in (("ix_case_messages_due", ["due_at"]), ("ix_case_messages_waiting", ["name", "key"])):
        op.create_index(name, "case_messages", columns, sqlite_where=WAITING, postgresql_where=WAITING)
    for column in ("sender_id", "case_id"):
        op.create_index(op.f(f"ix_case_messages_{column}"), "case_messages", [column])


def downgrade() -> None:
    op.drop_table("case_messages")
    op.drop_index(op.f("ix_subscriptions_message_key"), "subscriptions")
    op.execute("DELETE FROM subscriptions WHERE kind = 'signal'")
    with op.batch_alter_table("subscriptions") as subscriptions:
        subscriptions.drop_constraint(op.f("ck_subscriptions_kind"), type_="check")
        subscriptions.drop_column("key")
        subscriptions.drop_column("kind")
    op.create_index(op.f("ix_subscriptions_message"), "subscriptions", ["message"])

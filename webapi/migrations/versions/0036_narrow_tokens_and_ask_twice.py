"""Narrow tokens and ask twice: scopes and last use of tokens, second factors, and who somebody is to a provider."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tokens", sa.Column("scopes", sa.JSON(), nullable=True))
    op.add_column("tokens", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("tokens", sa.Column("used_at", INSTANT, nullable=True))
    op.add_column("accounts", sa.Column("identity", sa.Text(), nullable=True))
    op.create_index(op.f("ix_accounts_identity"), "accounts", ["identity"], unique=True)
    op.create_table(
        "second_factors",
        sa.Column("account_id", Id, autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("last_step", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recovery", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_second_factors_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factors")),
    )


def downgrade() -> None:
    op.drop_table("second_factors")
    op.drop_index(op.f("ix_accounts_identity"), table_name="accounts")
    op.drop_column("accounts", "identity")
    for name in ("used_at", "address", "scopes"):
        op.drop_column("tokens", name)

"""Keep messages from outside until a case waits for them: who has sent them."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_messages", sa.Column("sent_by", sa.Text(), nullable=True))
    where = sa.text("sent_by IS NOT NULL")
    op.create_index("ix_case_messages_outside", "case_messages", ["id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.execute("DELETE FROM case_messages WHERE sent_by IS NOT NULL")  # the older version cannot deliver them
    op.drop_index("ix_case_messages_outside", table_name="case_messages")
    op.drop_column("case_messages", "sent_by")

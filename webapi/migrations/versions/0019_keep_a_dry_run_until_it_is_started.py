"""Keep a dry run until it is started."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

LISTS = "state IN ({more}'waiting', 'done', 'cancelled')"
ROWS = "state IN ({more}'waiting', 'created', 'running', 'refused')"


def upgrade() -> None:
    _allow("'ready', ")


def downgrade() -> None:
    """Lists that were looked at can be sent again."""
    op.execute("DELETE FROM import_rows WHERE state = 'ready'")
    op.execute("UPDATE imports SET state = 'done', finished_at = created_at WHERE state = 'ready'")
    _allow("")


def _allow(more: str) -> None:
    for table, states in (("imports", LISTS), ("import_rows", ROWS)):
        with op.batch_alter_table(table) as altered:
            altered.drop_constraint(op.f(f"ck_{table}_state"), type_="check")
            altered.create_check_constraint(op.f(f"ck_{table}_state"), states.format(more=more))

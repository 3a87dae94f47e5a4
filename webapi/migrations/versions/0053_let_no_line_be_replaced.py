"""SQLite lets no line of the record be replaced: of ``INSERT OR REPLACE`` it tells no trigger that a line is deleted.

PostgreSQL has no such statement. Nodes of the version before only ever add lines, and notice nothing.
"""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

SENTENCE = "a line of the record is appended, never changed"
SAME = {
    "events": 'id = NEW."id"',
    "acts": 'id = NEW."id"',
    "links": 'seq = NEW."seq" OR source = NEW."source" AND row_id = NEW."row_id"',
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, same in SAME.items():
            op.execute(f"CREATE TRIGGER {table}_never_replace BEFORE INSERT ON {table} "
                       f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
                       f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END")  # fmt: skip


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in SAME:
            op.execute(f"DROP TRIGGER {table}_never_replace")

"""Look words up in an index; narrow an agency's tasks within the index that sorts them."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

INBOX = ["group", "due_at", "id"]
NARROWED = [*INBOX, "case_id", "report_type", "area", "assignee"]
FORGET = "INSERT INTO case_words (case_words, rowid, search_text) VALUES ('delete', OLD.id, OLD.search_text)"
LEARN = "INSERT INTO case_words (rowid, search_text) VALUES (NEW.id, NEW.search_text)"
WORDS = {
    "sqlite": [
        "CREATE VIRTUAL TABLE case_words USING fts5"
        " (search_text, content = 'cases', content_rowid = 'id', columnsize = 0, detail = none)",
        f"CREATE TRIGGER case_words_of_new AFTER INSERT ON cases BEGIN {LEARN}; END",
        f"CREATE TRIGGER case_words_of_changed AFTER UPDATE OF search_text ON cases BEGIN {FORGET}; {LEARN}; END",
        f"CREATE TRIGGER case_words_of_gone AFTER DELETE ON cases BEGIN {FORGET}; END",
        "INSERT INTO case_words (case_words) VALUES ('rebuild')",
    ],
    "postgresql": [
        "CREATE INDEX ix_cases_words ON cases USING gin"
        " (to_tsvector('simple', regexp_replace(search_text, '[^a-z0-9]+', ' ', 'g')))"
    ],
}


def _inbox(columns: list[str]) -> None:
    op.drop_index("ix_tasks_inbox", table_name="tasks")
    where = sa.text("status = 'open'")
    op.create_index("ix_tasks_inbox", "tasks", columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    _inbox(NARROWED)
    for statement in WORDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("new", "changed", "gone"):
            op.execute(f"DROP TRIGGER case_words_of_{trigger}")
        op.execute("DROP TABLE case_words")
    else:
        op.execute("DROP INDEX ix_cases_words")
    _inbox(INBOX)

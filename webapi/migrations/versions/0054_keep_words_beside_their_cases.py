"""PostgreSQL keeps the words of cases in a table beside `cases`, as SQLite does.

In an index of `cases` itself they were read and entered anew whenever a row was written to another place. A node of the
version before enters its cases as before, and finds words without an index: slowly, until it is replaced.
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

WORDS = "to_tsvector('simple', regexp_replace({}search_text, '[^a-z0-9 ]+', ' ', 'g'))"
LEARN = f"""
CREATE OR REPLACE FUNCTION learn_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF TG_OP = 'UPDATE' THEN DELETE FROM case_words WHERE case_id = NEW.id; END IF;
 IF NEW.search_text <> '' THEN INSERT INTO case_words VALUES (NEW.id, {WORDS.format("NEW.")}); END IF;
 RETURN NULL; END $$
"""
TRIGGER = (
    "CREATE TRIGGER case_words_of_case AFTER INSERT OR UPDATE OF search_text ON cases"
    " FOR EACH ROW EXECUTE FUNCTION learn_words()"
)
TABLE = "(case_id BIGINT PRIMARY KEY REFERENCES cases ON DELETE CASCADE, words TSVECTOR NOT NULL)"
BEFORE = "to_tsvector('simple', regexp_replace(search_text, '[^a-z0-9]+', ' ', 'g'))"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE TABLE case_words {TABLE}")
        op.execute(LEARN)
        op.execute(TRIGGER)  # who enters a case meanwhile waits
        op.execute(f"INSERT INTO case_words SELECT id, {WORDS.format('')} FROM cases WHERE search_text <> ''")
        op.execute("CREATE INDEX ix_case_words_words ON case_words USING gin (words)")
        op.drop_index("ix_cases_words", table_name="cases")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE INDEX ix_cases_words ON cases USING gin ({BEFORE})")
        op.execute("DROP TRIGGER case_words_of_case ON cases")
        op.execute("DROP FUNCTION learn_words()")
        op.execute("DROP TABLE case_words")

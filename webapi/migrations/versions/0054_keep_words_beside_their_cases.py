"""PostgreSQL keeps the words of cases in a table beside `cases`, as SQLite does.

In an index of `cases` itself they were read and entered anew whenever a row was written to another place. What takes
long is done while all go on; then nobody reads or writes a case for some seconds (of a million cases). A node of the
version before enters its cases as before, and finds words without an index: slowly, until it is replaced.
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

WORDS = "to_tsvector('simple', regexp_replace({}search_text, '[^a-z0-9 ]+', ' ', 'g'))"
FILL = f"INSERT INTO case_words SELECT id, {WORDS.format('')} FROM cases WHERE search_text <> ''"
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
KEY = "ALTER TABLE case_words ADD FOREIGN KEY (case_id) REFERENCES cases ON DELETE CASCADE"
EMPTIED = "DELETE FROM case_words USING cases WHERE cases.id = case_id AND search_text = ''"
BEFORE = "to_tsvector('simple', regexp_replace(search_text, '[^a-z0-9]+', ' ', 'g'))"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE TABLE case_words (case_id BIGINT, words TSVECTOR NOT NULL)")
    op.execute(LEARN)
    op.execute(FILL)
    op.execute("ALTER TABLE case_words ADD PRIMARY KEY (case_id)")
    op.execute("CREATE INDEX ix_case_words_words ON case_words USING gin (words)")
    # At once, and nothing of the table was locked before: else whoever is in the middle of a step and we would wait for
    # each other.
    op.execute("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE")
    op.execute(EMPTIED)  # meanwhile
    op.execute(f"{FILL} AND NOT EXISTS (SELECT 1 FROM case_words WHERE case_id = cases.id)")
    op.execute(KEY)
    op.execute(TRIGGER)
    op.drop_index("ix_cases_words", table_name="cases")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE INDEX ix_cases_words ON cases USING gin ({BEFORE})")
        op.execute("DROP TRIGGER case_words_of_case ON cases")
        op.execute("DROP FUNCTION learn_words()")
        op.execute("DROP TABLE case_words")

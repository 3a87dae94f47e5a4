"""The index that words are searched by: SQLite's own (FTS5), and PostgreSQL's (GIN), both kept by the database.

A word is a run of letters and digits; what is searched is folded already (`engine.language.vietnamese.words`). The
index is that of a table beside `cases`: in one of `cases` itself all words of a case would be looked at anew whenever
its row is written to another place. Triggers tell it of a new case, and of one that is emptied or becomes class C4.
SQLite's keeps no text of its own, nor where in it a word stands.
"""

from __future__ import annotations

from sqlalchemy import DDL, event

from engine.model.columns import metadata

_LEXEMES = "to_tsvector('simple', regexp_replace(NEW.search_text, '[^a-z0-9 ]+', ' ', 'g'))"
_FORGET = "INSERT INTO case_words (case_words, rowid, search_text) VALUES ('delete', OLD.id, OLD.search_text)"
_LEARN = "INSERT INTO case_words (rowid, search_text) VALUES (NEW.id, NEW.search_text)"
WORDS = {
    "sqlite": [
        "CREATE VIRTUAL TABLE case_words USING fts5"
        " (search_text, content = 'cases', content_rowid = 'id', columnsize = 0, detail = none)",
        f"CREATE TRIGGER case_words_of_new AFTER INSERT ON cases BEGIN {_LEARN}; END",
        f"CREATE TRIGGER case_words_of_changed AFTER UPDATE OF search_text ON cases BEGIN {_FORGET}; {_LEARN}; END",
        f"CREATE TRIGGER case_words_of_gone AFTER DELETE ON cases BEGIN {_FORGET}; END",
    ],
    "postgresql": [
        "CREATE TABLE case_words"
        " (case_id BIGINT PRIMARY KEY REFERENCES cases ON DELETE CASCADE, words TSVECTOR NOT NULL)",
        "CREATE INDEX ix_case_words_words ON case_words USING gin (words)",
        "CREATE OR REPLACE FUNCTION learn_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'UPDATE' THEN DELETE FROM case_words WHERE case_id = NEW.id; END IF;"
        f" IF NEW.search_text <> '' THEN INSERT INTO case_words VALUES (NEW.id, {_LEXEMES}); END IF;"
        " RETURN NULL; END $$",
        "CREATE TRIGGER case_words_of_case AFTER INSERT OR UPDATE OF search_text ON cases"
        " FOR EACH ROW EXECUTE FUNCTION learn_words()",
    ],
}

for _database, _statements in WORDS.items():
    for _statement in _statements:
        event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect=_database))
event.listen(metadata, "before_drop", DDL("DROP TABLE IF EXISTS case_words"))

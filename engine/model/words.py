"""The index that words are searched by: SQLite's own (FTS5), and PostgreSQL's (GIN), both kept by the database.

A word is a run of letters and digits; what is searched is folded already (`engine.language.vietnamese.fold`). SQLite's
is a table beside `cases` that keeps no text of its own, nor where in it a word stands; triggers tell it of a new case,
and of one that is emptied or gone.
"""

from __future__ import annotations

from sqlalchemy import DDL, event

from engine.model.columns import metadata

LEXEMES = "to_tsvector('simple', regexp_replace(search_text, '[^a-z0-9]+', ' ', 'g'))"
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
    "postgresql": [f"CREATE INDEX ix_cases_words ON cases USING gin ({LEXEMES})"],
}

for _database, _statements in WORDS.items():
    for _statement in _statements:
        event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect=_database))
event.listen(metadata, "before_drop", DDL("DROP TABLE IF EXISTS case_words").execute_if(dialect="sqlite"))

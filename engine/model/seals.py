"""What refuses to let a line of the record be changed, deleted or replaced: triggers, on both databases.

Whoever owns the database can drop them; what then happens, the chain of hashes shows (`engine.record.chain`). Two
changes are let through. The data of a case's line may be emptied, for a person has the right to be forgotten; that it
happened stays visible: see `engine.record.chain.EMPTIED`. And it may be sealed, or sealed anew (`engine.privacy.keys`):
the chain is about what it says when it is opened.
"""

from __future__ import annotations

from sqlalchemy import DDL, event

from engine.model.columns import metadata

_SAME = ("id", "case_id", "at", "kind", "actor")
_SENTENCE = "a line of the record is appended, never changed"
_LINK = 'seq = NEW."seq" OR source = NEW."source" AND row_id = NEW."row_id"'


def _kept(same: str, data: str) -> str:
    """SQL: an update of `events` empties or seals its data, and does nothing else.

    Args:
        same: the comparison that takes two NULLs for the same.
        data: the new data as text.
    """
    whole = " AND ".join(f'NEW."{column}" = OLD."{column}"' for column in _SAME)
    let = f"({data} = '{{}}' OR substr({data}, 1, 2) = '\"~')"
    return f"NOT ({let} AND NEW.element {same} OLD.element AND {whole})"


def _sqlite(table: str, when: str = "1", same: str = 'id = NEW."id"') -> list[str]:
    """Args:
    same: which lines a new one would take the place of: of `INSERT OR REPLACE` SQLite tells no trigger of a delete.
    """
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END"
    return [
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} WHEN {when} {refuse}",
        f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_never_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}",
    ]


def _postgresql(table: str, when: str = "true") -> list[str]:
    run = "EXECUTE FUNCTION refuse_change()"
    return [
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) {run}",
        f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} FOR EACH ROW {run}",
        f"CREATE TRIGGER {table}_never_all_go BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
    ]


SEALS = {
    "sqlite": [*_sqlite("events", _kept("IS", "NEW.data")), *_sqlite("acts"), *_sqlite("links", same=_LINK)],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SENTENCE}'; END $$",
        *_postgresql("events", _kept("IS NOT DISTINCT FROM", "NEW.data::text")),
        *_postgresql("acts"),
        *_postgresql("links"),
    ],
}

for _database, _statements in SEALS.items():
    for _statement in _statements:
        event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect=_database))

"""Steps from one version of the tables to the next; `engine.storage.schema` takes them.

A step that has been released is never edited. Make the next one from the difference between a migrated database and
`engine.model`, then read it as if somebody else had written it:

    .venv/bin/python -c 'from engine.storage import database, schema; \
        d = database.connect("sqlite:///instance/thongsuot.db"); schema.upgrade(d); \
        print(schema.draft(d, "keep a case\'s language", "0002"))'
"""

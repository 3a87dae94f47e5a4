"""What Alembic runs for each command: it is given a connection, with the transaction already begun."""

from alembic import context
from sqlalchemy.types import TypeDecorator

from engine import model


def _render_item(kind, thing, autogenerate):
    """A step must not change when `engine.model` does, so our own types are written as what they are stored as."""
    if kind == "type" and isinstance(thing, TypeDecorator):
        return f"sa.{thing.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=model.metadata,
    render_as_batch=True,  # SQLite can alter little: Alembic copies the table instead
    render_item=_render_item,
    transactional_ddl=True,  # SQLite's too: `engine.storage.database` begins its transactions itself
)
with context.begin_transaction():
    context.run_migrations()

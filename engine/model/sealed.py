"""Columns whose values are sealed in the database and plain everywhere else (`engine.storage.sealing`).

They are declared as what they are in the database, text, JSON or bytes, so that a sealed value can take the place of a
plain one row by row. Nothing can be asked about them in SQL but whether they are there; a `Found` one can also be
compared as a whole, with `is_any_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from sqlalchemy import JSON, ColumnElement, LargeBinary, Text, TypeDecorator, type_coerce

from engine.storage import sealing

Convert = Callable[[Any], Any]


class SealedText(TypeDecorator[str]):
    """A text. Nothing, and the empty one, stay as they are."""

    impl = Text
    cache_ok = True

    def __init__(self, name: str) -> None:
        """Args:
        name: "people.name": a value sealed for one name cannot be read under another.
        """
        super().__init__()
        self.name = name

    def bind_processor(self, dialect: Any) -> Convert:
        return lambda text: sealing.seal(text, self.name) if text else text

    def result_processor(self, dialect: Any, coltype: Any) -> Convert:
        return lambda text: sealing.unseal(text, self.name) if text else text


class Found(SealedText):
    """A text that is always sealed the same, so that it can be found again."""

    cache_ok = True

    def bind_processor(self, dialect: Any) -> Convert:
        return lambda text: sealing.find(text, self.name) if text else text


class SealedBytes(TypeDecorator[bytes]):
    """Bytes, sealed as a whole."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def bind_processor(self, dialect: Any) -> Convert:
        return lambda data: sealing.seal_bytes(data, self.name) if data else data

    def result_processor(self, dialect: Any, coltype: Any) -> Convert:
        return lambda data: sealing.unseal_bytes(bytes(data), self.name) if data else data


class SealedJSON(TypeDecorator[Any]):
    """JSON, sealed as a whole; in the database a JSON text.

    A table with none but the ``plain`` keys stays readable, and so does a list of such tables: they hold nothing that
    people said or are.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, name: str, plain: frozenset[str] = frozenset(), *, none_as_null: bool = False) -> None:
        """Args:
        none_as_null: as of SQLAlchemy's JSON; otherwise ``None`` is JSON's null.
        """
        super().__init__()
        self.name = name
        self.plain = plain
        self.none_as_null = none_as_null

    def stays_plain(self, value: Any) -> bool:
        if not self.plain or not value:
            return not value
        told = value if isinstance(value, list) else [value]
        return all(isinstance(one, dict) and one.keys() <= self.plain for one in told)

    def bind_processor(self, dialect: Any) -> Convert:
        def bind(value: Any) -> str | None:
            if value is None and self.none_as_null:
                return None
            text = orjson.dumps(value).decode()
            if self.stays_plain(value):
                return text
            return f'"{sealing.seal(text, self.name)}"'

        return bind

    def result_processor(self, dialect: Any, coltype: Any) -> Convert:
        name = self.name
        if dialect.name == "postgresql":  # psycopg has read the JSON already

            def read(value: Any) -> Any:
                return opened(value, name) if isinstance(value, str) else value

            return read

        def parse(text: str | None) -> Any:
            if text is None:
                return None
            return opened(text[1:-1], name) if text[:2] == '"~' else orjson.loads(text)

        return parse


def opened(text: str, name: str) -> Any:
    """What a sealed JSON text holds; a text that never was sealed is itself."""
    found = sealing.unseal(text, name)
    return found if found is text else orjson.loads(found)


def is_any_of(column: Any, values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a `Found` column holds one of these, whichever key each was sealed with."""
    spelt = [one for value in values for one in sealing.spellings(value, column.type.name)]
    return type_coerce(column, Text).in_(spelt)

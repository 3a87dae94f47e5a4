"""Answers that are chosen, not written."""

from __future__ import annotations

import unicodedata
from typing import Any

from marshmallow import ValidationError, missing

from engine.forms import sentences
from engine.forms.answers import Answer
from engine.forms.field import Field


class Choice(Answer):
    """One of the options. A page can only send texts, so "1" chooses 1 where there is no "1"."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.offered = offered([option.value for option in field.options])

    def read(self, value: Any) -> Any:
        if type(value) not in (str, int, float, bool):
            raise ValidationError(sentences.CHOOSE_OFFERED)
        if self.field.options_from:
            return unicodedata.normalize("NFC", value) if isinstance(value, str) else value
        chosen = choose(value, self.offered)
        if chosen is missing:
            raise ValidationError(sentences.CHOOSE_OFFERED)
        return chosen


class Selection(Choice):
    """Any number of the options, each once, in the order given."""

    def read(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError(sentences.NOT_LIST)
        try:
            chosen = [super(Selection, self).read(each) for each in value]
        except ValidationError:
            raise ValidationError(sentences.CHOOSE_ONLY_OFFERED) from None
        return list(dict.fromkeys(chosen))


def offered(values: list[Any]) -> dict[tuple[type, Any], Any]:
    """Options by type and value (in Python, 1 == True), and by how a page would send them."""
    table = {(str, _sent(value)): value for value in values}
    return table | {_typed(value): value for value in values}


def choose(value: Any, table: dict[tuple[type, Any], Any]) -> Any:
    """The option that was meant, or ``missing``."""
    return table.get(_typed(value), missing)


def _typed(value: Any) -> tuple[type, Any]:
    if isinstance(value, str):
        return str, unicodedata.normalize("NFC", value)
    return (int, int(value)) if isinstance(value, float) and value.is_integer() else (type(value), value)


def _sent(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)

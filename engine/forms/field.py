"""One question of a form, as everyone who shows, checks or documents it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TEXTS = frozenset({"textfield", "textarea"})
CHOICES = frozenset({"radio", "select"})
SELECTIONS = frozenset({"checklist", "taglist"})
MOMENTS = frozenset({"date", "time", "datetime"})


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen: the value that is kept and the words that are shown."""

    value: str | int | float | bool
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """A question.

    Attributes:
        id: the form-js component's id; error lists and pages point at it.
        key: where the answer is kept; dots lead into groups ("nguoi_bao.ten"). Inside a list: relative to the item.
        kind: textfield, textarea, number, date, time, datetime, checkbox, checklist, radio, select, taglist,
            filepicker, list, or expression (computed, never asked).
        options: what can be chosen; empty where ``options_from`` says they come from the case's data.
        options_from: the name of a value, or an expression beginning with "=".
        minimum, maximum: for numbers; min_length, max_length: for texts, in UTF-16 units as browsers count.
            Any of the four may be an expression beginning with "=".
        pattern: as JavaScript's ``RegExp.test`` sees it: it may match anywhere unless ^ and $ say otherwise.
        format: "email" or "phone", for texts.
        digits: how many decimals a number may have. step: what it must be a multiple of.
        as_text: a number is kept as text; times is the form-js name of how a time is kept.
        past: whether a date may lie before today.
        accept: what a file may be: "image/*", "application/pdf" or ".docx"; empty: anything.
        hidden_when, readonly: expressions beginning with "="; ``readonly`` may be plain true.
        expression: how a computed field is computed.
        personal: whose it tells: hidden from whoever may not know who reported. Telephone numbers and e-mail
            addresses always; else the component's property ``personal`` is "true".
        fields: what a list asks about each of its items.
    """

    id: str
    key: str
    label: str
    kind: str
    required: bool = False
    description: str = ""
    default: Any = None
    options: tuple[Option, ...] = ()
    options_from: str = ""
    min_length: int | str | None = None
    max_length: int | str | None = None
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    pattern: str = ""
    pattern_message: str = ""
    format: str = ""
    digits: int | None = None
    step: str | int | float | None = None
    as_text: bool = False
    times: str = "utc_offset"
    past: bool = True
    multiple: bool = False
    accept: tuple[str, ...] = ()
    readonly: bool | str = False
    hidden_when: str = ""
    expression: str = ""
    personal: bool = False
    fields: tuple[Field, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))

    @property
    def blank(self) -> Any:
        """What an unanswered question leaves behind: the same as in the browser."""
        if self.kind in TEXTS:
            return ""
        if self.kind in SELECTIONS or self.kind in ("filepicker", "list"):
            return []
        return False if self.kind == "checkbox" else None

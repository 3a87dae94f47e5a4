"""What can be said of an answer only once the other answers are known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, missing

from engine.forms import sentences
from engine.forms.answers import length_fault, limit_fault
from engine.forms.choices import choose, offered
from engine.forms.conditions import Rule
from engine.forms.field import CHOICES, Field, Option
from engine.forms.moments import day_of

_LIMITS = ("min_length", "max_length", "minimum", "maximum")


class Late:
    """The checks of one question that look at more than its answer."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.limits = {
            name: Rule(limit, f"'{name}' of '{field.key}'")
            for name in _LIMITS
            if isinstance(limit := getattr(field, name), str)
        }
        source = field.options_from
        self.options = Rule(source, f"The options of '{field.key}'") if source.startswith("=") else None

    @property
    def needed(self) -> bool:
        return bool(self.limits or self.field.options_from or not self.field.past)

    def __call__(self, value: Any, known: Mapping[str, Any], today: date | None) -> Any:
        """The value as it is to be kept. Raises ValidationError with the sentence for the person."""
        limits = {name: _number(rule.value(known)) for name, rule in self.limits.items()}
        fault = None
        if self.field.kind == "number":
            fault = limit_fault(Decimal(str(value)), limits.get("minimum"), limits.get("maximum"))
        elif limits:
            longest, shortest = limits.get("max_length"), limits.get("min_length")
            fault = length_fault(value, int(shortest or 0), len(value) * 2 if longest is None else int(longest))
        elif not self.field.past and self.field.kind != "time" and today and day_of(value) < today:
            fault = sentences.PAST
        if fault:
            raise ValidationError(fault)
        return self._chosen(value, known) if self.field.options_from else value

    def options_of(self, known: Mapping[str, Any]) -> tuple[Option, ...]:
        """What the case's data offers, with the words it has for it."""
        found = ((_value(option), option) for option in self._listed(known))
        return tuple(Option(value, _label(value, option)) for value, option in found if value is not None)

    def _listed(self, known: Mapping[str, Any]) -> list[Any]:
        options = self.options.value(known) if self.options else known.get(self.field.options_from)
        return options if isinstance(options, list) else []

    def _chosen(self, value: Any, known: Mapping[str, Any]) -> Any:
        values = map(_value, self._listed(known))
        table = offered([value for value in values if value is not None])
        if not table:
            raise ValidationError(sentences.NO_OPTIONS)
        one = self.field.kind in CHOICES
        chosen = [choose(each, table) for each in ([value] if one else value)]
        if missing in chosen:
            raise ValidationError(sentences.CHOOSE_OFFERED if one else sentences.CHOOSE_ONLY_OFFERED)
        return chosen[0] if one else chosen


def late(field: Field) -> Late | None:
    """The late checks of a question, if there are any."""
    checks = Late(field)
    return checks if checks.needed and field.readonly is not True else None


def _number(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _label(value: Any, option: Any) -> str:
    return str(option.get("label") or value) if isinstance(option, dict) else str(value)


def _value(option: Any) -> Any:
    """An option of the case's data: ``{"label": …, "value": …}`` or the value itself."""
    value = option.get("value") if isinstance(option, dict) else option
    return value if type(value) in (str, int, float, bool) and value != "" else None

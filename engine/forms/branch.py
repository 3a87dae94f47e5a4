"""Checking answers against a layout: the questions of a form, or of one item of a list in it.

marshmallow reads every answer by itself; what depends on other answers comes after: what is hidden, read-only,
computed, or limited by an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import islice
from typing import Any

from marshmallow import ValidationError, missing

from engine.forms import sentences
from engine.forms.answers import Answer, Group, Ignored, as_number
from engine.forms.conditions import Rule
from engine.forms.field import Field
from engine.forms.kinds import KINDS
from engine.forms.late import Late, late
from engine.forms.layout import Layout
from engine.forms.places import ABSENT, drop, find, over, put

_UNKNOWN = "\0unknown"
_MOST_FAULTS = 400  # more than a form has questions, fewer than a hostile sender has keys
_PASSES = 8  # conditions that look at one another may never settle


class Answers:
    """The answers of a form or of a group in it, by name. Keys that it does not have are refused.

    What a marshmallow schema does beside that (hooks, many, partial) no form needs, and a fifth of all calls' checking
    went into it; the fields are marshmallow's.
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def load(self, sent: Any) -> dict[str, Any]:
        """Raises:
        ValidationError: with ``valid_data``, and the faults by name.
        """
        if not isinstance(sent, dict):
            raise ValidationError(sentences.NOT_GROUP)
        clean: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for name, answer in self._members.items():
            try:
                value = answer.deserialize(sent.get(name, missing))
            except ValidationError as error:
                faults[name], value = error.messages, error.valid_data or missing
            if value is not missing:
                clean[name] = value
        faults |= {name: [_UNKNOWN] for name in sent if name not in self._members}
        if faults:
            raise ValidationError(faults, valid_data=clean)
        return clean


class Branch:
    def __init__(self, layout: Layout) -> None:
        """Raises:
        ValueError: a pattern, an expression or a default cannot be used.
        """
        self.fields = layout.fields
        self.lists = {key: Branch(inner) for key, inner in layout.lists.items()}
        self.asked = {field.key: _answer(field) for field in self.fields if field.readonly is not True}
        self.answers = _nested({field.path: self.asked.get(field.key) or Ignored() for field in self.fields})
        self.defaults = [(field, self._default(field)) for field in self.fields]
        self.groups = sorted({field.path[:1] for field in self.fields if len(field.path) > 1})
        self.hidings = [(h.id, h.keys, Rule(h.condition, f"The condition that hides '{h.id}'")) for h in layout.hidings]
        self.locks = [
            (field, Rule(field.readonly, f"'readonly' of '{field.key}'"))
            for field in self.fields
            if isinstance(field.readonly, str)
        ]
        self.computed = [
            (field, Rule(field.expression, f"The expression of '{field.key}'"))
            for field in self.fields
            if field.kind == "expression"
        ]
        self.late = [check for field in self.fields if (check := late(field))]
        self._looked_at = frozenset[str]().union(*(rule.names for _, _, rule in self.hidings))
        self._simple = not (self.hidings or self.locks or self.lists or self.late or self.computed)

    def read(
        self, sent: Any, kept: Mapping[str, Any], around: Mapping[str, Any] | None, today: date | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The clean answers, and what is wrong with them, by key.

        Args:
            kept: the values these questions have had so far: the case's data; nothing for an item of a list.
            around: for an item of a list, what its expressions see besides ``this``, the item itself.
            today: in Vietnam; ``None`` lets dates that have passed through.
        """
        clean, faults = self._load(sent)
        self._complete(clean, faults, kept)
        if self._simple:
            return clean, faults
        known, own = self._known(sent, clean, faults, kept, around)
        self._hide(clean, faults, known, own)
        for field, rule in self.locks:
            if rule.holds(known):
                drop(clean, field.path)
                faults.pop(field.key, None)
                if (value := find(kept, field.path)) is not None:
                    put(clean, field.path, value)
        for key, inner in self.lists.items():
            self._read_items(key, inner, clean, faults, known, today)
        for check in self.late:
            self._check_late(check, clean, faults, known, today)
        for field, rule in self.computed:
            for values in (clean, own):
                put(values, field.path, rule.value(known))
        return clean, faults

    def hidden(self, sent: Any, kept: Mapping[str, Any]) -> frozenset[str]:
        """The ids of the components that these answers, right or wrong, hide."""
        clean, faults = self._load(sent)
        self._complete(clean, faults, kept)
        return self._hide(clean, faults, *self._known(sent, clean, faults, kept, None))

    def _known(
        self, sent: Any, clean: dict[str, Any], faults: dict[str, str], kept: Mapping[str, Any],
        around: Mapping[str, Any] | None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
        """What expressions see, and the part of it that is this branch's: copies, which hiding may change.

        A wrong answer is seen as it was sent: correcting it should not make other questions come and go.
        """
        own = over(kept if around is None else {}, clean)
        for key in faults.keys() & self.asked.keys():
            path = tuple(key.split("."))
            put(own, path, as_number(find(sent, path)) if self.asked[key].field.kind == "number" else find(sent, path))
        return (own, own) if around is None else ({**around, "this": own}, own)

    def _load(self, sent: Any) -> tuple[dict[str, Any], dict[str, str]]:
        try:
            return self.answers.load(sent), {}
        except ValidationError as error:
            valid = error.valid_data
            return valid if isinstance(valid, dict) else {}, dict(islice(_faults(error.messages), _MOST_FAULTS))

    def _complete(self, clean: dict[str, Any], faults: dict[str, str], kept: Mapping[str, Any]) -> None:
        """A question that was not answered keeps what the case has, else its default, else a blank."""
        for (name,) in self.groups:
            if isinstance(kept.get(name), dict):
                clean[name] = over(kept[name], clean.get(name, {}))
        for field, default in self.defaults:
            if field.readonly is True or field.key in faults or find(clean, field.path, ABSENT) is not ABSENT:
                continue
            value = find(kept, field.path, ABSENT)
            if value is ABSENT:
                value = list(default) if isinstance(default, list) else default
            put(clean, field.path, value)

    def _hide(
        self, clean: dict[str, Any], faults: dict[str, str], known: dict[str, Any], own: dict[str, Any]
    ) -> frozenset[str]:
        """Drop what is hidden. A hidden answer hides nothing itself, so conditions are asked until that holds."""
        hidden = [hiding for hiding in self.hidings if hiding[2].holds(known)]
        for _ in range(_PASSES):
            gone = {key for _, keys, _ in hidden for key in keys}
            if not self._looked_at & {"this", *(key.partition(".")[0] for key in gone)}:
                break
            rest = over({}, own)
            for key in gone:
                drop(rest, tuple(key.split(".")))
            seen = rest if known is own else {**known, "this": rest}
            before, hidden = hidden, [hiding for hiding in self.hidings if hiding[2].holds(seen)]
            if hidden == before:
                break
        for key in {key for _, keys, _ in hidden for key in keys}:
            faults.pop(key, None)
            drop(clean, tuple(key.split(".")))
            drop(own, tuple(key.split(".")))
        return frozenset(name for name, _, _ in hidden)

    def _read_items(
        self, key: str, inner: Branch, clean: dict[str, Any], faults: dict[str, str], known: dict[str, Any],
        today: date | None,
    ) -> None:  # fmt: skip
        path = tuple(key.split("."))
        items = find(clean, path)
        if not isinstance(items, list):
            return
        checked = []
        for number, item in enumerate(items):
            answers, wrong = inner.read(item, {}, known | {"parent": known.get("this", known)}, today)
            checked.append(answers)
            faults.update({f"{key}.{number}.{name}": sentence for name, sentence in wrong.items()})
        put(clean, path, checked)

    def _check_late(
        self, check: Late, clean: dict[str, Any], faults: dict[str, str], known: dict[str, Any], today: date | None
    ) -> None:
        value = find(clean, check.field.path)
        if value is None or value == check.field.blank:
            return
        try:
            put(clean, check.field.path, check(value, known, today))
        except ValidationError as error:
            faults[check.field.key] = error.messages[0]

    def _default(self, field: Field) -> Any:
        """What stands in for an answer that was not given. Raises ValueError for one the form itself would refuse."""
        answer = self.asked.get(field.key)
        if field.default is None or answer is None:
            return field.blank
        try:
            return answer.deserialize(field.default)
        except ValidationError:
            raise ValueError(f"The default value of '{field.key}' is not an answer the form would accept.") from None


def _answer(field: Field) -> Answer:
    try:
        return KINDS[field.kind](field)
    except ValueError as error:
        raise ValueError(f"The pattern of '{field.key}' cannot be used: {error}.") from None


def _nested(answers: dict[tuple[str, ...], Any]) -> Answers:
    """With a `Group` for every name that leads to more than one level."""
    inner: dict[str, dict[tuple[str, ...], Any]] = {}
    members: dict[str, Any] = {}
    for (name, *rest), answer in answers.items():
        if rest:
            inner.setdefault(name, {})[tuple(rest)] = answer
            members[name] = None
        else:
            members[name] = answer
    return Answers(members | {name: Group(_nested(group)) for name, group in inner.items()})


def _faults(messages: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """marshmallow's nested messages as (key, sentence)."""
    if not isinstance(messages, dict):
        sentence = messages[0] if isinstance(messages, list) else str(messages)
        known = sentence != _UNKNOWN
        yield (prefix, sentence) if known else (_shown(prefix), sentences.unknown(_shown(prefix)))
        return
    for name, inner in messages.items():
        yield from _faults(inner, f"{prefix}.{name}" if prefix else str(name))


def _shown(path: str) -> str:
    """An unknown key is the sender's text: short, and printable, before it is repeated."""
    text = "".join(letter if letter.isprintable() else "?" for letter in path)
    return text if len(text) <= 80 else text[:79] + "…"

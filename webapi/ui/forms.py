"""Our .form files on a page: the server draws the same file that it checks the answers with.

    answers = forms.read(form, request.form)               # what was posted, by key
    questions = forms.draw(form, answers, faults, data)    # for {{ asked.form(questions) }} of ui/asked.html
    return jsonify(forms.hidden(form, answers, data))      # for site.js, while somebody is choosing

Every question is drawn; what a condition hides for these answers is drawn hidden. site.js asks which ones those are
whenever an answer changes; without JavaScript, a button does. Whatever was hidden is dropped by `Form.check`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.forms import Field, Form
from engine.forms.field import SELECTIONS
from engine.forms.places import find, put
from engine.terms.calendar import ZONE
from webapi.ui import show
from webapi.ui.faults import sentence
from webapi.ui.words import NO_WORDS, _, in_language

PREFIX = "a."  # before a question's key, so that no key can be taken for a field of the page itself
ITEMS_SHOWN = 2  # empty items of a list that are offered beyond those that are filled in
_GROUPS = ("group", "dynamiclist")
_ITEM = re.compile(r"(\d{1,3})\.(.+)")
_INPUTS = {"date": "date", "time": "time", "datetime": "datetime-local"}
_FORMATS = {"email": "email", "phone": "tel"}
_HEADING = re.compile(r"#{1,6} +(.*)")
_TAG = re.compile(r"<[^>]*>")


@dataclass
class Part:
    """Something on a form: a question, a group of them, or words.

    Attributes:
        kind: a `Field`'s kind, or group, text, heading, separator.
        input: the type of an <input>, where it is one.
        parts: what is in a group; for a list, one group for each item.
    """

    id: str
    kind: str
    label: str = ""
    hidden: bool = False
    name: str = ""
    value: Any = None
    fault: str = ""
    asks: Field | None = None
    input: str = "text"
    hint: str = ""
    options: list[tuple[str, str, bool]] = field(default_factory=list)  # as sent, words, chosen
    parts: list[Part] = field(default_factory=list)

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong in it, with the ids to jump to."""
        if self.fault:
            yield self.id, self.fault
        for part in self.parts:
            yield from part.faults()


# -- what was posted -----------------------------------------------------------------------------------------------


def read(form: Form, posted: MultiDict[str, str]) -> dict[str, Any]:
    """The answers as `Form.check` takes them. What a page cannot send (an unticked box) is filled in."""
    return _read(form.fields, posted, PREFIX)


def _read(fields: Iterable[Field], posted: MultiDict[str, str], prefix: str) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for one in fields:
        if one.kind == "expression" or one.readonly is True:
            continue
        name = prefix + one.key
        if one.kind == "list":
            put(answers, one.path, _items(one, posted, f"{name}."))
        elif one.kind in SELECTIONS or one.kind == "filepicker":
            put(answers, one.path, [value for value in posted.getlist(name) if value])
        elif one.kind == "checkbox":
            put(answers, one.path, name in posted)
        elif name in posted:
            put(answers, one.path, posted[name])
    return answers


def _items(one: Field, posted: MultiDict[str, str], prefix: str) -> list[dict[str, Any]]:
    """The items in which something was written."""
    numbers = {int(match[1]) for name in posted if name.startswith(prefix) if (match := _ITEM.match(name, len(prefix)))}
    items = [_read(one.fields, posted, f"{prefix}{number}.") for number in sorted(numbers)[:100]]
    return [item for item in items if any(value not in ("", [], False, None) for value in item.values())]


def hidden(form: Form, answers: dict[str, Any], data: Mapping[str, Any] | None = None) -> list[str]:
    """The ids of what these answers hide, for site.js."""
    return sorted(form.hidden(answers, data=data))


def told(form: Form, answers: Mapping[str, Any], english: Mapping[str, str] = NO_WORDS) -> list[tuple[str, str]]:
    """What was answered, in words: each question's label and its answer, without those that were left open.

    Args:
        english: the report type's own (`Package.english`).
    """
    said = ((one.label, _in_words(form, one, find(answers, one.path), answers, english)) for one in form.fields)
    return [(in_language(label, own=english), words) for label, words in said if words]


def _in_words(form: Form, one: Field, value: Any, known: Mapping[str, Any], english: Mapping[str, str]) -> str:
    if one.kind == "checkbox":
        return _("có") if value is True else ""
    if value in (None, "", []):
        return ""
    labels = {option.value: in_language(option.label, own=english) for option in form.options(one, known)}
    if one.kind == "list":
        items = ([_in_words(form, each, find(item, each.path), item, english) for each in one.fields] for item in value)
        return "\n".join(", ".join(filter(None, item)) for item in items)
    if isinstance(value, list):
        return ", ".join(str(labels.get(each, each)) for each in value)
    return str(labels[value]) if value in labels else _as_read(one.kind, value)


def _as_read(kind: str, value: Any) -> str:
    """Days, times and large numbers as readers write them; a number below ten thousand may be a year. What is behind
    the veil is no day any more."""
    try:
        return _MOMENTS[kind](value) if kind in _MOMENTS else _counted(value)
    except ValueError:
        return str(value)


def _counted(value: Any) -> str:
    large = type(value) in (int, float) and (type(value) is float or abs(value) >= 10_000)
    return show.number(value) if large else str(value)


def _local(said: str) -> datetime:
    at = datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


_MOMENTS: dict[str, Callable[[str], str]] = {
    "date": lambda said: show.day(date.fromisoformat(said)),
    "time": lambda said: show.clock(time.fromisoformat(said)),
    "datetime": lambda said: show.moment(_local(said)),
}


# -- what is drawn -------------------------------------------------------------------------------------------------


def draw(
    form: Form,
    answers: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    files: Iterable[tuple[int, str]] = (),
    reader: str = "",
    english: Mapping[str, str] = NO_WORDS,
) -> list[Part]:
    """The parts of a form, in order.

    Args:
        answers: what was written so far; without, the defaults and what the case has.
        faults: the ``errors`` of `InvalidAnswers`, by key.
        data: the case's data.
        files: id and name of the files a question may name: the case's attachments.
        reader: "citizen" leaves out questions for staff only, and uses the words meant for citizens (docs/ui.md).
        english: the report type's own (`Package.english`).
    """
    first = answers is None
    known = dict(data or {}) if answers is None else answers
    drawing = _Drawing(form, known, faults or {}, data or {}, list(files), reader, english, first)
    return drawing.parts(form.schema().get("components", []), {one.id: one for one in form.fields})


@dataclass
class _Drawing:
    form: Form
    answers: Mapping[str, Any]
    faults: Mapping[str, str]
    data: Mapping[str, Any]
    files: list[tuple[int, str]]
    reader: str
    english: Mapping[str, str]
    first: bool
    prefix: str = PREFIX
    inside: str = ""  # before the keys of faults, inside an item of a list

    def __post_init__(self) -> None:
        self.hidden = self.form.hidden(dict(self.answers) if not self.first else {}, data=self.data)

    def parts(self, components: list[dict[str, Any]], fields: Mapping[str, Field]) -> list[Part]:
        drawn = (self._part(component, fields) for component in components)
        return [part for part in drawn if part is not None]

    def _part(self, component: dict[str, Any], fields: Mapping[str, Field]) -> Part | None:
        name = str(component.get("id") or component.get("key") or "")
        kind, gone = component["type"], name in self.hidden
        said = component.get("properties") or {}
        if self.reader and said.get("reader", self.reader) != self.reader:
            return None
        if name in fields:
            return self._question(fields[name], component, gone, said)
        if kind in _GROUPS:
            inner = self.parts(component.get("components", []), fields)
            return Part(name, "group", self._said(component.get("label")), gone, parts=inner) if inner else None
        if kind in ("text", "html"):
            return self._words(name, str(component.get("text") or component.get("content") or ""), gone)
        return Part(name, "separator", hidden=gone) if kind == "separator" else None

    def _question(self, one: Field, component: dict[str, Any], gone: bool, said: Mapping[str, str]) -> Part | None:
        begins_empty = self.first and said.get("begins") == "empty"
        value = None if begins_empty else find(self.answers, one.path)
        if value is None and self.first:
            value = one.default
        label = self._said(said.get(f"{self.reader}_label", one.label))
        hint = self._said(said.get(f"{self.reader}_description", one.description))
        name, fault = self.prefix + one.key, sentence(self.faults.get(self.inside + one.key, ""), self.english)
        part = Part(f"q-{name}" if self.inside else one.id, one.kind, label, gone, name, value, fault, one, hint=hint)
        part.input = _INPUTS.get(one.kind) or _FORMATS.get(one.format, "text")
        if one.kind == "datetime" and isinstance(value, str):
            part.value = value[:16]  # what a browser's control takes: the zone is Vietnam's
        if one.kind == "list":
            part.parts = [self._item(one, component, number) for number in range(_count(value) + ITEMS_SHOWN)]
        elif one.kind == "filepicker":
            chosen = [str(each) for each in value] if isinstance(value, list) else []
            part.options = [(str(id), words, str(id) in chosen) for id, words in self.files]
            return part if self.files or not self.reader else None
        else:
            part.options = self._options(one, value)
        return part

    def _item(self, one: Field, component: dict[str, Any], number: int) -> Part:
        items = find(self.answers, one.path)
        item = items[number] if isinstance(items, list) and number < len(items) else {}
        inner = _Drawing(self.form, item, self.faults, self.data, self.files, self.reader, self.english, False)
        inner.hidden = frozenset()  # what is hidden inside items is not told; it is dropped all the same
        inner.prefix, inner.inside = f"{self.prefix}{one.key}.{number}.", f"{self.inside}{one.key}.{number}."
        parts = inner.parts(component.get("components", []), {each.id: each for each in one.fields})
        return Part(f"{one.id}-{number}", "group", f"{self._said(one.label)} {number + 1}", parts=parts)

    def _options(self, one: Field, value: Any) -> list[tuple[str, str, bool]]:
        offered = self.form.options(one, {**self.data, **self.answers})
        chosen = {_sent(each) for each in (value if isinstance(value, list) else [value]) if each is not None}
        return [(_sent(one.value), self._said(one.label), _sent(one.value) in chosen) for one in offered]

    def _words(self, name: str, text: str, gone: bool) -> Part | None:
        """Markdown headings and paragraphs; whatever else it says is shown as it is written, markup left out."""
        text = _TAG.sub("", text).strip()
        heading = _HEADING.fullmatch(text)
        if heading:
            return Part(name, "heading", self._said(heading[1]), gone)
        return Part(name, "text", self._said(text.replace("**", "")), gone) if text else None

    def _said(self, words: str | None) -> str:
        return in_language(words, own=self.english)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _sent(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)

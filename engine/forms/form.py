"""A form: read once from its file, then asked again and again whether answers are right."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from engine.errors import InvalidAnswers
from engine.forms import describe, layout, sentences
from engine.forms.branch import Branch
from engine.forms.field import Field, Option
from engine.forms.late import Late
from engine.forms.layout import DEEPEST_ANSWERS
from engine.forms.places import find

NEWEST_VERSION = 19
LARGEST_FORM = 512 * 1024  # bytes of a file
LARGEST_ANSWERS = 64 * 1024  # bytes of all texts and keys in UTF-8
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)


class Form:
    """What a form asks, and the check of what was answered.

    Attributes:
        id: the form's id in its file.
        title: for people: the file's ``title``, else its first heading, else the id.
        fields: the questions in the order they are asked; those of groups have keys with dots.
    """

    def __init__(self, source: dict[str, Any], name: str, title: str, branch: Branch) -> None:
        self.id = name
        self.title = title
        self.fields: tuple[Field, ...] = tuple(branch.fields)
        self._source = source
        self._branch = branch

    @classmethod
    def parse(cls, source: str | bytes, name: str) -> Form:
        """Read a form-js file.

        Args:
            name: what to call it in sentences, and its id if the file has none: "tiep_nhan.form".

        Raises:
            ValueError: one sentence about the first thing that cannot be used.
        """
        try:
            document = _document(source)
            form_id = document.get("id") or name.removesuffix(".form")
            if not isinstance(form_id, str) or not _NAME.fullmatch(form_id):
                raise ValueError(f"The id {form_id!r} must be made of letters a-z, digits, '_', '-' and '.'.")
            branch = Branch(layout.read(document.get("components", [])))
        except RecursionError:
            raise ValueError(f"Form '{name}': it is nested too deeply.") from None
        except ValueError as error:
            raise ValueError(f"Form '{name}': {error}") from None
        return cls(document, form_id, _title(document, form_id), branch)

    def check(
        self, answers: Any, *, data: Mapping[str, Any] | None = None, today: date | None = None
    ) -> dict[str, Any]:
        """The answers as they are to be kept: typed, trimmed, without what is hidden or not the sender's to say.

        Args:
            answers: by key; groups are dictionaries inside, lists are lists of dictionaries.
            data: the case's data, if there is a case: conditions and options may look at it, and a question
                that was not answered keeps the value it has there.
            today: in Vietnam; needed only where a question takes no date that has passed.

        Raises:
            InvalidAnswers: ``errors`` has one sentence in Vietnamese for every key that is wrong.
        """
        if fault := _measure(answers):
            raise InvalidAnswers(fault, errors={})
        clean, faults = self._branch.read(answers, data or {}, None, today)
        if faults:
            raise InvalidAnswers(sentences.summary(self.title, faults), errors=faults)
        return clean

    def check_first(self, answers: Any, *, today: date | None = None) -> dict[str, Any]:
        """`check` the answers with which a case begins: it has no files yet, so they can name none.

        Raises:
            InvalidAnswers: as `check`.
        """
        clean = self.check(answers, today=today)
        if faults := {key: sentences.NO_FILE_YET for key, _, _ in self.files(clean)}:
            raise InvalidAnswers(sentences.summary(self.title, faults), errors=faults)
        return clean

    def hidden(self, answers: Any, *, data: Mapping[str, Any] | None = None) -> frozenset[str]:
        """The ids of the components a page should not show for these answers, be they right or wrong.

        What is hidden inside the items of lists is not told.
        """
        return self._branch.hidden({} if _measure(answers) else answers, data or {})

    def options(self, field: Field, known: Mapping[str, Any]) -> tuple[Option, ...]:
        """What a question offers: its own options, or those that the answers and the case's data list."""
        return Late(field).options_of(known) if field.options_from else field.options

    def files(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, Field, list[int]]]:
        """The files that checked answers name: the question's key as in ``errors``, the question, their ids."""
        yield from _files(self.fields, answers, "")

    @property
    def personal(self) -> Iterator[str]:
        """The last names of the keys of what tells who somebody is."""
        return _personal(self.fields)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of the answers, for API clients."""
        return describe.json_schema(self.id, self.title, self.fields)

    def schema(self) -> dict[str, Any]:
        """The form-js document, to render or to edit. A copy: the form does not change."""
        return copy.deepcopy(self._source)


def _personal(fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        if field.personal:
            yield field.path[-1]
        yield from _personal(field.fields)


def _files(fields: Iterable[Field], answers: Mapping[str, Any], inside: str) -> Iterator[tuple[str, Field, list[int]]]:
    for field in fields:
        value = find(answers, field.path)
        if field.kind == "filepicker" and value:
            yield inside + field.key, field, value
        elif field.kind == "list":
            for number, item in enumerate(value or []):
                yield from _files(field.fields, item, f"{inside}{field.key}.{number}.")


def _document(source: str | bytes) -> dict[str, Any]:
    if len(source) > LARGEST_FORM:
        raise ValueError(f"the file is larger than {LARGEST_FORM // 1024} kB.")
    try:
        document = json.loads(source)
    except ValueError as error:
        raise ValueError(f"the file is not JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("type") != "default":
        raise ValueError("the file is not a form-js form (its type must be 'default').")
    version = document.get("schemaVersion", 1)
    if type(version) is not int or not 1 <= version <= NEWEST_VERSION:
        raise ValueError(f"its schemaVersion is {version!r}; this server reads 1 to {NEWEST_VERSION}.")
    return document


def _title(document: dict[str, Any], otherwise: str) -> str:
    if isinstance(document.get("title"), str) and document["title"].strip():
        return document["title"].strip()
    for component in document.get("components", []):
        heading = re.match(r"#{1,6} +(\S.*)", str(component.get("text", ""))) if component["type"] == "text" else None
        if heading:
            return heading.group(1).strip()
    return otherwise


def _measure(answers: Any) -> str | None:
    """What is wrong with the shape of the answers, before anything looks at what they say."""
    if not isinstance(answers, dict):
        return sentences.NOT_ANSWERS
    left = LARGEST_ANSWERS
    level: list[Any] = [answers]
    for _ in range(DEEPEST_ANSWERS):
        below: list[Any] = []
        for container in level:
            if isinstance(container, dict):
                if not all(isinstance(key, str) for key in container):
                    return sentences.NOT_JSON
                left -= sum(map(_size, container))
                values: Any = container.values()
            else:
                values = container
            for value in values:
                kind = type(value)
                if kind is str:
                    left -= _size(value)
                elif kind is dict or kind is list:
                    below.append(value)
                elif value is not None and kind not in (int, float, bool):
                    return sentences.NOT_JSON
                left -= 2
            if left < 0:
                return sentences.TOO_LARGE
        if not below:
            return None
        level = below
    return sentences.TOO_DEEP


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))

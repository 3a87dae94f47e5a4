"""What every part of the native API is made with: blueprint, fields, pages, versions.

A view is written as

    @bp.read("/cases/<number:number>", CaseOut)       reads; 200
    @bp.change("/cases/<number:number>/pause", ...)    changes; 200
    @bp.create("/reports", ...)                      makes something; 201, Idempotency-Key
    def view(unit, caller, [query or body,] **path): ...

and the decorators do the parsing, the unit, the authentication, the writing out and the documentation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import Any

import flask_smorest
from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, validate
from sqlalchemy import Row
from werkzeug.exceptions import PreconditionRequired
from werkzeug.routing import BaseConverter, IntegerConverter

from engine.errors import InvalidRequest, Stale
from engine.flow.sentences import in_vietnamese
from engine.people.access import Account
from engine.queries import LIMIT_MAX
from engine.statistics.periods import YEARS
from engine.terms.calendar import OUR_YEARS
from webapi import auth, bodies, idempotency

PREFIX = "/api/v1"
_OUR_TIMES = validate.Range(*(datetime(year, 1, 1, tzinfo=UTC) for year in (OUR_YEARS.start, OUR_YEARS.stop)))
OUR_DAYS = validate.Range(*(date(year, 1, 1) for year in (YEARS.start, YEARS.stop)))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


# -- paths ---------------------------------------------------------------------------------------------------------


class Key(IntegerConverter):
    """A row's id; what is larger than any id does not exist."""

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, max=2**53)

    regex = r"[0-9]{1,16}"


class Name(BaseConverter):
    """A case number, a log-in name, a code, a file: nothing else is looked for."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"


# -- what comes in and goes out --------------------------------------------------------------------------------------


class In(Schema):
    """What a caller sends. Unknown fields are refused, so that a misspelt one is not silently ignored.

    It is read as marshmallow reads it, without what none of ours has (hooks, partial); that was 4 % of a call's time.
    """

    def load(self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None) -> Any:
        many = self.many if many is None else many
        return [self._taken(one) for one in data] if many else self._taken(data)

    def make(self, said: dict[str, Any]) -> Any:
        """What the view is to be called with."""
        return said

    def _taken(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError(self.error_messages["type"], data=data)
        said: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for key, name, field in self._asked:
            try:
                value = field.deserialize(data.get(key, missing), key, data)
            except ValidationError as error:
                faults[key] = error.messages
                continue
            if value is not missing:
                said[name] = value
        faults |= {key: [self.error_messages["unknown"]] for key in data if key not in self._keys}
        if faults:
            raise ValidationError(faults, data=data, valid_data=said)
        return self.make(said)

    @cached_property
    def _asked(self) -> list[tuple[str, str, fields.Field[Any]]]:
        return [(field.data_key or name, field.attribute or name, field) for name, field in self.load_fields.items()]

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(key for key, _, _ in self._asked)


class Out(Schema):
    """What we answer; made from rows and mappings.

    Most fields hold what JSON knows, or an instant or a day, which `bodies.dump` writes: they are handed on as they
    are, without asking each field at each answer how (4 % of the CPU time of a call).
    """

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        if isinstance(obj, dict):
            return obj.get(attr, default)
        return getattr(obj, attr, default) if isinstance(obj, Row) else super().get_attribute(obj, attr, default)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return [self._told(one) for one in obj] if (self.many if many is None else many) else self._told(obj)

    def _told(self, obj: Any) -> dict[str, Any]:
        told = {}
        look = obj.get if type(obj) is dict else partial(getattr if isinstance(obj, Row) else self.get_attribute, obj)
        for key, name, write, field in self._ways:
            if write is None:
                value = field.serialize(name, obj, accessor=self.get_attribute)
            else:
                value = look(name, missing)
                if value is not None and value is not missing:
                    value = write(value)
            if value is not missing:
                told[key] = value
        return told

    @cached_property
    def _ways(self) -> list[tuple[str, str, Callable[[Any], Any] | None, fields.Field[Any]]]:
        """For each key what it comes from, and what makes of it what JSON knows; else the field does."""
        ways = []
        for name, field in self.dump_fields.items():
            write = _writer(field)
            source = name if write is None else field.attribute or name
            ways.append((field.data_key or name, source, write, field))
        return ways


# An instant and a day are written by `bodies.dump`. Numbers are made so: PostgreSQL counts in decimals.
_WRITTEN: dict[type[fields.Field[Any]], Callable[[Any], Any]] = {
    fields.String: str, fields.Integer: int, fields.Float: float, fields.AwareDateTime: lambda at: at,
    fields.Date: lambda day: day,
}  # fmt: skip


def _writer(field: fields.Field[Any]) -> Callable[[Any], Any] | None:
    if isinstance(field, fields.Nested):
        schema, many = field.schema, field.many
        return lambda value: schema.dump(value, many=many)
    if isinstance(field, fields.List):
        write = _writer(field.inner)
        return write and (lambda values: [None if one is None else write(one) for one in values])
    if type(field) is fields.Dict:
        return dict if field.value_field is None else None
    return _WRITTEN.get(type(field))


class Words(fields.String):
    """A text that people wrote: NFC, without spaces round it, without control characters, never endless."""

    def __init__(self, longest: int = 200, *, shortest: int = 1, **kwargs: Any) -> None:
        kwargs.setdefault("validate", validate.Length(shortest, longest))
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = unicodedata.normalize("NFC", super()._deserialize(value, attr, data, **kwargs)).strip()
        if _CONTROL.search(text):
            raise ValidationError("Control characters are not text.")
        return text


class Code(fields.String):
    """A key of ours: a report type, an agency, a province, an area, a log-in name. It is taken to the letter."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(r"[A-Za-z0-9_.-]{1,80}\Z", error="Not a code: letters, digits, '_', '.' and '-' only.")
        said = {"pattern": "^[A-Za-z0-9_.-]{1,80}$"}  # the same for JavaScript, which knows no \Z and looks anywhere
        super().__init__(validate=rule, metadata=said | kwargs.pop("metadata", {}), **kwargs)


class InVietnamese(fields.String):
    """What is wrong, in Vietnamese: another field's sentence."""

    def __init__(self, of: str = "message") -> None:
        super().__init__()
        self.of = of

    def get_value(self, obj: Any, attr: str, *args: Any, **more: Any) -> Any:
        return in_vietnamese(super().get_value(obj, self.of, *args, **more))


class Flag(fields.Boolean):
    truthy = {True, "true", "1"}
    falsy = {False, "false", "0"}


def instant(**kwargs: Any) -> fields.AwareDateTime:
    """An aware moment, ISO 8601; one without a zone, or of another century, is refused."""
    return fields.AwareDateTime(validate=_OUR_TIMES, **kwargs)


class PageQuery(In):
    """Where a list goes on."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, LIMIT_MAX), metadata={"description": "how many"})
    after = Words(40, metadata={"description": "``after`` of the page before"})


def page_of(schema: type[Schema], name: str) -> type[Schema]:
    """The schema of a page of these."""
    members = {
        "items": fields.List(fields.Nested(schema)),
        "after": fields.String(allow_none=True, metadata={"description": "send it back as ?after= for the next page"}),
        "__doc__": f"Some {name}s, and how to ask for those after them.",
    }
    return type(f"{name.title().replace(' ', '')}Page", (Out,), members)


class IdempotencyHeader(Schema):
    class Meta:
        unknown = EXCLUDE

    key = fields.String(
        data_key=idempotency.HEADER,
        metadata={"description": "the same key gets the same answer, however often the request is sent; recommended"},
    )


class MatchHeader(Schema):
    class Meta:
        unknown = EXCLUDE

    match = fields.String(data_key="If-Match", metadata={"description": "the ETag read; 428 without, 412 if old"})


def province_of(said: Mapping[str, Any], caller: Account) -> str:
    """The ``province`` that a request names, else the caller's own.

    Raises:
        InvalidRequest: neither.
    """
    province: str | None = said.get("province") or caller.province
    if province is None:
        raise InvalidRequest("Say which province: you belong to none.", field="province")
    return province


# -- blueprints ------------------------------------------------------------------------------------------------------


class Blueprint(flask_smorest.Blueprint):
    """A part of the API. All of it needs a token, unless it is ``public``."""

    ARGUMENTS_PARSER = bodies.PARSER

    def __init__(self, name: str, description: str, *, public: bool = False, largest: str = "JSON_MAX") -> None:
        """Args:
        largest: the setting that says how many bytes a request may have.
        """
        super().__init__(name, f"webapi.api.{name}", url_prefix=PREFIX, description=description)
        self._public = public
        self._largest = largest
        self.before_request(self._refuse_early)

    def _refuse_early(self) -> None:
        from flask import current_app

        request.max_content_length = current_app.config[self._largest]
        if not self._public:
            auth.token()

    def read(self, rule: str, out: type[Schema] | None, query: type[Schema] | None = None) -> Callable[..., Any]:
        """A view that reads."""

        def decorate(view: auth.View) -> auth.View:
            return self._add("GET", rule, auth.reads(view), 200, out, query, "query")

        return decorate

    def change(
        self, rule: str, out: type[Schema] | None, body: type[Schema] | None = None, *, method: str = "POST",
        status: int = 200, match: bool = False,
    ) -> Callable[..., Any]:
        """A view that changes something that exists.

        Args:
            match: it asks for If-Match (see `unchanged`).
        """

        def decorate(view: auth.View) -> auth.View:
            header = MatchHeader if match else None
            return self._add(method, rule, auth.changes(view), status, out, body, "json", header)

        return decorate

    def create(
        self, rule: str, out: type[Schema], body: type[Schema] | None = None, ahead: auth.View | None = None
    ) -> Callable[..., Any]:
        """A view that makes something: it returns (thing, 201, {"Location": …}).

        Args:
            ahead: as for `idempotency.once`.
        """

        def decorate(view: auth.View) -> auth.View:
            door = idempotency.once(out(), view, ahead=ahead)
            return self._add("POST", rule, door, 201, out, body, "json", IdempotencyHeader)

        return decorate

    def open(
        self, method: str, rule: str, out: type[Schema] | None, sent: type[Schema] | None = None, status: int = 200
    ) -> Callable[..., Any]:
        """A view that sees to unit and caller itself."""

        def decorate(view: auth.View) -> auth.View:
            return self._add(method, rule, view, status, out, sent, "query" if method == "GET" else "json")

        return decorate

    def upload(
        self, rule: str, out: type[Schema], query: type[Schema] | None = None, **media: dict[str, Any]
    ) -> Callable[..., Any]:
        """A view that makes something of files, and sees to unit and caller itself (with `idempotency.once`).

        Args:
            media: the schema of the body, by media type with ``__`` for the slash and ``_`` for the hyphen.
        """
        content = {name.replace("__", "/").replace("_", "-"): {"schema": schema} for name, schema in media.items()}

        def decorate(view: auth.View) -> auth.View:
            view = self.doc(requestBody={"required": True, "content": content})(view)
            return self._add("POST", rule, view, 201, out, query, "query", IdempotencyHeader)

        return decorate

    def _add(
        self, method: str, rule: str, door: auth.View, status: int, out: type[Schema] | None,
        sent: type[Schema] | None, location: str, header: type[Schema] | None = None,
    ) -> auth.View:  # fmt: skip
        # instances, not classes: a schema is made once, not at every request
        writes, reads = out and out(), sent and sent()
        parameters = {} if header is None else {"parameters": _header_parameters(header)}
        security = {} if self._public else {"security": [{"token": []}]}
        told = self.doc(**parameters, **security)(door)  # the first: each copies whatever those before it have told
        told = self.response(status, writes)(told)
        if reads is not None:
            must = any(field.required for field in reads.fields.values())  # else no body is as good as an empty one
            told = self.arguments(reads, location=location, required=must)(told)
        # smorest's decorators document; what they would do at each request costs more than what is asked of us
        view = bodies.written(writes, status, door)
        if reads is not None:
            taken = bodies.given if location == "json" else bodies.asked
            view = taken(reads, view)
        view._apidoc = told._apidoc  # type: ignore[attr-defined]
        return self.route(rule, methods=[method])(view)  # type: ignore[no-any-return]


def _header_parameters(schema: type[Schema]) -> list[dict[str, Any]]:
    return [
        {"in": "header", "name": field.data_key, "required": schema is MatchHeader, "schema": {"type": "string"},
         "description": field.metadata["description"]}
        for field in schema().fields.values()
    ]  # fmt: skip


# -- versions --------------------------------------------------------------------------------------------------------


def tag(version: int) -> dict[str, str]:
    """The header that names the version that was read."""
    return {"ETag": f'"{version}"'}


def unchanged(version: int, *, required: bool = True) -> None:
    """Refuse if the caller has not read this version.

    Raises:
        PreconditionRequired: the caller does not say which version was read.
        Stale: it is another one by now.
    """
    if not request.headers.get("If-Match"):
        if required:
            raise PreconditionRequired("Read it first, and send its ETag in the header If-Match.")
        return
    if not request.if_match.contains(str(version)):
        raise Stale("Somebody else changed it since you read it: read it again.", version=version)

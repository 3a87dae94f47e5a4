"""JSON in and out: what comes in is checked before anybody believes it, what goes out is made quickly.

`orjson` refuses NaN, broken UTF-8 and lone surrogates by itself; what is left to refuse here is what is too deep or too
large for any form of ours, and NUL, which PostgreSQL cannot store.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from flask import Request, request
from flask.json.provider import JSONProvider
from flask.wrappers import Response
from flask_smorest.utils import unpack_tuple_response
from marshmallow import Schema, ValidationError
from sqlalchemy import Row
from webargs.flaskparser import FlaskParser, abort
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

DEPTH_MAX = 32
ITEMS_MAX = 20_000  # values in one body
_OPTIONS = orjson.OPT_NON_STR_KEYS


class Json(JSONProvider):
    """Flask's JSON, by orjson."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return dump(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return self._app.response_class(dump(self._prepare_response_obj(args, kwargs)), mimetype="application/json")


def dump(obj: Any) -> bytes:
    return orjson.dumps(obj, _default, _OPTIONS)


def _default(obj: Any) -> Any:
    if isinstance(obj, Row):
        return dict(obj._mapping)
    if isinstance(obj, tuple | set | frozenset):
        return list(obj)
    raise TypeError(f"{type(obj).__name__} cannot be JSON")


def read(request: Request) -> Any:
    """The JSON that was sent.

    Raises:
        UnsupportedMediaType: it is not said to be JSON.
        BadRequest: it is not JSON, or is deeper or longer than anything we ask for.
    """
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    body = request.get_data()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if not _is_plain(body):
        check(value)
    return value


def _is_plain(body: bytes) -> bool:
    """Whether it shows at once that `check` would find nothing: as with nearly all that is sent."""
    deep, many = body.count(b"[") + body.count(b"{"), body.count(b",") + body.count(b":")
    return deep < DEPTH_MAX and many < ITEMS_MAX // 2 and b"\\u0000" not in body


def check(value: Any) -> None:
    """Raises:
    BadRequest: the value is too deep, has too many parts, or has a NUL character in it.
    """
    level, parts = [value], 0
    for _ in range(DEPTH_MAX):
        level = [part for one in level for part in _parts(one)]
        parts += len(level)
        if parts > ITEMS_MAX:
            raise BadRequest(f"The body has more than {ITEMS_MAX} values.")
        if not level:
            return
    raise BadRequest(f"The body is nested more than {DEPTH_MAX} levels deep.")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list):
        return value
    if isinstance(value, str) and "\0" in value:
        raise BadRequest("The body has a NUL character (\\u0000) in a text.")
    return []


def given(schema: Schema, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, called with the body that was sent after its other arguments; refused as webargs refuses it."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        try:
            body = schema.load(read(request) if request.get_data() else {})
        except ValidationError as error:
            abort(422, error, messages={"json": error.messages})
        return view(*args, body, **kwargs)

    return door


def asked(schema: Schema, view: Callable[..., Any]) -> Callable[..., Any]:
    """The same with what the query says."""
    return PARSER.use_args(schema, location="query")(view)  # type: ignore[no-any-return]


def written(schema: Schema | None, status: int, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, whose (thing, status, headers) is written out; the last two may be left out."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Response:
        made, said, headers = unpack_tuple_response(view(*args, **kwargs))
        if isinstance(made, Response):
            return made
        return Answer(dump(schema.dump(made) if schema else made), said or status, headers)

    return door


class Answer(Response):
    """One piece of JSON, whose headers are complete: nobody need look through them for what is missing."""

    def __init__(self, body: bytes, status: int, headers: Any = None) -> None:
        super().__init__([body], status, headers, content_type="application/json")
        if status != 204:  # RFC 9110, 8.6
            self.headers["Content-Length"] = str(len(body))

    def get_wsgi_headers(self, environ: Any) -> Any:
        return self.headers


class Parser(FlaskParser):
    """webargs; unknown query parameters are refused rather than ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": "raise"}


PARSER = Parser()

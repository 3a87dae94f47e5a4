"""How GeoReport v2 is written: XML without attributes or namespaces, JSON that says the same, and refusals in both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Response, request
from lxml import etree
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from engine.errors import EngineError, InvalidAnswers, NotAuthenticated
from webapi import problems
from webapi.bodies import dump
from webapi.open311 import posts

ITEMS = {"services": "service", "service_requests": "request", "attributes": "attribute", "values": "value",
         "errors": "error", "endpoints": "endpoint", "formats": "format"}  # fmt: skip
MEDIA_TYPES = {"xml": "text/xml", "json": "application/json"}
NO_KEY = "api_key: Thiếu khóa, hoặc khóa không đúng hay đã hết hạn (missing or invalid api_key)."
TOO_LARGE = f"Yêu cầu dài hơn {posts.LARGEST} byte."

_STATUS = {401: 403, 403: 403, 404: 404}  # whatever else a caller does wrong is 400
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer(root: str, value: Any, form: str, status: int = 200) -> Response:
    """Args:
    root: the name of the outermost element; JSON has none.
    form: "xml" or "json".
    """
    body = _xml(root, value) if form == "xml" else dump(value)
    return Response(body, status, content_type=f"{MEDIA_TYPES[form]}; charset=utf-8")


def _xml(root: str, value: Any) -> bytes:
    text: bytes = etree.tostring(_element(root, value), xml_declaration=True, encoding="UTF-8")
    return text


def _element(name: str, value: Any) -> etree._Element:
    element = etree.Element(name)
    if isinstance(value, dict):
        element.extend([_element(key, inner) for key, inner in value.items()])
    elif isinstance(value, list):
        element.extend([_element(ITEMS[name], inner) for inner in value])
    elif value is not None:
        element.text = str(value).lower() if isinstance(value, bool) else _NOT_XML.sub("", str(value))
    return element


# -- refusals ------------------------------------------------------------------------------------------------------


def refused(error: EngineError) -> Response:
    again = error.facts.get("retry_after")
    return _errors(error.status, list(_sentences(error)), None if again is None else str(again))


def http_refused(error: HTTPException) -> Response:
    """What Flask or werkzeug refuse; and whatever nobody expected, which gets an id."""
    found = problems.http_problem(error)
    said = found.get_json()
    sentence = TOO_LARGE if isinstance(error, RequestEntityTooLarge) else said["detail"] or said["title"]
    return _errors(found.status_code, [sentence])


def outage_refused(error: Exception) -> Response:
    found = problems.outage_problem(error)
    return _errors(found.status_code, [found.get_json()["detail"]], found.headers.get("Retry-After"))


def _sentences(error: EngineError) -> Iterator[str]:
    """One for everything that is wrong, each beginning with the name of the parameter."""
    faults = error.facts.get("errors")
    if isinstance(error, NotAuthenticated):
        yield NO_KEY
    elif isinstance(error, InvalidAnswers) and faults:
        yield from (f"{posts.parameter(key)}: {sentence}" for key, sentence in faults.items())
    elif faults:
        yield from (f"{name}: {sentence}" for name, sentence in faults.items())
    else:
        yield error.detail


def _errors(status: int, sentences: list[str], retry_after: str | None = None) -> Response:
    status = status if status >= 500 else _STATUS.get(status, 400)
    form = "json" if request.path.endswith(".json") else "xml"
    written = answer("errors", [{"code": status, "description": sentence} for sentence in sentences], form, status)
    if retry_after:
        written.headers["Retry-After"] = retry_after
    return written

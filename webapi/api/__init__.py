"""The native API, ``/api/v1``: OpenAPI 3.1 at ``openapi.json``, readable documentation at ``docs``."""

from __future__ import annotations

import http
from typing import Any

import flask_smorest
from flask import Flask, Response, render_template
from flask_smorest.utils import prepare_response
from marshmallow import INCLUDE, Schema, fields

from webapi import problems
from webapi.api import (
    absences,
    accounts,
    agencies,
    areas,
    arrivals,
    attachments,
    audit,
    cases,
    contacts,
    days,
    declared_days,
    deployments,
    histories,
    imports,
    incidents,
    login,
    messages,
    migrations,
    modifications,
    outbox,
    periodic,
    persons,
    publications,
    published,
    report_types,
    reports,
    second_factors,
    statistics,
    tasks,
    tokens,
    track,
)
from webapi.api.blueprint import PREFIX, Key, Name

PARTS = (reports, contacts, days, periodic, statistics, publications, published, cases, attachments, tasks, messages,
         report_types, track, imports, incidents, migrations, modifications, outbox, arrivals, deployments, accounts,
         absences, agencies, areas, declared_days, histories, persons, tokens, login, second_factors,
         audit)  # fmt: skip
SECURITY = {"type": "http", "scheme": "bearer", "description": "a token (ts_…) from POST /login or POST /tokens"}


class Problem(Schema):
    """Why a request was refused (RFC 9457); further members are facts about it."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(metadata={"description": "a page that says what to do; its last part is a code for machines"})
    title = fields.String()
    status = fields.Integer()
    detail = fields.String(allow_none=True, metadata={"description": "one sentence about this very occurrence"})
    errors = fields.Dict(metadata={"description": "by field, where fields are at fault"})


class Api(flask_smorest.Api):
    """flask-smorest, with our way of refusing."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: Any) -> Response:
        return problems.http_problem(error)

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            self._register_refusal(status.name, status.phrase, status >= 400)
        self._register_refusal("DEFAULT_ERROR", "Refused", True)

    def _register_refusal(self, name: str, phrase: str, refusal: bool) -> None:
        response: dict[str, Any] = {"description": phrase}
        if refusal:
            response["schema"] = self.ERROR_SCHEMA
        prepare_response(response, self.spec, "application/problem+json")
        self.spec.components.response(name, response, lazy=True)


def register(app: Flask) -> None:
    app.url_map.converters.update(key=Key, name=Name)
    app.config.update(
        API_TITLE="Thông Suốt", API_VERSION="1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )  # fmt: skip
    api = Api(app, spec_kwargs={"info": {"description": DESCRIPTION}, "servers": [{"url": "/"}]})
    api.register_converter(Key, lambda converter: {"type": "integer", "minimum": 0})
    api.register_converter(Name, lambda converter: {"type": "string", "pattern": f"^{Name.regex}$"})
    api.spec.components.security_scheme("token", SECURITY)
    for part in PARTS:
        api.register_blueprint(part.bp)
    app.add_url_rule(f"{PREFIX}/docs", "docs", lambda: render_template("docs.html", **_documentation(api)))
    app.after_request(_as_answered)


DESCRIPTION = """Cases of a public hotline, their tasks and deadlines.

Send `Authorization: Bearer ts_…`. A thing that does not concern you is reported as missing. Instants are ISO 8601 with
a zone and are answered in UTC. Lists answer `items` and `after`; send `?after=` back for the next page. A request that
makes something takes an `Idempotency-Key`: send the same request with the same key as often as you like. Where two
people may edit one thing, send its `ETag` in `If-Match`. A refusal is `application/problem+json`."""


_ANSWERED = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # nearly everything here is somebody's private matter
    "Content-Language": "vi",
}


def _as_answered(answer: Response) -> Response:
    said = {name for name, _ in answer.headers}
    for name, value in _ANSWERED.items():
        if name not in said:
            answer.headers.add(name, value)
    return answer


def _documentation(api: Api) -> dict[str, Any]:
    """The specification, grouped for reading."""
    document = api.spec.to_dict()
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        shared = operations.get("parameters", [])
        for method, operation in operations.items():
            if method != "parameters":
                operation = operation | {"parameters": shared + operation.get("parameters", [])}
                groups[operation["tags"][0]].append({"method": method.upper(), "path": path} | operation)
    return {"document": document, "groups": groups, "schemas": document["components"].get("schemas", {})}

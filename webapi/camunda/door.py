"""What every address of ``/engine-rest`` has in common: who calls, what was sent, how a refusal is written."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from flask import Response, current_app, request
from sqlalchemy import ColumnElement
from werkzeug.exceptions import HTTPException

from engine.errors import (
    EngineError,
    InvalidAnswers,
    InvalidPackage,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Uncorrelated,
)
from engine.people import accounts
from engine.storage import outages
from webapi import auth, bodies, problems
from webapi.bodies import dump

_WHOLE = re.compile(r"\d{1,12}", re.ASCII)  # milliseconds of 31 years
MOST = 2_000  # rows in one answer, whatever was asked for
_TYPES = {NotAllowed: "AuthorizationException", NotAuthenticated: "AuthenticationException",
          InvalidPackage: "ParseException", InvalidAnswers: "InvalidRequestException",
          InvalidRequest: "InvalidRequestException", NotFound: "InvalidRequestException",
          Uncorrelated: "RestException"}  # fmt: skip
# as clients know it
_MISMATCH = "org.camunda.bpm.engine.MismatchingMessageCorrelationException: Cannot correlate message"
_STATUS = {NotAllowed: 403, NotAuthenticated: 401, NotFound: 404}

View = Callable[..., Any]

# -- who calls -----------------------------------------------------------------------------------------------------

_logged_in: dict[str, str] = {}  # tokens of those who send a password with every request, by login and password hashed
_lock = threading.Lock()


def token() -> str:
    """A token: of the header ``Authorization: Bearer``, or ``Basic`` with the token, or a password, as password.

    Raises:
        NotAuthenticated: neither is there.
    """
    basic = request.authorization
    if basic is None or basic.type != "basic":
        return auth.token()
    login, password = basic.username or "", basic.password or ""
    return password if password.startswith(accounts.TOKEN_PREFIX) else token_of(login, password)


def token_of(login: str, password: str) -> str:
    """The token of somebody's password; the same one for as long as it is good. It is good for nothing where a role
    needs a second factor that is not set up yet, and there is none once it is: no code can be sent here.

    Raises:
        NotAuthenticated, SecondFactorMissing, TooMany: as `accounts.log_in`.
    """
    known = hashlib.sha256(f"{login}\0{password}".encode()).hexdigest()
    with _lock:
        found = _logged_in.get(known)
    if found is None or not _still(found):
        asked_of = auth.asked_twice()
        found = accounts.log_in(auth.runtime(), login, password, auth.address(), asked_of=asked_of).token
        with _lock:
            if len(_logged_in) > 1_000:
                _logged_in.clear()
            _logged_in[known] = found
    return found


def _still(found: str) -> bool:
    try:
        with auth.runtime().read() as unit:
            accounts.authenticate(unit, found)
    except NotAuthenticated:
        return False
    return True


def reads(view: View) -> View:
    """Called with a reading unit and the caller before its own arguments; what it returns is the JSON answered."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Response:
        return answer(auth.admit(auth.runtime().read, lambda unit, by: view(unit, by, *args, **kwargs), token()))

    return door


def changes(view: View) -> View:
    """As `reads`, with a unit that writes. A view that returns ``None`` is answered 204, as Camunda's clients want."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Response:
        return answer(auth.admit(auth.runtime().begin, lambda unit, by: view(unit, by, *args, **kwargs), token()))

    return door


# -- what was sent, what is answered -------------------------------------------------------------------------------


def sent() -> dict[str, Any]:
    """The JSON table in the body; empty if nothing was sent.

    Raises:
        InvalidRequest: it is no table.
    """
    body = bodies.read(request) if request.get_data() else {}
    if not isinstance(body, dict):
        raise InvalidRequest("The body is a JSON object {…}.")
    return body


def asked() -> dict[str, Any]:
    """What to look for: of the query, and of the body of a POST."""
    query: dict[str, Any] = dict(request.args)
    return query | sent() if request.method == "POST" else query


def known(values: Any, *names: str) -> dict[str, Any]:
    """The values, if each has a name we know; what is null counts as left out.

    Raises:
        InvalidRequest: one has not, for a filter that is not understood must not be passed over; or it is no table.
    """
    if not isinstance(values, dict):
        raise InvalidRequest(f"{values!r:.80} is no table: send a JSON object {{…}}.")
    given = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    ours = {*names, "firstResult", "maxResults", "sortBy", "sortOrder", "sorting", "withoutTenantId"}
    if unknown := sorted(given.keys() - ours):
        raise InvalidRequest(f"{unknown[0]!r} is not understood here; leave it out.", field=unknown[0])
    return given


def order(values: dict[str, Any], columns: Mapping[str, Any]) -> list[tuple[Any, bool]]:
    """By what to sort, and whether from the last to the first: of ``sortBy`` and ``sortOrder``, or of ``sorting``.

    Args:
        columns: what can be sorted by, by Camunda's name of it.

    Raises:
        InvalidRequest: there is no such name or order, or one of the two is missing.
    """
    one_alone = [values] if values.get("sortBy") or values.get("sortOrder") else []
    asked = tables(values, "sorting", "sortBy, sortOrder") or one_alone
    for one in asked:
        if text(one, "sortBy") not in columns:
            known_ones = ", ".join(columns)
            raise InvalidRequest(f"sortBy is {one.get('sortBy')!r}; sort by one of {known_ones}.", field="sortBy")
        if one.get("sortOrder") not in ("asc", "desc"):
            raise InvalidRequest(f"sortOrder is {one.get('sortOrder')!r}; say asc or desc.", field="sortOrder")
    return [(columns[one["sortBy"]], one["sortOrder"] == "desc") for one in asked]


def sorted_by(values: dict[str, Any], columns: Mapping[str, Any]) -> list[ColumnElement[Any]]:
    """`order` of a statement. Raises as that does."""
    return [column.desc() if falls else column.asc() for column, falls in order(values, columns)]


def sort(values: dict[str, Any], rows: list[Any], keys: Mapping[str, Callable[[Any], Any]]) -> list[Any]:
    """`order` of rows that are here already. Raises as that does."""
    for key, falls in reversed(order(values, keys)):
        rows = sorted(rows, key=key, reverse=falls)
    return rows


def text(values: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    """Raises:
    InvalidRequest: it is no text, or missing though required.
    """
    value = values.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"{name} is {value!r}; send a text.", field=name)
    return value


def several(values: Mapping[str, Any], *names: str) -> list[str]:
    """What stands under any of these names: ``a,b`` of a query, or a list of a body. Empty if they are left out."""
    found = (values[name] for name in names if values.get(name) is not None)
    return [text for one in found for text in (map(str, one) if isinstance(one, list) else str(one).split(","))]


def some(values: Mapping[str, Any], name: str) -> list[str]:
    """As `several`, of a name that left out would mean all.

    Raises:
        InvalidRequest: it is there, and empty.
    """
    if values.get(name) in ("", [], {}):
        raise InvalidRequest(f"{name} is empty: name some, or leave it out.", field=name)
    return several(values, name)


def tables(values: Mapping[str, Any], name: str, members: str) -> list[dict[str, Any]]:
    """A list of tables; empty if it is left out.

    Args:
        members: what each has, for whoever sent something else.

    Raises:
        InvalidRequest: it is no list of tables.
    """
    found = values.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidRequest(f"{name} is a list: [{{{members}}}].", field=name)
    return found


def number(values: dict[str, Any], name: str, default: int) -> int:
    """Raises:
    InvalidRequest: it is no whole number of 0 or more, or of more digits than an id or milliseconds can have.
    """
    value = values.get(name, default)
    value = default if value is None else value
    if isinstance(value, bool) or not _WHOLE.fullmatch(str(value)):
        raise InvalidRequest(f"{name} is {value!r:.40}; send a whole number of up to 12 digits.", field=name)
    return int(value)


def switch(values: dict[str, Any], name: str) -> bool:
    """Raises:
    InvalidRequest: it is neither true nor false.
    """
    if not isinstance(values.get(name), bool):
        raise InvalidRequest(f"{name} is {values.get(name)!r}; send true or false.", field=name)
    return bool(values[name])


def flag(value: Any) -> bool:
    return str(value).lower() == "true"


def window(values: dict[str, Any]) -> tuple[int, int]:
    """(limit, offset)"""
    return min(number(values, "maxResults", MOST), MOST), number(values, "firstResult", 0)


def answer(value: Any) -> Response:
    if isinstance(value, Response):
        return value
    if value is None:
        return Response(status=204)
    return Response(dump(value), 200, content_type="application/json")


# -- refusals ------------------------------------------------------------------------------------------------------


def refusal(status: int, kind: str, message: str, **more: Any) -> Response:
    body = dump({"type": kind, "message": message, "code": 0} | more)
    refused = Response(body, status, content_type="application/json")
    if status == 401:
        refused.headers["WWW-Authenticate"] = 'Basic realm="Thong Suot"'
    return refused


def refused(error: EngineError) -> Response:
    status = next((code for cls, code in _STATUS.items() if isinstance(error, cls)), 400)
    kind = next((name for cls, name in _TYPES.items() if isinstance(error, cls)), "BadUserRequestException")
    if isinstance(error, InvalidPackage):
        return _unparsed(error.facts["faults"])
    if isinstance(error, Uncorrelated):
        return refusal(status, kind, f"{_MISMATCH} {error.facts['message']!r}: {error.detail}")
    said = "; ".join(f"{name}: {why}" for name, why in _by_field(error.facts.get("errors")))
    return refusal(status, kind, f"{error.detail} {said}".strip())


def _by_field(errors: Any) -> Iterable[tuple[str, str]]:
    return ((name, str(why)) for name, why in errors.items()) if isinstance(errors, dict) else ()


def _unparsed(faults: list[dict[str, Any]]) -> Response:
    """As the Modeler shows them: by file, with line and element."""
    details: dict[str, dict[str, list[Any]]] = {}
    for fault in faults:
        of_file = details.setdefault(fault["file"], {"errors": [], "warnings": []})
        element = fault.get("element")
        of_file["errors" if fault["severity"] == "error" else "warnings"].append({
            "message": fault["message"], "line": fault.get("line") or 0, "column": 0, "mainElementId": element,
            "elementIds": [element] if element else [],
        })  # fmt: skip
    said = " | ".join(f"{fault['file']}:{fault.get('line') or 0} {fault['message']}" for fault in faults
                      if fault["severity"] == "error")  # fmt: skip
    return refusal(400, "ParseException", f"ENGINE-09005 Could not parse BPMN process. Errors: {said}", details=details)


def http_refused(error: HTTPException) -> Response:
    if (error.code or 500) >= 500:
        said = problems.http_problem(error).get_json()
        return refusal(error.code or 500, "RestException", said["detail"])
    return refusal(error.code or 400, "InvalidRequestException", error.description or error.name)


def outage_refused(error: Exception) -> Response:
    if outages.kind(error) == outages.BUSY:
        return refusal(500, "OptimisticLockingException", "Too many changes at once: send it again.", code=1)
    said = problems.outage_problem(error)
    return refusal(said.status_code, "RestException", said.get_json()["detail"])


def with_cors(response: Response) -> Response:
    """The Modeler asks from a page of its own (``file://``)."""
    if origin := request.headers.get("Origin"):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        response.headers["Access-Control-Allow-Headers"] = "authorization, content-type, accept"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def describe_options() -> Response | None:
    """Before a page of another origin asks, its browser does; and Camunda's clients, what else can be done there."""
    return answer({"links": []}) if request.method == "OPTIONS" else None


def limit_body() -> None:
    request.max_content_length = current_app.config["JSON_MAX"]

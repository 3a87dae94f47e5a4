"""The same request twice is done once.

A caller who does not know whether a request arrived sends it again with the same ``Idempotency-Key``, and gets the
answer of the first time. The key, a fingerprint of the request and the answer are one row of `inbox`, written in the
very unit that did the work: there is no moment at which one exists without the other. Of two at once, the second
waits for the first. A refusal leaves no row; the request may be corrected and sent with the same key.
"""

from __future__ import annotations

import hashlib
import re
from functools import wraps
from typing import Any

from flask import Response, request
from marshmallow import Schema
from sqlalchemy import and_, select, update

from engine import leases
from engine.access import Account
from engine.errors import InvalidRequest
from engine.model import inbox
from engine.runtime import Unit
from webapi import auth
from webapi.bodies import dump

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


def once(schema: Schema, view: auth.View) -> auth.View:
    """A view that makes something: like `auth.changes`, and the same key gets the same answer.

    Args:
        schema: what the view's answer is written out with.
    """

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        auth.token()  # who does not say who they are is told that first
        key = _key()

        def make(unit: Unit, caller: Account) -> Any:
            if key is None:
                return view(unit, caller, *args, **kwargs)
            mine = and_(inbox.c.caller == caller.login, inbox.c.key == key)
            if not _reserve(unit, caller.login, key):
                return _again(unit.first(select(inbox).where(mine)))
            made = view(unit, caller, *args, **kwargs)
            unit.flush()  # what the view will have found by then is part of its answer
            answer = _written(schema, made)
            unit.execute(update(inbox).where(mine).values(status=answer["status"], answer=answer))
            return _response(answer)

        return auth.admit(auth.runtime().begin, make)

    return door


def _key() -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.match(key):
        raise InvalidRequest(f"{HEADER} has 1 to 200 visible ASCII characters; a UUID is a good one.", field=HEADER)
    return key


def _reserve(unit: Unit, caller: str, key: str) -> bool:
    row = {"caller": caller, "key": key, "fingerprint": _fingerprint(), "status": 0, "answer": {},
           "created_at": unit.now}  # fmt: skip
    new = leases.insert_into(unit, inbox).values(row).on_conflict_do_nothing(index_elements=["caller", "key"])
    return unit.first(new.returning(inbox.c.key)) is not None  # an INSERT's row count is not to be had everywhere


def _fingerprint() -> str:
    """Of method, path and body; a view that reads files says in the environ what they come to."""
    body = request.environ.get("thongsuot.content") or request.get_data()
    return hashlib.sha256(b"\n".join((request.method.encode(), request.full_path.encode(), body))).hexdigest()


def _again(row: Any) -> Response:
    if row.fingerprint != _fingerprint():
        raise InvalidRequest(f"The {HEADER} {row.key!r} was used for another request: take a new one.", field=HEADER)
    answer = _response(row.answer)
    answer.headers["Idempotent-Replay"] = "true"
    return answer


def _written(schema: Schema, answer: Any) -> dict[str, Any]:
    body, status, headers = (*answer, {})[:3] if isinstance(answer, tuple) else (answer, 201, {})
    return {"body": schema.dump(body), "status": status, "headers": headers}


def _response(answer: dict[str, Any]) -> Response:
    return Response(dump(answer["body"]), answer["status"], answer["headers"], mimetype="application/json")

"""The same request twice is done once.

A caller who does not know whether a request arrived sends it again with the same ``Idempotency-Key``, and gets the
answer of the first time. The key, a fingerprint of the request and the answer are one row of `inbox`, written in the
very unit that did the work: there is no moment at which one exists without the other. Of two at once, the second
waits for the first. A refusal leaves no row; the request may be corrected and sent with the same key.

Where callers are known to send no key, what they send stands for it for a while: see ``alike`` of `once`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from flask import Response, request
from marshmallow import Schema
from sqlalchemy import and_, select, update

from engine.errors import InvalidRequest
from engine.model import inbox
from engine.people.access import Account
from engine.queues import leases
from engine.runtime import Unit
from webapi import auth
from webapi.bodies import Answer, dump

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


def _bearer(*_: Any, **__: Any) -> str:
    return auth.token()


def once(
    schema: Schema, view: auth.View, *, alike: timedelta | None = None, token: Callable[..., str] = _bearer,
    ahead: auth.View | None = None,
) -> auth.View:  # fmt: skip
    """A view that makes something: like `auth.changes`, and the same key gets the same answer.

    Args:
        schema: what the view's answer is written out with.
        alike: for how long the same request without a key is the same one; left out, each is a new one.
        token: the caller's, from what the view is called with; where it does not come in the header.
        ahead: called like the view, before it and before the key is looked for: what both ask goes out together.
    """

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        sent = token(*args, **kwargs)  # who does not say who they are is told that first
        key, lasts = _key(), None
        if key is None and alike is not None:
            key, lasts = f"alike-{_fingerprint()}", alike

        def make(unit: Unit, caller: Account) -> Any:
            if ahead is not None:
                ahead(unit, caller, *args, **kwargs)
            if key is None:
                return view(unit, caller, *args, **kwargs)
            mine = and_(inbox.c.caller == caller.login, inbox.c.key == key)
            if not _reserve(unit, caller.login, key, None if lasts is None else unit.now - lasts):
                return _again(unit.first(select(inbox).where(mine)))
            made = view(unit, caller, *args, **kwargs)
            unit.flush()  # what the view will have found by then is part of its answer
            answer = _written(schema, made)
            unit.execute(update(inbox).where(mine).values(status=answer["status"], answer=answer))
            return _response(answer)

        return auth.admit(auth.runtime().begin, make, sent)

    return door


def keep(unit: Unit, caller: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The same for a page's form, in whose fields the key stands: what `make` answered the first time.

    Sent again with other content it is another request.
    """
    key = f"{key}-{_fingerprint()}"
    if not _reserve(unit, caller, key, None):
        found = unit.scalar(select(inbox.c.answer).where(inbox.c.caller == caller, inbox.c.key == key))
        return dict(found)
    made = make()
    mine = and_(inbox.c.caller == caller, inbox.c.key == key)
    unit.execute(update(inbox).where(mine).values(status=201, answer=made))
    return made


def _key() -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.match(key):
        raise InvalidRequest(f"{HEADER} has 1 to 200 visible ASCII characters; a UUID is a good one.", field=HEADER)
    return key


def _reserve(unit: Unit, caller: str, key: str, forgotten: datetime | None) -> bool:
    """Args:
    forgotten: what was answered until then no longer counts.
    """
    row = {"caller": caller, "key": key, "fingerprint": _fingerprint(), "status": 0, "answer": {},
           "created_at": unit.now}  # fmt: skip
    new, mine = leases.insert_into(unit, inbox).values(row), ["caller", "key"]
    if forgotten is None:
        new = new.on_conflict_do_nothing(index_elements=mine)
    else:
        new = new.on_conflict_do_update(index_elements=mine, set_=row, where=inbox.c.created_at <= forgotten)
    return unit.first(new.returning(inbox.c.key)) is not None  # an INSERT's row count is not to be had everywhere


def _fingerprint() -> str:
    """Of method, path and body; a view that reads files says in the environ what they come to."""
    body = request.environ.get("thongsuot.content") or request.get_data()
    return hashlib.sha256(b"\n".join((request.method.encode(), request.full_path.encode(), body))).hexdigest()


def _again(row: Any) -> Response:
    if row.fingerprint != _fingerprint():
        raise InvalidRequest(f"The {HEADER} {row.key!r} was used for another request: take a new one.", field=HEADER)
    answer = _response(row.answer)
    answer.headers[REPLAYED] = "true"
    return answer


def _written(schema: Schema, answer: Any) -> dict[str, Any]:
    body, status, headers = (*answer, {})[:3] if isinstance(answer, tuple) else (answer, 201, {})
    return {"body": schema.dump(body), "status": status, "headers": headers}


def _response(answer: dict[str, Any]) -> Response:
    return Answer(dump(answer["body"]), answer["status"], answer["headers"])

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
from sqlalchemy import bindparam, select, update

from engine.errors import InvalidRequest
from engine.model import inbox
from engine.people.access import Account
from engine.runtime import Unit
from engine.storage.prepared import Prepared, Upsert
from webapi import auth
from webapi.bodies import Answer, dump

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")

_MINE = (inbox.c.caller == bindparam("who"), inbox.c.key == bindparam("sent"))
_FIND = Prepared(select(inbox).where(*_MINE))
_ANSWERED = bindparam("said", type_=inbox.c.answer.type)
_KEEP = Prepared(update(inbox).where(*_MINE).values(status=bindparam("how"), answer=_ANSWERED))
_ROW = ("caller", "key", "fingerprint", "status", "answer", "created_at")
_RESERVE = Upsert(  # it says the row if it is ours to fill: one that has been answered counts for ever, or a while
    lambda insert: (
        (new := insert(inbox).values({name: bindparam(name) for name in _ROW}))
        .on_conflict_do_update(
            index_elements=["caller", "key"],
            set_={name: new.excluded[name] for name in _ROW},
            where=inbox.c.created_at <= bindparam("forgotten", type_=inbox.c.created_at.type),
        )
        .returning(inbox.c.key)
    )
)


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
            mine = {"who": caller.login, "sent": key}
            if not _reserve(unit, caller.login, key, None if lasts is None else unit.now - lasts):
                return _again(unit.first(_FIND, mine))
            made = view(unit, caller, *args, **kwargs)
            unit.flush()  # what the view will have found by then is part of its answer
            answer = _written(schema, made)
            unit.write(_KEEP, mine | {"how": answer["status"], "said": answer})
            return _response(answer)

        return auth.admit(auth.runtime().begin, make, sent)

    return door


def keep(unit: Unit, caller: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The same for a page's form, in whose fields the key stands: what `make` answered the first time.

    Sent again with other content it is another request.
    """
    key = f"{key}-{_fingerprint()}"
    mine = {"who": caller, "sent": key}
    if not _reserve(unit, caller, key, None):
        found = unit.first(_FIND, mine)
        return dict(found.answer)  # type: ignore[union-attr]
    made = make()
    unit.write(_KEEP, mine | {"how": 201, "said": made})
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
           "created_at": unit.now, "forgotten": forgotten}  # fmt: skip
    return unit.first(_RESERVE, row) is not None


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

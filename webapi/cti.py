"""The door for telephone exchanges and softphones: the generic CTI of Zammad, so that whatever speaks it plugs in.

    POST /api/v1/cti/{token}    event=newCall|answer|hangup&callId=…&from=…&to=…&direction=in|out …

A call was put through if it ends with the cause ``forwarded``, or is answered once more, under the same callId, by the
number that its key puts calls through to (answeringNumber).

Who asks that number in a second call of its own, and then puts the caller through, makes a leg
(`engine.channels.legs`). Zammad's protocol has no field for it; programs that take sipgate.io's events, which look
alike, read ``origCallId``: here it is the callId of the first call (in a fresh call it is empty, or the call's own).
Exchanges without it are understood by the numbers: the leg goes ``out``, ``from`` the answeringNumber of the first
call, ``to`` where its key leads.

Form fields or JSON. The token stands in the address, for that is all such a client can be told, and addresses stand in
logs: it has to be one that is good for nothing but the scope `report`, of a program's account at the desk.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from engine.channels import telephone
from engine.channels.telephone import Call
from engine.errors import InvalidRequest, NotAllowed
from engine.people.access import Account
from engine.runtime import Unit
from webapi import auth, bodies

EVENTS = ("newCall", "answer", "hangup")
LARGEST = 20_000  # bytes of an event
SCOPES = ("report",)  # of a token that may stand in an address
_TOKEN = re.compile(r"ts_[A-Za-z0-9_-]{43}\Z")


def register(app: Flask) -> None:
    app.add_url_rule("/api/v1/cti/<token>", "cti", event, methods=["POST"])


def event(token: str) -> ResponseReturnValue:
    """Take one event; the answer names the contact, and the case if a missed call has become one."""
    request.max_content_length = LARGEST
    if not _TOKEN.match(token):
        raise InvalidRequest("The address ends in a token of this server: ts_ and 43 characters.")
    said = _said()
    call = Call(
        call_id=_text(said, "callId", required=True),
        caller=_text(said, "from"),
        called=_text(said, "to"),
        outward=_text(said, "direction") == "out",
        queue=_text(said, "queue"),
        answering=_text(said, "answeringNumber"),
        original=_text(said, "origCallId"),
    )
    name, cause = _text(said, "event", required=True), _text(said, "cause")
    if name not in EVENTS:
        raise InvalidRequest(f"There is no event {name!r}: there are {', '.join(EVENTS)}.", field="event")

    def take(unit: Unit, caller: Account) -> dict[str, Any]:
        _require_narrow(caller)
        if name == "hangup":
            contact, number = telephone.ends(unit, call, cause, by=caller)
            return {"contact": contact.id, "case": number}
        heard = telephone.rings if name == "newCall" else telephone.is_answered
        return {"contact": heard(unit, call, by=caller).id}

    return jsonify(auth.admit(auth.runtime().begin, take, token))


def _require_narrow(caller: Account) -> None:
    """Raises:
    NotAllowed: whoever reads this address in a log could do more with its token than tell of calls.
    """
    if caller.scopes != SCOPES:
        raise NotAllowed("A token in an address has to be for the scope report alone, for addresses stand in logs: "
                         "make another, and revoke this one.")


def _said() -> dict[str, Any]:
    said = bodies.read(request) if request.is_json else request.form.to_dict()
    if not (said or request.is_json) and request.content_length:
        raise InvalidRequest("Send the event as a form (application/x-www-form-urlencoded) or as JSON, and say so in "
                             "Content-Type.")
    if not isinstance(said, dict):
        raise InvalidRequest("An event is a table of fields: event, callId, from, to …")
    return said


def _text(said: dict[str, Any], name: str, required: bool = False) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > 200 or "\0" in value:
        raise InvalidRequest(f"{name} is a text of at most 200 characters.", field=name)
    if required and not value.strip():
        raise InvalidRequest(f"The event says nothing about {name}.", field=name)
    return value.strip()

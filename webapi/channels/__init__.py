"""The doors for what people write by chat and by SMS: Zalo, Facebook Messenger, Viber, an SMS gateway.

    POST /api/v1/channels/{province}/{zalo | messenger | viber | sms}
    POST /api/v1/channels/{province}/calls      what became of calls that the exchange was asked to connect

An adapter is a module of a page: it checks whose signature that is, names the events, and says what one of them means.
What comes in is kept and acknowledged first (`engine.channels.arrivals`), then understood: at once if it can be, else
by a worker. Without its secrets in the setting ``CHANNELS`` an address does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from flask import Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden

from engine import branches
from engine.channels import arrivals
from engine.channels.arrivals import Event, Readers
from engine.channels.conversations import Heard
from engine.errors import NotAllowed, NotAuthenticated, NotFound
from webapi import auth, limits
from webapi.channels import calls, messenger, parts, sms, viber, zalo
from webapi.config import BadSetting

ACCOUNT = "account"  # the official account, page or number that a channel is, where several share a secret
AT_ONCE = 5  # of one request's events; the sender waits no longer than two seconds, the rest is a worker's


class Adapter(Protocol):
    CHANNEL: str  # as `intake.CHANNELS` and the columns of `people` call it
    SECRETS: tuple[str, ...]  # what has to be set
    OPTIONAL: tuple[str, ...]  # what may be set: `ACCOUNT`, if `accounts` can tell

    def accounts(self, document: dict[str, Any]) -> set[str]:
        """Whom of ours people wrote to, as the sender's system calls it; empty where it does not say."""
        ...

    def signed(self, secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the sender's system has said exactly this; compared in constant time."""
        ...

    def events(self, document: dict[str, Any]) -> list[Event]:
        """What people said, one by one; not what tells that something was seen, delivered, or is our own echo."""
        ...

    def read(self, body: bytes) -> Heard | None:
        """What somebody told us, out of one event. Whatever it raises is kept for a person to see."""
        ...


ADAPTERS: dict[str, Adapter] = {"zalo": zalo, "messenger": messenger, "viber": viber, "sms": sms}
NAMES = (*ADAPTERS, "calls", "email")  # letters are fetched, by `engine.channels.mailbox`
READERS: Readers = {adapter.CHANNEL: adapter.read for adapter in ADAPTERS.values()}


def register(app: Flask) -> None:
    """Raises:
    BadSetting: a channel is set up, but something is missing; or there is none of that name.
    """
    for province, channels in app.config["CHANNELS"].items():
        if not isinstance(channels, dict):
            raise BadSetting(f"THONGSUOT_CHANNELS: {province} must be a table of channels, by name.")
        if strange := sorted(channels.keys() - set(NAMES)):
            raise BadSetting(f"THONGSUOT_CHANNELS: {province} has {strange[0]!r}; there are {', '.join(NAMES)}.")
        for name in channels.keys() - {"email"}:
            _check(province, name, channels[name])
    at = "/api/v1/channels/<name:province>"
    app.add_url_rule(f"{at}/<any({', '.join(ADAPTERS)}):name>", "channel", take, methods=["POST"])
    app.add_url_rule(f"{at}/messenger", "messenger_hook", shake_hands)
    app.add_url_rule(f"{at}/calls", "calls_hook", hear_of_a_call, methods=["POST"])


def take(province: str, name: str) -> ResponseReturnValue:
    """Keep what came in, say so, and understand what can be understood at once."""
    adapter, secrets = ADAPTERS[name], _secrets(province, name)
    document = _signed_by(adapter, province, name, secrets)
    _must_be_ours(province, name, secrets, adapter.accounts(document))
    events = adapter.events(document)
    limits.hold_back(adapter.CHANNEL, province, lambda: _is_urgent(province, adapter, events))
    fresh = arrivals.put(auth.runtime(), province, adapter.CHANNEL, events) if events else []
    for arrival_id in fresh[:AT_ONCE]:
        arrivals.attempt(auth.runtime(), arrival_id, READERS)
    return jsonify({"events": len(events), "new": len(fresh)})


def hear_of_a_call(province: str) -> ResponseReturnValue:
    return calls.take(province, _signed_by(calls, province, "calls", _secrets(province, "calls")))


def _signed_by(adapter: Any, province: str, name: str, secrets: dict[str, str]) -> dict[str, Any]:
    request.max_content_length = current_app.config["JSON_MAX"]
    body = request.get_data()
    if not adapter.signed(secrets, body, request.headers):
        raise NotAuthenticated(f"The signature is missing, or it is not that of this province's {name} channel.")
    return _document(body)


def _is_urgent(province: str, adapter: Adapter, events: list[Event]) -> bool:
    """Whether somebody writes no more than the key, type or number of an emergency."""
    with auth.runtime().read() as unit:
        keys = [row for row in branches.at(unit, province, unit.now) if row.transfer_to is not None]
    words = {str(word) for row in keys for word in (row.key, row.report_type, row.transfer_to)}
    return any(_text(adapter, event) in words for event in events)


def _text(adapter: Adapter, event: Event) -> str:
    try:
        heard = adapter.read(event.body)
    except Exception:  # a worker will say what is wrong with it
        return ""
    return heard.text.strip() if heard is not None else ""


def shake_hands(province: str) -> ResponseReturnValue:
    """Messenger asks once whether we know the word that was agreed on, and wants its challenge back."""
    secrets, asked = _secrets(province, "messenger"), request.args
    if not messenger.agreed(secrets, asked):
        raise Forbidden("hub.verify_token is not the one set here as verify_token, or hub.mode is not 'subscribe'.")
    return Response(asked.get("hub.challenge", "")[:200], mimetype="text/plain")


def _secrets(province: str, name: str) -> dict[str, str]:
    found = current_app.config["CHANNELS"].get(province, {}).get(name)
    if found is None:
        raise NotFound(f"The province {province} has no {name} channel: it is set up with THONGSUOT_CHANNELS.")
    return dict(found)


def _must_be_ours(province: str, name: str, secrets: Mapping[str, str], accounts: set[str]) -> None:
    strange = sorted(accounts - {secrets[ACCOUNT]}) if ACCOUNT in secrets else []
    if strange:
        known = f"the {name} channel of the province {province} is {secrets[ACCOUNT]!r}"
        raise NotAllowed(f"This was written to the account {strange[0]!r}; {known}.")


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = parts.document(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object {…}.")
    return document


def _check(province: str, name: str, given: Any) -> None:
    adapter = calls if name == "calls" else ADAPTERS[name]
    wanted, may = set(adapter.SECRETS), set(adapter.OPTIONAL)
    complete = isinstance(given, dict) and wanted <= given.keys() <= wanted | may
    if not complete or not all(map(_is_secret, given.values())):
        more = f"; it may have {', '.join(may)}" if may else ""
        needed = f"{name} of {province} needs {', '.join(adapter.SECRETS)}, each a text{more}."
        raise BadSetting(f"THONGSUOT_CHANNELS: {needed}")


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())

"""Zalo Official Account.

Signed with ``X-ZEvent-Signature: mac=<hex>``: SHA-256 of app id, body, the event's timestamp and the OA's secret, one
after the other. What people write comes as ``user_send_*``; what else Zalo tells (seen, followed, sent by us) is not
said by anybody. Whether a display name comes along depends on the account; most events have an id only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from engine.channels.arrivals import Event
from engine.channels.conversations import Heard
from engine.intake import Person
from webapi.channels import parts

CHANNEL = "zalo"
SECRETS = ("app_id", "secret")
OPTIONAL = ("account",)
FILES = ("image", "gif", "audio", "voice", "video", "file")


def signed(secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> bool:
    mac = headers.get("X-ZEvent-Signature", "").strip().removeprefix("mac=")
    said = f"{_timestamp(body)}{secrets['secret']}".encode()
    return parts.same(mac, hashlib.sha256(secrets["app_id"].encode() + body + said).hexdigest())


def accounts(document: dict[str, Any]) -> set[str]:
    name, to = str(document.get("event_name")), document.get("recipient")
    return {str(to.get("id"))} if name.startswith("user_") and isinstance(to, dict) else set()


def events(document: dict[str, Any]) -> list[Event]:
    name = str(document.get("event_name"))
    if name != "user_submit_info" and (not name.startswith("user_send_") or name.startswith("user_send_group_")):
        return []
    body, message = orjson.dumps(document), document.get("message")
    return [Event(parts.named(message.get("msg_id") if isinstance(message, dict) else None, body), body)]


def read(body: bytes) -> Heard | None:
    document = orjson.loads(body)
    message, zalo = document.get("message", {}), parts.writer(document)
    who = Person(name=parts.person_name(document["sender"].get("display_name")), zalo=zalo)
    text = message.get("text") or "; ".join(str(each) for each in document.get("info", {}).values() if each)
    sent = message.get("attachments", ())
    links, files = tuple(_links(sent)), tuple(_links(each for each in sent if each.get("type") in FILES))
    return Heard(who, text or ("" if links else parts.NOT_SHOWN), links=links, files=files)


def _links(attachments: Any) -> Iterator[str]:
    for attachment in attachments:
        payload = attachment.get("payload", {})
        if where := payload.get("coordinates"):
            yield parts.place(where["latitude"], where["longitude"])
        elif found := payload.get("url") or payload.get("description"):
            yield str(found)


def _timestamp(body: bytes) -> str:
    """As it stands in the body; nothing, if there is none: then no signature fits."""
    try:
        return str(parts.document(body)["timestamp"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""

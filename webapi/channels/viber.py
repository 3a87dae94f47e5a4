"""Viber, for the bot of a province.

Signed with ``X-Viber-Content-Signature: <hex>``: HMAC-SHA256 of the body with the bot's authentication token. Only
``message`` is something somebody said; setting up the webhook, subscribing, delivered and seen are answered with 200.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from engine.channels.arrivals import Event
from engine.channels.conversations import Heard
from engine.intake import Person
from webapi.channels import parts

CHANNEL = "viber"
SECRETS = ("token",)
OPTIONAL: tuple[str, ...] = ()
FILES = ("picture", "video", "file")


def signed(secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> bool:
    return parts.same(headers.get("X-Viber-Content-Signature", ""), parts.hmac_sha256(secrets["token"], body))


def accounts(document: dict[str, Any]) -> set[str]:
    return set()  # a bot's token is its own


def events(document: dict[str, Any]) -> list[Event]:
    if document.get("event") != "message":
        return []
    body = orjson.dumps(document)
    return [Event(parts.named(document.get("message_token"), body), body)]


def read(body: bytes) -> Heard | None:
    document = orjson.loads(body)
    message, viber = document["message"], parts.writer(document)
    links = tuple(_links(message))
    text = message.get("text") or ("" if links else parts.NOT_SHOWN)
    files = (str(message["media"]),) if message.get("type") in FILES and message.get("media") else ()
    who = Person(name=parts.person_name(document["sender"].get("name")), viber=viber)
    return Heard(who, text, links=links, files=files)


def _links(message: dict[str, Any]) -> Iterator[str]:
    if where := message.get("location"):
        yield parts.place(where["lat"], where["lon"])
    if found := message.get("media"):
        yield str(found)
    if contact := message.get("contact"):
        yield " ".join(str(contact[part]) for part in ("name", "phone_number") if contact.get(part))

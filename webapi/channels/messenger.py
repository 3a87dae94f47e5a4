"""Facebook Messenger, for the page of a province.

Signed with ``X-Hub-Signature-256: sha256=<hex>``: HMAC-SHA256 of the body with the app's secret. One request may bring
many events, of which each is kept for itself. Messenger tells no name.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from engine.channels.arrivals import Event
from engine.channels.conversations import Heard
from engine.intake import Person
from webapi.channels import parts

CHANNEL = "facebook"
SECRETS = ("app_secret", "verify_token")
OPTIONAL = ("account",)
FILES = ("image", "audio", "video", "file")


def signed(secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> bool:
    sent = headers.get("X-Hub-Signature-256", "")
    return parts.same(sent, f"sha256={parts.hmac_sha256(secrets['app_secret'], body)}")


def agreed(secrets: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    """Whether this is the hand-shake with which a webhook is set up."""
    known = hmac.compare_digest(asked.get("hub.verify_token", "").encode(), secrets["verify_token"].encode())
    return known and asked.get("hub.mode") == "subscribe"


def accounts(document: dict[str, Any]) -> set[str]:
    entries = document.get("entry")
    found = entries if isinstance(entries, list) and document.get("object") == "page" else []
    return {str(entry.get("id")) for entry in found if isinstance(entry, dict)}


def events(document: dict[str, Any]) -> list[Event]:
    return [
        Event(parts.named(item["message"].get("mid"), body), body)
        for item in _items(document)
        if isinstance(item.get("message"), dict) and not item["message"].get("is_echo")
        for body in [orjson.dumps(item)]
    ]


def read(body: bytes) -> Heard | None:
    item = orjson.loads(body)
    message, sent = item["message"], item["message"].get("attachments", ())
    links, files = tuple(_links(sent)), tuple(_links(each for each in sent if each.get("type") in FILES))
    text = message.get("text") or ("" if links else parts.NOT_SHOWN)
    return Heard(Person(facebook=parts.writer(item)), text, links=links, files=files)


def _items(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = document.get("entry")
    for entry in entries if isinstance(entries, list) and document.get("object") == "page" else ():
        said = entry.get("messaging") if isinstance(entry, dict) else None
        yield from (item for item in (said if isinstance(said, list) else ()) if isinstance(item, dict))


def _links(attachments: Any) -> Iterator[str]:
    for attachment in attachments:
        payload = attachment.get("payload") or {}
        if where := payload.get("coordinates"):
            yield parts.place(where["lat"], where["long"])
        elif found := payload.get("url") or attachment.get("url"):
            yield str(found)

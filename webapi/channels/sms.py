"""SMS that people send to the province's number, as a gateway passes them on.

    {"id": "8401-7", "from": "0912345678", "text": "0", "to": "1022"}

Signed as our own web hooks are: ``X-Signature: t=<seconds>,v1=<hex>``, HMAC-SHA256 with the shared secret over the text
"<seconds>.<body>", of the last five minutes. The ``id`` is what the gateway calls the message, whenever it sends it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from engine.channels.arrivals import Event
from engine.channels.conversations import Heard
from engine.errors import InvalidRequest
from engine.forms import contacts
from engine.intake import Person
from webapi import auth
from webapi.channels import parts

CHANNEL = "sms"
SECRETS = ("secret",)
OPTIONAL = ("account",)
LONGEST = 2_000  # signs of a message, which the gateway has put together
TOO_OLD = 300  # seconds
_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-fA-F]{64})", re.ASCII)


def signed(secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> bool:
    said = _SIGNATURE.fullmatch(headers.get("X-Signature", "").strip())
    if said is None:
        return False
    moment = int(said[1])
    expected = parts.hmac_sha256(secrets["secret"], b"%d.%b" % (moment, body))
    return parts.same(said[2], expected) and abs(auth.runtime().clock().timestamp() - moment) <= TOO_OLD


def accounts(document: dict[str, Any]) -> set[str]:
    return {str(document["to"])} if document.get("to") else set()


def events(document: dict[str, Any]) -> list[Event]:
    """Raises:
    InvalidRequest: there is no id, no sender or no text; the gateway is told so, as nobody else could repair it.
    """
    name = document.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise InvalidRequest("'id' is what the gateway calls the message, in 1 to 200 characters.", field="id")
    sender, text = document.get("from"), document.get("text")
    if not isinstance(sender, str) or not 0 < len(sender) <= 40:
        raise InvalidRequest("'from' is the number of whoever wrote, such as 0912345678.", field="from")
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise InvalidRequest(f"'text' is what they wrote, in 1 to {LONGEST} characters.", field="text")
    return [Event(name, orjson.dumps({"from": sender, "text": text}))]


def read(body: bytes) -> Heard | None:
    """Short numbers and names, which nobody could answer, are of advertisers and other programs: nobody told us."""
    said = orjson.loads(body)
    sender = said["from"].strip()
    number = contacts.phone(f"+{sender}" if sender.startswith("84") else sender)  # as many gateways write them
    return Heard(Person(phone=number), said["text"]) if number else None

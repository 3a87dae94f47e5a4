"""What the adapters share: names for events that have none, signatures, addresses of places."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import orjson

from engine.errors import InvalidRequest

NOT_SHOWN = "[Tin nhắn không có chữ: hình, nhãn dán hoặc nội dung không hiển thị được]"


def same(sent: str, expected: str) -> bool:
    """Compared in constant time; whatever was sent may be no ASCII."""
    return hmac.compare_digest(sent.strip().lower().encode(), expected.encode())


def hmac_sha256(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def named(name: Any, body: bytes) -> str:
    """What the sender's system calls an event; one without a name is the same if it says the same."""
    return str(name)[:300] if name else f"sha256:{hashlib.sha256(body).hexdigest()}"


def document(body: bytes) -> Any:
    """What a signed body says. Letters that are broken (no UTF-8, half of an emoji) become others: it would not come
    better if it were sent again, and what somebody wrote would be lost.

    Raises:
        orjson.JSONDecodeError: it is no JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            said = json.dumps(json.loads(body.decode("utf-8", "replace")), ensure_ascii=False)
        except (ValueError, RecursionError):
            said = ""
        if not said:
            raise
    return orjson.loads(said.encode("utf-8", "replace"))


def writer(document: Any) -> str:
    """Who wrote, as the sender's system calls them.

    Raises:
        InvalidRequest: it does not say; two of those must not be taken for one.
    """
    sender = document.get("sender")
    name = sender.get("id") if isinstance(sender, dict) else None
    if isinstance(name, bool) or not isinstance(name, str | int) or not str(name).strip():
        raise InvalidRequest("The event does not say who wrote: sender.id is missing.")
    return str(name)


def place(latitude: Any, longitude: Any) -> str:
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"


def person_name(name: Any) -> str | None:
    """A display name as far as it can be kept: one line of 120 characters."""
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in str(name or "")).split())
    return words[:120] or None

"""What the adapters share: names for events that have none, signatures, addresses of places."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

NOT_SHOWN = "[Tin nhắn không có chữ: hình, nhãn dán hoặc nội dung không hiển thị được]"


def same(sent: str, expected: str) -> bool:
    """Compared in constant time; whatever was sent may be no ASCII."""
    return hmac.compare_digest(sent.strip().lower().encode(), expected.encode())


def hmac_sha256(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def named(name: Any, body: bytes) -> str:
    """What the sender's system calls an event; one without a name is the same if it says the same."""
    return str(name)[:300] if name else f"sha256:{hashlib.sha256(body).hexdigest()}"


def place(latitude: Any, longitude: Any) -> str:
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"


def person_name(name: Any) -> str | None:
    """A display name as far as it can be kept: one line of 120 characters."""
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in str(name or "")).split())
    return words[:120] or None

"""What a notifier is given and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from engine.forms import contacts

Clock = Callable[[], datetime]
LONGEST_WAIT = 10.0  # seconds, for any one answer of a peer


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address.

    Attributes:
        kind: sms, email, zalo, facebook, viber or webhook.
        key: the same at every attempt, for ever; no two messages share one.
        to: a telephone number, an e-mail address, a Zalo user id or telephone number, what
            Facebook or Viber calls somebody, a URL.
        text: what is said. Never personal data, except in an answer the province chose to send.
        subject: of an e-mail.
        province: whose message it is; a page or bot is a province's own.
        payload: more, for programs (web hooks) and templates.
        connect: of an exchange that is to connect a call (`engine.messaging.bridge`): whose numbers; for its eyes only.
    """

    kind: str
    key: str
    to: str
    text: str = ""
    subject: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    case_number: str = ""
    province: str = ""
    connect: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side has taken the message on; ``reference`` is what it calls it."""

    reference: str | None = None


class TryLater(Exception):
    """It did not work this time; ``reason`` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Undeliverable(Exception):
    """It will never work like this; ``reason`` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Notifier(Protocol):
    def send(self, message: Message) -> Receipt:
        """Hand the message over. May be called by several threads.

        Raises:
            TryLater: nothing is known to be wrong with the message.
            Undeliverable: the other side will not take it, or it cannot be sent at all.
        """
        ...


def telephone(message: Message, style: str = "e164") -> str:
    """The number as the peer wants it: ``e164`` +84912345678, ``international`` 84912345678, ``national`` 0912345678.

    Raises:
        Undeliverable: it is no telephone number.
    """
    number = contacts.phone(message.to)
    if number is None:
        raise Undeliverable(f"{masked(message.to)} is not a telephone number.")
    if style == "national" and number.startswith("+84"):
        return "0" + number[3:]
    return number if style == "e164" else number.removeprefix("+")


def masked(address: str) -> str:
    """An address by which a colleague can recognise it, and nobody else use it.

    >>> masked("+84912345123"), masked("an.nguyen@example.vn"), masked("https://x.vn/hook?token=1")
    ('09xx…123', 'a…@example.vn', 'https://x.vn/…')
    """
    if "://" in address:
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}…@{domain}"
    number = contacts.phone(address)
    if number and number.startswith("+84"):
        return f"0{number[3:4]}xx…{number[-3:]}"
    return f"{address[:2]}…{address[-2:]}" if len(address) > 6 else "…"


def seconds(timeout: float) -> float:
    """A time-out from the settings. Raises ValueError beyond 10 s: a worker that waits holds others up."""
    if not 0 < timeout <= LONGEST_WAIT:
        raise ValueError(f"A time-out must be more than 0 and at most {LONGEST_WAIT:g} seconds, not {timeout!r}.")
    return float(timeout)

"""Delivering what is owed, outside any transaction: a gateway that takes ten seconds must not hold a lock for ten."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from sqlalchemy import Row, select

from engine import spans
from engine.messaging import bridge
from engine.model import accounts, agencies, cases, people
from engine.notifiers import Message, Notifier, Undeliverable
from engine.privacy import firewall
from engine.queues import outbox
from engine.queues.outbox import Delivered, Item
from engine.runtime import Runtime, Unit

log = logging.getLogger(__name__)

ADDRESSES = {"sms": ("phone", "phone number"), "email": ("email", "e-mail address"), "zalo": ("zalo", "Zalo account"),
             "facebook": ("facebook", "Facebook account"), "viber": ("viber", "Viber account")}  # fmt: skip

Service = Callable[[dict[str, Any], str], dict[str, Any]]  # (payload, key) -> answer


def attempt(
    runtime: Runtime,
    item: Item,
    notifiers: Mapping[str, Notifier],
    services: Mapping[str, Service],
    jitter: Random,
) -> str:
    """Deliver an item and settle it.

    Returns:
        sent | gone (somebody else has it by now, and will send it with the same key) | failed | dead
    """
    try:
        with spans.span(f"send {item.kind}", outbox=item.id, case_id=item.case_id or 0):
            delivered = deliver(runtime, item, notifiers, services)
    except Exception as error:
        told = {"action": "delivery-failed", "outbox": item.id, "case_id": item.case_id}
        log.warning("Not sent (%s): %s", item.kind, type(error).__name__, extra=told)  # the reason is in its row
        return outbox.fail(runtime, item, error, jitter)
    return outbox.settle(runtime, item, delivered)


def deliver(
    runtime: Runtime, item: Item, notifiers: Mapping[str, Notifier], services: Mapping[str, Service]
) -> Delivered:
    """Do what is owed. Whatever is raised is a failure.

    Raises:
        Undeliverable: trying again would not help.
    """
    if item.kind == "service":
        return Delivered(answer=_call(item, services))
    if item.kind not in notifiers:
        raise Undeliverable(f"no notifier is set up for {item.kind!r}")
    return Delivered(reference=notifiers[item.kind].send(_message(runtime, item)).reference)


def _call(item: Item, services: Mapping[str, Service]) -> dict[str, Any]:
    if item.topic not in services:
        raise Undeliverable(f"no service is registered for the topic {item.topic!r}")
    answer = services[item.topic](item.payload, item.key)
    if not isinstance(answer, dict):
        raise Undeliverable(f"the service {item.topic!r} answered {type(answer).__name__} where a table was expected")
    json.dumps(answer, allow_nan=False)  # what cannot be kept is a failure now, not when settling
    return answer


def _message(runtime: Runtime, item: Item) -> Message:
    """With the address as known at this moment, read in a unit that has ended when this returns."""
    with runtime.read() as unit:
        case = unit.first(select(cases).where(cases.c.id == item.case_id))
        row = unit.first(_whom(item))
        payload = item.payload
        if case is not None and "only_for" in payload:
            _refuse_untrue(unit, case, payload["only_for"])
        if case is not None and item.agency is not None:
            payload = firewall.over_letters(unit, firewall.reader(item.agency, case), case)(payload)
    connect = {}
    if item.topic == outbox.CALL:
        payload, connect = {}, bridge.numbers(item.payload, row, runtime.clock())
    text, subject = payload.get("text", ""), payload.get("subject", "")
    # what is about no case is about the agency's province
    about = (case.number, case.province) if case else ("", getattr(row, "province", None) or "")
    return Message(item.kind, item.key, _address(item, row), text, subject, payload, *about, connect)


def _refuse_untrue(unit: Unit, case: Row[Any], outcomes: list[str]) -> None:
    """A text of success that waited for its gateway while the case was reopened was true once, and is not any more.

    Args:
        outcomes: of which it is true; of a case that was joined to another, the other's.

    Raises:
        Undeliverable: the case has none of these any more.
    """
    joined_to = select(cases.c.outcome).where(cases.c.id == case.duplicate_of)
    original = unit.scalar(joined_to) if case.duplicate_of else None
    if not {case.outcome, original} & {*outcomes}:
        raise Undeliverable(f"This is not true any more: the case's outcome is {original or case.outcome!r}.")


def _whom(item: Item) -> Any:
    if item.person_id is not None:
        return select(people).where(people.c.id == item.person_id)
    if item.account_id is not None:
        theirs = select(accounts.c.email, agencies.c.province).where(accounts.c.id == item.account_id)
        return theirs.outerjoin(agencies, agencies.c.key == accounts.c.agency)
    return select(agencies).where(agencies.c.key == item.agency)


def _address(item: Item, row: Row[Any] | None) -> str:
    if item.kind == "webhook":
        return str(item.payload.get("url", ""))
    column, name = ADDRESSES[item.kind]
    address = getattr(row, column, None)
    if not address:
        raise Undeliverable(f"There is no {name} to send it to.")
    return str(address)

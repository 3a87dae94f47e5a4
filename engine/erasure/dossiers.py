"""What is kept of one person, for whoever asks for it: all of it written out, or gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from engine import acts
from engine.channels import arrivals
from engine.erasure import emptying
from engine.errors import InvalidRequest
from engine.files.attachments import Store
from engine.forms import contacts as addresses
from engine.language.masks import WAYS, known, masked
from engine.messaging import bridge
from engine.model import attachments, cases, comments, events, outbox, people
from engine.model.records import LOOKED
from engine.people import access
from engine.people.access import Account
from engine.privacy import unmasking
from engine.privacy.persons import cases_of, known_by
from engine.queues.outbox import CALL
from engine.reasons import checked_reason
from engine.runtime import Runtime, Unit

ALONE = ("C0", "C1")  # whose handlers know who reported anyway; of other cases nobody learns it by themselves


def export(unit: Unit, phone: str, reason: str, *, by: Account) -> dict[str, Any]:
    """Everything that is kept of whoever has this number, case by case; looking is written into each case's history,
    and why into the record. A case that is not of `ALONE` is left out until a second person has agreed: whoever decides
    who may know who reported it (`engine.privacy.unmasking`) is asked by the first call.

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: this is no number, or there is no reason.
    """
    access.require(by, "privacy")
    number, reason = checked(phone), checked_reason(reason)
    told: list[Row[Any]] = []
    left_out: list[Row[Any]] = []
    for case in unit.all(select(cases).where(cases.c.id.in_(cases_of("phone", number))).order_by(cases.c.id)):
        agreed = case.secrecy in ALONE or unmasking.granted(unit, by, case.id) is not None
        (told if agreed else left_out).append(case)
    for case in told:
        unit.record(case.id, "person-exported", by.login, secrecy=case.secrecy)
    for case in left_out:
        unmasking.ask_once(unit, case.id, reason, by=by)
    theirs = known(unit.all(select(people).where(known_by("phone", number))))
    acts.note(unit, "person-exported", by.login, reason=masked(reason, theirs), cases=len(told), left_out=len(left_out))
    unread = [{"received_at": row.received_at, "channel": row.channel, "text": row.body.decode("utf-8", "replace")}
              for row in arrivals.naming(unit, _ways(unit, number))]  # fmt: skip
    return {"phone": number, "cases": [_kept(unit, case, number) for case in told],
            "left_out": [case.number for case in left_out], "not_understood": unread}  # fmt: skip


def _ways(unit: Unit, number: str) -> set[str]:
    """The number, and every other way by which they can be reached."""
    rows = unit.all(select(people).where(known_by("phone", number)))
    return {number} | {told for row in rows for way in WAYS if (told := getattr(row, way))}


def _kept(unit: Unit, case: Row[Any], number: str) -> dict[str, Any]:
    """What a case keeps of them, and who has looked them up."""
    theirs = (people.c.case_id == case.id, known_by("phone", number))
    own = {"opened_at", "closed_at", "number", "report_type", "channel", "area", "place", "subject", "report", "status",
           "outcome", "rating"}  # fmt: skip
    citizen = access.CITIZEN
    wrote = select(comments.c.at, comments.c.text).where(comments.c.case_id == case.id, comments.c.author == citizen)
    files = select(attachments.c.at, attachments.c.name, attachments.c.size, attachments.c.sha256)
    files = files.where(attachments.c.case_id == case.id, attachments.c.author == citizen)
    sent = select(outbox.c.kind, outbox.c.payload, outbox.c.created_at, outbox.c.sent_at)
    sent = sent.where(outbox.c.person_id.in_(select(people.c.id).where(*theirs)), outbox.c.topic != CALL)
    called = select(events.c.at, events.c.actor, events.c.kind)  # by whom, and what became of it; not their numbers
    called = called.where(events.c.case_id == case.id, events.c.kind.in_(bridge.LINES))
    looked = select(events.c.at, events.c.actor, events.c.kind)
    looked = looked.where(events.c.case_id == case.id, events.c.kind.in_(LOOKED))
    parts = {"people": select(people).where(*theirs), "comments": wrote, "files": files, "messages": sent,
             "calls": called, "looked_up": looked}  # fmt: skip
    told = {name: [_plain(row) for row in unit.all(query)] for name, query in parts.items()}
    return {name: value for name, value in _plain(case).items() if name in own} | told


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}


@dataclass(frozen=True)
class Erased:
    """Attributes:
    cases: what became of each, by number: ``erased``, or why it could not be (`emptying.obstacle`).
    not_understood: how many messages of theirs, or about them, that nobody could read are gone.
    """

    phone: str
    cases: dict[str, str]
    not_understood: int


def erase(runtime: Runtime, phone: str, reason: str, *, by: Account, store: Store | None) -> Erased:
    """Empty every case of whoever has this number that is over, each in a unit of its own. What is still being handled
    stays until it is over: then it can be asked for again. Messages that nobody could understand and that tell one of
    their numbers or addresses go, too: they belong to no case.

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: this is no number, or there is no reason.
    """
    access.require(by, "privacy")
    number, reason = checked(phone), checked_reason(reason)
    with runtime.begin() as unit:
        theirs = cases.c.id.in_(cases_of("phone", number))
        found = unit.all(select(cases.c.id, cases.c.number).where(theirs).order_by(cases.c.id))
        unread = [row.id for row in arrivals.naming(unit, _ways(unit, number))]
        arrivals.empty(unit, unread)
        refused = {case.number: why for case in found if (why := emptying.obstacle(unit, case.id)) is not None}
    became = {}
    for case in found:
        done = case.number not in refused and emptying.whole(runtime, case.id, by=by.login, why=reason, store=store)
        became[case.number] = "erased" if done else refused.get(case.number, "running")
    return Erased(number, became, len(unread))


def checked(phone: str) -> str:
    """The number in E.164.

    Raises:
        InvalidRequest: it is none.
    """
    number = addresses.phone(phone)
    if number is None:
        raise InvalidRequest("phone is no number we can reach; write it like 0912345678.", field="phone")
    return number

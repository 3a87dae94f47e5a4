"""Calls and messages: each is one row, whatever becomes of it, so that a day's figures can add up.

Most contacts are answered at once and never become a case. What is kept of those is when, by which way and key, who
answered, and about what in a few words; nothing of the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from engine.errors import InvalidRequest, NotFound, WrongState
from engine.language.vietnamese import nfc
from engine.model import agencies, areas, cases, contacts, jobs
from engine.model.contacts import OUTCOMES
from engine.people import access
from engine.people.access import Account, Target
from engine.queues.leases import insert_into
from engine.runtime import Unit
from engine.storage.prepared import Prepared

TOPIC_MAX = 120
CALLS = "dien_thoai"
ON_THE_LINE, SHOWN = timedelta(hours=2), 30  # calls that the desk may still say something about
_FIELDS = ("branch", "call_id", "answered_at", "ended_at", "outcome", "topic", "area", "agency", "answered_by")

RECEIVED = Prepared.insertion(
    contacts,
    *("province", "channel", "branch", "call_id", "started_at", "area", "agency", "taken_by", "case_id"),
    direction="in",
    outcome="case",
)
BECAME_A_CASE = Prepared(
    update(contacts)
    .where(
        contacts.c.id == bindparam("contact"),
        contacts.c.province == bindparam("of_province"),
        contacts.c.case_id.is_(None),
        contacts.c.outcome.is_(None),
    )
    .values(case_id=bindparam("case"), outcome="case", taken_by=bindparam("who"))
)


def begin(unit: Unit, province: str, values: Mapping[str, Any], *, by: Account) -> Row[Any]:
    """Note a call or a message. Somebody who answers at once needs no more than this.

    Args:
        values: ``channel``; as far as known ``direction`` (in), ``branch``, ``call_id``, ``started_at`` (now),
            ``answered_at``, ``ended_at``, ``outcome``, ``topic``, ``area``, ``agency`` (the account's). Instants aware.

    Returns:
        Its row. The same ``call_id`` on the same channel again is the same contact, as it is by now.

    Raises:
        NotAllowed: the account may not note contacts of this province.
        InvalidRequest: an outcome that cannot be, or a time to come.
    """
    access.require(by, "contact", Target(province), unit)
    row: dict[str, Any] = dict.fromkeys(_FIELDS) | {"agency": by.agency} | _checked(unit, province, values)
    row |= {"province": province, "direction": values.get("direction", "in"), "channel": values["channel"],
            "started_at": values.get("started_at") or unit.now, "taken_by": by.login}  # fmt: skip
    if row["outcome"] is not None and row["ended_at"] is None:
        row["ended_at"] = unit.now
    new = insert_into(unit, contacts).values(row)
    if row["call_id"] is None:
        return _there(unit.first(new.returning(contacts)))
    found = unit.first(
        new.on_conflict_do_nothing(
            index_elements=["province", "channel", "call_id"], index_where=contacts.c.call_id.is_not(None)
        ).returning(contacts)
    )
    same = (contacts.c.province == province, contacts.c.channel == row["channel"])
    return found or _there(unit.first(select(contacts).where(*same, contacts.c.call_id == row["call_id"])))


def end(unit: Unit, contact_id: int, values: Mapping[str, Any], *, by: Account) -> Row[Any]:
    """Say what became of a contact, or anything else that is known by now.

    Args:
        values: as for `begin`; what is left out stays.

    Raises:
        NotFound: there is none, or it is another province's.
        WrongState: it has its outcome already, and another one.
        InvalidRequest: as for `begin`.
    """
    row = show(unit, contact_id, by=by)
    change = _checked(unit, row.province, values)
    if row.outcome is not None and change.get("outcome", row.outcome) != row.outcome:
        raise WrongState(f"The contact {contact_id} has its outcome already: {row.outcome}.", outcome=row.outcome)
    if change.get("outcome") and row.ended_at is None:
        change.setdefault("ended_at", unit.now)
    if change:
        same = (contacts.c.id == contact_id, contacts.c.outcome.is_(row.outcome) if row.outcome is None else
                contacts.c.outcome == row.outcome)  # fmt: skip
        if not unit.claims(update(contacts).where(*same).values(change)):
            raise WrongState(f"The contact {contact_id} has just got its outcome from somebody else: look again.")
    return show(unit, contact_id, by=by)


def on_the_line(unit: Unit, province: str, *, by: Account) -> list[Row[Any]]:
    """The calls of the last hours of which an exchange has told, and nobody yet what they were about; newest first;
    none for who may not note contacts of this province."""
    if not access.allows(by, "contact", Target(province), unit):
        return []
    theirs = (contacts.c.province == province, contacts.c.channel == CALLS, contacts.c.call_id.is_not(None),
              contacts.c.outcome.is_(None), contacts.c.direction == "in", contacts.c.leg_of.is_(None),
              contacts.c.started_at > unit.now - ON_THE_LINE)  # fmt: skip
    newest = (contacts.c.started_at.desc(), contacts.c.id.desc())
    return unit.all(select(contacts).where(*theirs).order_by(*newest).limit(SHOWN))


def show(unit: Unit, contact_id: int, *, by: Account) -> Row[Any]:
    """Raises:
    NotFound: there is none, or it is another province's.
    """
    row = unit.first(select(contacts).where(contacts.c.id == contact_id))
    if row is None or not access.allows(by, "contact", Target(row.province), unit):
        raise NotFound(f"There is no contact {contact_id}, or it is another province's.")
    return row


def _there(row: Row[Any] | None) -> Row[Any]:
    assert row is not None  # just written, or found where it stood in the way
    return row


def _checked(unit: Unit, province: str, values: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: values[name] for name in _FIELDS if values.get(name) is not None}
    if given.get("outcome") not in (None, *OUTCOMES):
        raise InvalidRequest(f"{given['outcome']!r} is no outcome: use one of {', '.join(OUTCOMES)}.", field="outcome")
    if given.get("outcome") == "case":
        raise InvalidRequest("A contact becomes a case by POST /reports that names it.", field="outcome")
    for name in ("answered_at", "ended_at"):
        if name in given and given[name] > unit.now:
            raise InvalidRequest(f"{name} lies in the future.", field=name)
    for name, table, key in (("area", areas, areas.c.code), ("agency", agencies, agencies.c.key)):
        if name in given:
            known = select(key).where(key == given[name], table.c.province == province)
            if unit.first(known) is None:
                raise InvalidRequest(f"There is no {name} {given[name]!r} in the province {province}.", field=name)
    if "topic" in given:
        given["topic"] = nfc(str(given["topic"])).strip()[:TOPIC_MAX] or None
    return given


def waiting_for_a_time(
    unit: Unit, account: Account, province: str, report_type: str, since: datetime, limit: int
) -> list[Row[Any]]:
    """Cases of this type whose process goes on at a time that is yet to come (``at``), the next one first.

    Args:
        since: those that were opened before are not looked for.
    """
    first = select(cases.c.id).where(cases.c.province == province, cases.c.opened_at >= since)
    first = first.order_by(cases.c.opened_at, cases.c.id).limit(1)
    query = select(cases.c.number, cases.c.subject, jobs.c.due_at.label("at"))
    query = query.join(jobs, jobs.c.case_id == cases.c.id).where(
        cases.c.province == province, cases.c.report_type == report_type, cases.c.id >= first.scalar_subquery(),
        jobs.c.kind == "timer", jobs.c.state == "ready", jobs.c.due_at > unit.now, access.visible(account),
    )  # fmt: skip
    return unit.all(query.order_by(jobs.c.due_at, cases.c.id).limit(limit))

"""A case's file, as far as somebody may see it: the case, its history, its terms, what was written, who reported.

All of it is found by the case, with statements made once. Whoever shows the whole file has it looked up together
(`ask`), which costs hardly more than one part of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from engine.model import OPEN_TASK, accounts, cases, comments, deadlines, events, outbox, people, tasks
from engine.paging import OfCase, Page
from engine.people import access
from engine.people.access import Account
from engine.privacy import firewall, unmasking
from engine.queries import LIMIT_MAX
from engine.runtime import Unit
from engine.storage.prepared import Prepared

_CASE = bindparam("case")
_EVENTS, _COMMENTS = OfCase(events), OfCase(comments)
_TERMS = Prepared(select(deadlines).where(deadlines.c.case_id == _CASE).order_by(deadlines.c.id))
_LETTERS = Prepared(select(outbox.c.id, outbox.c.agency).where(outbox.c.case_id == _CASE))
_RELATED = Prepared(select(cases.c.id).where(or_(cases.c.id == bindparam("parent"), cases.c.born_of == _CASE)))
_STEPS = Prepared(
    select(tasks.c.id, tasks.c.element, tasks.c.name, tasks.c.group, tasks.c.due_at, tasks.c.created_at,
           tasks.c.handed_by, accounts.c.login.label("assignee"))
    .select_from(tasks.outerjoin(accounts, accounts.c.id == tasks.c.assignee))
    .where(tasks.c.case_id == _CASE, OPEN_TASK)
    .order_by(tasks.c.id)
)  # fmt: skip


def ask(unit: Unit, account: Account, case: Row[Any]) -> None:
    """All of the file will be asked for.

    Args:
        case: its row.
    """
    for statement in (_STEPS, _TERMS, _LETTERS):
        unit.soon(statement, {"case": case.id})
    for listed in (_EVENTS, _COMMENTS):
        listed.ask(unit, case.id, LIMIT_MAX)
    unit.soon(_RELATED, {"case": case.id, "parent": case.born_of})
    firewall.ask(unit, account, case)


def show(unit: Unit, account: Account, number: str) -> dict[str, Any]:
    """A case with its open tasks; what was reported only for who may read it.

    Raises:
        NotFound: there is none, or it does not exist for this account.
    """
    row = access.find(unit, account, "see", number)
    original = select(cases.c.number).where(cases.c.id == row.duplicate_of)
    unit.soon(_RELATED, {"case": row.id, "parent": row.born_of})
    readable = access.allows(account, "read", row, unit)
    words = firewall.over(unit, account, row)(row.report) if readable else row.report
    return dict(row._mapping) | {
        "report": words,
        "readable": readable,
        "tasks": open_steps(unit, row.id),
        "duplicate_of": unit.scalar(original) if row.duplicate_of else None,
        "links": _links(unit, account, row),
    }


def _links(unit: Unit, account: Account, case: Row[Any]) -> list[dict[str, str]]:
    """The case whose process started this one, and those that this one's started, as far as the account may see."""
    related = [row.id for row in unit.known(_RELATED, {"case": case.id, "parent": case.born_of})]
    query = select(cases.c.id, cases.c.number, cases.c.report_type).where(access.visible(account))
    found = unit.all(query.where(cases.c.id.in_(related)).order_by(cases.c.id)) if related else []
    return [
        {"number": one.number, "report_type": one.report_type,
         "relation": "born_of" if one.id == case.born_of else "started"}
        for one in found
    ]  # fmt: skip


def open_steps(unit: Unit, case_id: int) -> list[Row[Any]]:
    """What a case waits for, for whoever may see how far it is."""
    return unit.known(_STEPS, {"case": case_id})


def timeline(unit: Unit, account: Account, number: str, limit: int = 50, after: str | None = None) -> Page:
    """The history of a case, oldest first. Who may not read the case learns what happened when, not what was said."""
    case = access.find(unit, account, "see", number)
    page = _EVENTS.page(unit, case.id, limit, after)
    if access.allows(account, "read", case, unit):
        return Page(firewall.over_rows(firewall.over(unit, account, case), page.items, "data"), page.after)
    return Page([dict(row._mapping) | {"data": {}} for row in page.items], page.after)


def terms(unit: Unit, account: Account, number: str) -> list[Row[Any]]:
    """The deadlines of a case, each with the story of how its due time came about; why it was moved is for readers."""
    case = access.find(unit, account, "see", number)
    rows = unit.known(_TERMS, {"case": case.id})
    if access.allows(account, "read", case, unit):
        return firewall.over_rows(firewall.over(unit, account, case), rows, "story")
    return [firewall.behind(_without_reasons, row, "story") for row in rows]


def _without_reasons(story: Any) -> list[dict[str, Any]]:
    return [{name: said for name, said in entry.items() if name != "reason"} for entry in story]


def list_comments(unit: Unit, account: Account, number: str, limit: int = 50, after: str | None = None) -> Page:
    case = access.find(unit, account, "read", number)
    found = _COMMENTS.page(unit, case.id, limit, after)
    return Page(firewall.over_rows(firewall.over(unit, account, case), found.items, "text"), found.after)


def letters(unit: Unit, case_id: int) -> dict[int, str | None]:
    """The agency that each letter about a case is for, by the letter's id; None: it is for citizens."""
    return {row.id: row.agency for row in unit.known(_LETTERS, {"case": case_id})}


def reveal_people(unit: Unit, account: Account, number: str) -> list[Row[Any]]:
    """Who reported and who needs help: personal data. Looking is itself written into the case's history. Whoever may
    not may for a while if a second person agreed (`engine.privacy.unmasking`).

    Raises:
        NotFound: there is no such case, or it does not exist for this account.
        NotAllowed: its secrecy class does not let this account know.
    """
    case = access.find(unit, account, "see", number)
    granted = None if access.allows(account, "person", case, unit) else unmasking.granted(unit, account, case.id)
    if granted is None:
        access.require(account, "person", case, unit)
    asked = {} if granted is None else {"unmasking": granted}
    unit.record(case.id, "person-viewed", account.login, secrecy=case.secrecy, **asked)
    return unit.all(select(people).where(people.c.case_id == case.id).order_by(people.c.id))

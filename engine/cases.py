"""What people do to a case as a whole: its clock, its agency, its fate.

Every function asks first whether the account may, and answers with the case as it then is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from engine import clocks, instances, messages, model
from engine.errors import InvalidRequest, Suspended, WrongState
from engine.flow.steps import Abandon, Amend, Deliver
from engine.language.texts import local_time
from engine.language.vietnamese import nfc
from engine.packages import Package
from engine.people import access
from engine.people.access import Account
from engine.places import communes
from engine.privacy import keeping
from engine.reasons import checked_reason
from engine.runtime import Unit

COMMENT_MAX = 4_000
FEEDBACK = "phan_hoi"  # the term in which a citizen may say what they think of a result
FEEDBACK_TIME = timedelta(days=10)
JOINED = "T09"  # the text that tells a caller that their report repeats another, where the province or the type has it


def extend(unit: Unit, number: str, until: datetime, reason: str, *, by: Account) -> Row[Any]:
    """*Gia hạn*: a new due time, with a reason.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: no reason, or not a date it may be extended to.
        WrongState: it is paused, settled, or was extended as often as its type allows.
    """
    case = access.find(unit, by, "extend", number, lock=True)
    package = unit.catalogue.pinned(unit, case.definition_id)
    clocks.extend(unit, package, case, until, reason=checked_reason(reason), by=by.login)
    return _now(unit, case.id)


def pause(unit: Unit, number: str, reason: str, *, by: Account) -> Row[Any]:
    """Stop the clock while the case waits for somebody who is not one of us.

    Raises:
        NotFound, NotAllowed, InvalidRequest, WrongState: as for `extend`.
    """
    case = access.find(unit, by, "pause", number, lock=True)
    package = unit.catalogue.pinned(unit, case.definition_id)
    clocks.pause(unit, package, case, reason=checked_reason(reason), by=by.login)
    return _now(unit, case.id)


def resume(unit: Unit, number: str, *, by: Account) -> Row[Any]:
    """Start the clock again.

    Raises:
        NotFound, NotAllowed, WrongState: as for `extend`.
    """
    case = access.find(unit, by, "resume", number, lock=True)
    clocks.resume(unit, unit.catalogue.pinned(unit, case.definition_id), case, by=by.login)
    return _now(unit, case.id)


def reassign(unit: Unit, number: str, agency: str, reason: str, *, by: Account) -> Row[Any]:
    """Make another agency the lead: tasks that go to the lead agency go to it from now on.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: no reason, or no such agency in the province.
        WrongState: the case is closed.
    """
    case = access.find(unit, by, "reassign", number, lock=True)
    communes.of_province(unit, agency, case, unit.today)
    reason = checked_reason(reason)
    _must_run(unit, case)
    if instances.advance(unit, case.id, Amend({"lead_agency": agency}), by=by.login) is not None:
        unit.record(case.id, "reassigned", by.login, agency=agency, was=case.lead_agency, reason=reason)
    return _now(unit, case.id)


def reopen(unit: Unit, number: str, reason: str, *, by: Account) -> Row[Any]:
    """*Phản ánh lại*: it was not solved after all. Possible as long as the process waits for it.

    The process learns which time it is: from the second on it goes one level up (NĐ 20/2008 Đ.17.3).

    Raises:
        NotFound, NotAllowed, InvalidRequest: as for `reassign`.
        WrongState: the case is not settled, or the time for reopening it is over.
    """
    case = access.find(unit, by, "reopen", number, lock=True)
    payload = {"ly_do_phan_anh_lai": checked_reason(reason), "so_lan_phan_anh_lai": case.reopenings + 1}
    if case.closed_at is not None:
        _must_be_in_time(unit, case, case, "reopened")
    try:
        instances.advance(unit, case.id, Deliver(messages.REOPEN, payload), by=by.login)
    except Suspended:
        raise
    except WrongState:
        raise WrongState(
            f"The case {number} cannot be reopened now: send a new report and mention its number."
        ) from None
    return _now(unit, case.id)


def rate(unit: Unit, number: str, stars: int, *, by: Account) -> Row[Any]:
    """What the citizen thinks of the result: 1 to 5, 0 for "not solved" without reopening.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: not 0 to 5.
        WrongState: there is no result yet, or the time for rating it is over.
    """
    case = access.find(unit, by, "rate", number, lock=True)
    if isinstance(stars, bool) or not isinstance(stars, int) or not 0 <= stars <= 5:
        raise InvalidRequest(f"A rating is a whole number from 0 to 5, not {stars!r}.")
    result = joined_to(unit, case) or case
    if result.closed_at is None:
        raise WrongState(f"The case {number} has no result yet that could be rated.")
    _must_be_in_time(unit, case, result, "rated")
    unit.execute(update(model.cases).where(model.cases.c.id == case.id).values(rating=stars))
    unit.record(case.id, "rated", by.login, stars=stars)
    waits = select(model.subscriptions.c.token).where(
        model.subscriptions.c.case_id == case.id, model.subscriptions.c.kind == "message",
        model.subscriptions.c.message == messages.RATING,
    )  # fmt: skip
    if unit.first(waits) is not None:
        instances.advance(unit, case.id, Deliver(messages.RATING, {"danh_gia": stars}), by=by.login)
    return _now(unit, case.id)


def joined_to(unit: Unit, case: Row[Any]) -> Row[Any] | None:
    """The case whose result is this one's, too, if it has been joined to one."""
    if case.duplicate_of is None:
        return None
    return unit.first(select(model.cases).where(model.cases.c.id == case.duplicate_of))


def heard_until(unit: Unit, case: Row[Any]) -> datetime:
    """Until when a citizen can rate the result of a settled case, or say that it is none: the type's term `FEEDBACK`,
    counted from when the case was settled; 10 days where it has none."""
    package = unit.catalogue.pinned(unit, case.definition_id)
    if FEEDBACK not in package.terms:
        return case.closed_at + FEEDBACK_TIME  # type: ignore[no-any-return]
    return package.terms.due(FEEDBACK, case.closed_at, case.severity).due_at


def _must_be_in_time(unit: Unit, case: Row[Any], result: Row[Any], what: str) -> None:
    until = heard_until(unit, result)
    if unit.now >= until:
        late = f"The case {case.number} could be {what} until {local_time(until)}"
        raise WrongState(f"{late}: send a new report and mention its number.")


def merge(unit: Unit, number: str, into: str, *, by: Account) -> Row[Any]:
    """Join a case to the one it repeats. Its process ends; its caller is told so at once, and hears the other's result.

    Raises:
        NotFound, NotAllowed: one of the two is not for this account.
        InvalidRequest: they are of different provinces or types, or the same one.
        WrongState: this one is closed already, or the other is, or is itself a duplicate; or no case of its type is.
    """
    access.hold(unit, number, into)
    original = access.find(unit, by, "merge", into)
    case = access.find(unit, by, "merge", number)
    if original.id == case.id or original.province != case.province:
        raise InvalidRequest(f"{number} cannot be joined to {into}: they must be two cases of one province.")
    if original.duplicate_of is not None:
        raise WrongState(f"{into} is itself a duplicate; join {number} to its original.")
    if original.closed_at is not None:
        raise WrongState(f"{into} is settled: its result has been told. Answer {number} with it instead.")
    _must_run(unit, case)
    package = unit.catalogue.pinned(unit, case.definition_id)
    if not joins(package):
        raise WrongState(f"Cases of the type {case.report_type} are joined to no other: it has no outcome 'trung'.")
    said = {"status": instances.DUPLICATE, "outcome": instances.DUPLICATE, "ma_goc": into}
    step = Abandon(said, JOINED if JOINED in package.texts else "")
    if instances.advance(unit, case.id, step, by=by.login) is not None:
        unit.record(case.id, "merged", by.login, into=into)
        unit.record(original.id, "joined-by", by.login, number=number)
    return _now(unit, case.id)


def joins(package: Package) -> bool:
    """Whether cases of this type may end as duplicates of others."""
    return instances.DUPLICATE in package.type.get("outcomes", {})


def ask(unit: Unit, number: str, question: str, *, by: Account) -> Row[Any]:
    """*Giám sát*: put a question into a running case. Its process goes on, and the answer has its own clock (U-09).

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: there is no question.
        WrongState: the case's process takes no questions now, or the question before is not answered yet: both
            would be one question in the case's data.
    """
    case = access.find(unit, by, "ask", number, lock=True)
    if _is_asked(unit, case.id):
        raise WrongState(f"The case {case.number} is being asked already: ask when that question has been answered.")
    payload = {"cau_hoi": checked_reason(question, "question"), "co_quan_giam_sat": by.agency}
    try:
        moved = instances.advance(unit, case.id, Deliver(messages.QUESTION, payload), by=by.login)
    except Suspended:
        raise
    except WrongState:
        raise WrongState(f"The case {number} takes no questions now: only while it is being handled.") from None
    if moved is not None:
        unit.record(case.id, "asked", by.login, agency=by.agency, question=payload["cau_hoi"],
                    tokens=[task.token for task in moved.opened])  # fmt: skip
    return _now(unit, case.id)


def takes_questions(unit: Unit, case_id: int) -> bool:
    """Whether `ask` would find the process listening, and the question before answered."""
    table = model.subscriptions
    listens = select(table.c.token).where(table.c.case_id == case_id, table.c.message == messages.QUESTION)
    return unit.first(listens) is not None and not _is_asked(unit, case_id)


def _is_asked(unit: Unit, case_id: int) -> bool:
    """Whether a task that the newest question opened is still open."""
    asked = (model.events.c.case_id == case_id, model.events.c.kind == "asked")
    newest = unit.scalar(select(model.events.c.data).where(*asked).order_by(model.events.c.id.desc()).limit(1))
    tokens = (newest or {}).get("tokens", [])
    still_open = (model.tasks.c.case_id == case_id, model.tasks.c.status == "open", model.tasks.c.token.in_(tokens))
    return bool(tokens) and unit.first(select(model.tasks.c.id).where(*still_open)) is not None


def comment(unit: Unit, number: str, text: str, *, public: bool, by: Account) -> int:
    """Add a remark; the citizen sees the public ones.

    Returns:
        The comment's id.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        WrongState: the case was emptied.
        InvalidRequest: it is empty or endless.
    """
    case = keeping.find(unit, by, "comment", number)
    text = nfc(text).strip()
    if not text or len(text) > COMMENT_MAX:
        raise InvalidRequest(f"A comment has 1 to {COMMENT_MAX} characters.")
    return remark(unit, case.id, text, public=public, by=by.login)


def remark(unit: Unit, case_id: int, text: str, *, public: bool, by: str) -> int:
    """Write a remark down, whoever may; returns its id."""
    row = {"case_id": case_id, "at": unit.now, "author": by, "text": text, "public": public}
    made: int = unit.execute(insert(model.comments).returning(model.comments.c.id), row).scalar_one()
    unit.record(case_id, "commented", by, comment=made, public=public)
    return made


def _must_run(unit: Unit, case: Row[Any]) -> None:
    if case.closed_at is not None:
        raise WrongState(f"The case {case.number} is closed.")


def _now(unit: Unit, case_id: int) -> Row[Any]:
    """The case as it is now, which nobody has read before."""
    changed = update(model.cases).where(model.cases.c.id == case_id)
    unit.execute(changed.values(version=model.cases.c.version + 1))
    return unit.first(select(model.cases).where(model.cases.c.id == case_id))  # type: ignore[return-value]

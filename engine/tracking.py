"""The citizen's own door: a case's number and its secret show how far it is, and let its reporter speak.

Whoever guesses is slowed down: wrong secrets are counted per case and per network address. A number that does not exist
and a wrong secret get the same answer.
"""

from __future__ import annotations

import hmac
from typing import Any

from sqlalchemy import Row, func, select

from engine import access, attempts, cases, messages, model, registry
from engine.errors import InvalidRequest, NotFound
from engine.queries import OPEN_TASK
from engine.runtime import Runtime, Unit

COMMENTS_MAX = 200
_NOBODY = "0" * 64


def prove(runtime: Runtime, number: str, secret: str, address: str) -> None:
    """Check a tracking secret, in units of its own.

    Raises:
        NotFound: there is no such case, or this is not its secret.
        TooMany: too many wrong secrets for this case or from this address; ``retry_after`` in seconds.
    """
    subjects = attempts.subjects("track", number, address)
    with runtime.read() as unit:
        attempts.hold_back(unit, subjects)
        row = _case(unit, number)
    if hmac.compare_digest(registry.secret_hash(secret), row.secret_hash if row else _NOBODY):
        return
    with runtime.begin() as unit:
        attempts.note_failure(unit, subjects)
    raise NotFound(f"There is no case {number}, or this is not its secret.")


def show(unit: Unit, number: str) -> dict[str, Any]:
    """What a citizen sees of their case. Call `prove` first.

    ``may`` lists what they may say now: rating, reopen, information.
    """
    case = _case(unit, number)
    package = unit.catalogue.pinned(unit, case.definition_id)
    words = package.status(case.status)
    return {
        "number": case.number, "report_type": package.name, "opened_at": case.opened_at, "due_at": case.due_at,
        "closed_at": case.closed_at, "paused": case.paused_at is not None, "rating": case.rating,
        "status": _filled(unit, words.get("citizen") or words.get("vi") or case.status, case),
        "open311": words.get("open311", "open"), "agency": _agency(unit, case.lead_agency),
        "steps": [row.name for row in _open_tasks(unit, case.id)], "comments": _public_comments(unit, case.id),
        "told": _told(unit, case.id), "may": _may(unit, case),
    }  # fmt: skip


def say(unit: Unit, number: str, kind: str, *, stars: int | None = None, text: str | None = None) -> None:
    """Let the citizen speak. Call `prove` first.

    Args:
        kind: rating (with ``stars``, 0 to 5), reopen or information (with ``text``).

    Raises:
        InvalidRequest: what belongs to the kind is missing.
        WrongState: the case is not in a state for it.
    """
    by = access.citizen(number)
    if kind == "rating":
        if stars is None:
            raise InvalidRequest("A rating needs stars, 0 to 5.", field="stars")
        cases.rate(unit, number, stars, by=by)
        return
    if not text:
        raise InvalidRequest(f"Say in 'text' what the {kind} is about.", field="text")
    if kind == "reopen":
        cases.reopen(unit, number, text, by=by)
        return
    cases.comment(unit, number, text, public=True, by=by)
    if _awaits(unit, number, messages.MORE_INFORMATION):
        messages.deliver(unit, messages.MORE_INFORMATION, {"noi_dung_bo_sung": text}, number, by=by)


def _case(unit: Unit, number: str) -> Row[Any] | None:
    return unit.first(select(model.cases).where(model.cases.c.number == number))


def _open_tasks(unit: Unit, case_id: int) -> list[Row[Any]]:
    table = model.tasks
    return unit.all(select(table.c.name).where(table.c.case_id == case_id, OPEN_TASK).order_by(table.c.id))


def _public_comments(unit: Unit, case_id: int) -> list[Row[Any]]:
    table = model.comments
    public = select(table.c.at, table.c.text, (table.c.author == "citizen").label("mine"))
    public = public.where(table.c.case_id == case_id, table.c.public)
    return unit.all(public.order_by(table.c.id.desc()).limit(COMMENTS_MAX))[::-1]


def _told(unit: Unit, case_id: int) -> list[dict[str, Any]]:
    """What we sent to the people of the case, and when; the text itself, never the address."""
    table = model.outbox
    query = select(table.c.kind, table.c.payload, table.c.created_at, table.c.sent_at)
    rows = unit.all(query.where(table.c.case_id == case_id, table.c.person_id.is_not(None)).order_by(table.c.id))
    return [{"channel": row.kind, "text": row.payload.get("text", ""), "at": row.sent_at or row.created_at,
             "sent": row.sent_at is not None} for row in rows]  # fmt: skip


def _agency(unit: Unit, key: str | None) -> str | None:
    return unit.scalar(select(model.agencies.c.name).where(model.agencies.c.key == key)) if key else None


def _filled(unit: Unit, words: str, case: Row[Any]) -> str:
    """ "Đã chuyển {don_vi}" with the agency's name."""
    return words.replace("{don_vi}", _agency(unit, case.lead_agency) or "đơn vị xử lý").replace("{ma}", case.number)


def _may(unit: Unit, case: Row[Any]) -> list[str]:
    may = ["information"]
    if case.closed_at is not None:
        may.append("rating")
    if _awaits(unit, case.number, messages.REOPEN):
        may.append("reopen")
    return may


def _awaits(unit: Unit, number: str, message: str) -> bool:
    table = model.subscriptions
    waits = select(func.count()).select_from(table.join(model.cases))
    return bool(unit.scalar(waits.where(model.cases.c.number == number, table.c.message == message)))

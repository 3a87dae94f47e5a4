"""The citizen's own door: a case's number and its secret show how far it is, and let its reporter speak.

Whoever guesses is slowed down: wrong secrets are counted per case and per network address. A number that does not exist
and a wrong secret get the same answer.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from engine import casefile, cases, messages, model, registry
from engine.errors import InvalidRequest, NotFound
from engine.files import attachments
from engine.files.attachments import Stored
from engine.language.masks import known, masked
from engine.packages import Package
from engine.people import access, attempts
from engine.places import agency_changes
from engine.privacy import keeping
from engine.queues.outbox import CALL
from engine.runtime import Runtime, Unit
from engine.storage.prepared import Prepared

COMMENTS_MAX = 200
_NOBODY = "0" * 64
_SENT = model.outbox.c
_TOLD = Prepared(
    select(_SENT.kind, _SENT.payload, _SENT.created_at, _SENT.sent_at, _SENT.state)
    .where(_SENT.case_id == bindparam("case"), _SENT.person_id.is_not(None))
    .where(_SENT.topic != CALL)
    .order_by(_SENT.id)
)


def prove(runtime: Runtime, number: str, secret: str, address: str) -> None:
    """Check a tracking secret, in units of its own.

    Raises:
        NotFound: there is no such case, or this is not its secret.
        TooMany: too many wrong secrets for this case or from this address; ``retry_after`` in seconds.
    """
    subjects = attempts.subjects("track", number, address)
    with runtime.read() as unit:
        row = _case(unit, number)
        if hmac.compare_digest(registry.secret_hash(secret), row.secret_hash if row else _NOBODY):
            return  # however often others were wrong: numbers are no secret, and nobody guesses 96 bits
        attempts.hold_back(unit, subjects)
    with runtime.begin() as unit:
        attempts.note_failure(unit, subjects)
    raise NotFound(f"There is no case {number}, or this is not its secret.")


def show(unit: Unit, number: str) -> dict[str, Any]:
    """What a citizen sees of their case. Call `prove` first.

    ``may`` lists what they may say now: rating, reopen, information. ``awaited`` says whether the case waits for
    information, ``settled`` whether there is a result, its own or that of the case it was joined to.
    ``progress`` is how far it is on the diagram's main road (`engine.flow.road`), if it is on it: the
    number of the step, of how many at most, its name, when it is due, and the names of all. ``called`` says it by
    language: the status, the open steps, and the road.
    """
    case = _there(unit, number)
    package = unit.catalogue.pinned(unit, case.definition_id)
    open_tasks = casefile.open_steps(unit, case.id)
    words = package.status(case.status)
    return {
        "number": case.number, "report_type": package.name, "opened_at": case.opened_at, "due_at": case.due_at,
        "closed_at": case.closed_at, "paused": case.paused_at is not None, "rating": case.rating,
        "status": _filled(unit, words.get("citizen") or words.get("vi") or case.status, case),
        "called": _called(unit, case, package, open_tasks),
        "open311": words.get("open311", "open"), "agency": _agency(unit, case),
        "steps": [row.name for row in open_tasks], "comments": _public_comments(unit, case.id),
        "told": told(unit, case.id), "may": may(unit, number),
        "settled": (cases.joined_to(unit, case) or case).closed_at is not None,
        "awaited": _awaits(unit, number, messages.MORE_INFORMATION),
        "progress": None if case.closed_at else progress(package, open_tasks),
        "files": _files(unit, case.id),
    }  # fmt: skip


def may(unit: Unit, number: str) -> list[str]:
    """What the citizen may say now: information, rating, reopen."""
    case = _there(unit, number)
    result = cases.joined_to(unit, case) or case
    if result.closed_at is None or unit.now >= cases.heard_until(unit, result):
        return ["information"]
    reopens = _awaits(unit, result.number, messages.REOPEN)
    return ["information", "rating", *(["reopen"] if reopens else [])]


def say(
    unit: Unit, number: str, kind: str, *, stars: int | None = None, text: str | None = None,
    files: Iterable[tuple[Stored, str]] = (),
) -> None:  # fmt: skip
    """Let the citizen speak. Call `prove` first.

    Args:
        kind: rating (with ``stars``, 0 to 5), reopen or information (with ``text``). What is said of a case that was
            joined to another is put to whoever works on that one, too; its own reporter does not see it.
        files: what comes with an information, each with its name.

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
        _reopen(unit, number, text)
        return
    cases.comment(unit, number, text, public=True, by=by)
    for stored, name in files:
        attachments.add(unit, number, stored, name, by=by)
    if _awaits(unit, number, messages.MORE_INFORMATION):
        messages.deliver(unit, messages.MORE_INFORMATION, {"noi_dung_bo_sung": text}, number, by=by)
    original = cases.joined_to(unit, _there(unit, number))
    if original is not None:
        held = keeping.find(unit, access.citizen(original.number), "comment", original.number)
        said = f"{number}: {_unnamed(unit, number, text)}"  # however long it is now
        cases.remark(unit, held.id, said, public=False, by=access.CITIZEN)


def _reopen(unit: Unit, number: str, text: str) -> None:
    """Whoever was joined to another's case is told its result, and may say that it is none."""
    original = cases.joined_to(unit, _there(unit, number))
    if original is None:
        cases.reopen(unit, number, text, by=access.citizen(number))
        return
    said = _unnamed(unit, number, text)
    cases.reopen(unit, original.number, said, by=access.citizen(original.number))
    unit.record(original.id, "reopened-by", "citizen", number=number)


def _unnamed(unit: Unit, number: str, text: str) -> str:
    """What the people of a case say in another one: that one's veil, and its emptying, do not know who they are."""
    table, case = model.people, _there(unit, number)
    return masked(text, known(unit.all(select(table).where(table.c.case_id == case.id))))


def _there(unit: Unit, number: str) -> Row[Any]:
    case = _case(unit, number)
    assert case is not None  # proven
    return case


def _case(unit: Unit, number: str) -> Row[Any] | None:
    return unit.first(select(model.cases).where(model.cases.c.number == number))


def progress(package: Package, open_tasks: list[Row[Any]]) -> dict[str, Any] | None:
    """How far a case is on the main road, by the one of its open tasks that is farthest; None beside the road."""
    road = package.road
    numbers = {stop.element: number for number, stop in enumerate(road, 1)}
    here = [task for task in open_tasks if task.element in numbers]
    if not here:
        return None
    task = max(here, key=lambda one: numbers[one.element])
    return {"step": numbers[task.element], "of": len(road), "name": task.name, "due_at": task.due_at,
            "road": [stop.name for stop in road]}  # fmt: skip


def _called(unit: Unit, case: Row[Any], package: Package, open_tasks: list[Row[Any]]) -> dict[str, Any]:
    words = package.status(case.status)
    status = {"vi": words.get("citizen") or words.get("vi") or case.status, "en": words.get("citizen_en")}
    steps = {row.element: package.step_name(row.element, row.name) for row in open_tasks}
    return {
        "status": {key: _filled(unit, str(said), case, key) for key, said in status.items() if said},
        "steps": list(steps.values()),
        "road": [steps.get(stop.element) or package.step_name(stop.element, stop.name) for stop in package.road],
    }


def _files(unit: Unit, case_id: int) -> list[Row[Any]]:
    """What the citizen has sent along; of what agencies keep, nothing."""
    table = model.attachments
    columns = (table.c.at, table.c.name, table.c.size)
    mine = select(*columns).where(table.c.case_id == case_id, table.c.author == access.CITIZEN)
    return unit.all(mine.order_by(table.c.id))


def _public_comments(unit: Unit, case_id: int) -> list[Row[Any]]:
    table = model.comments
    public = select(table.c.at, table.c.text, (table.c.author == "citizen").label("mine"))
    public = public.where(table.c.case_id == case_id, table.c.public)
    return unit.all(public.order_by(table.c.id.desc()).limit(COMMENTS_MAX))[::-1]


def told(unit: Unit, case_id: int) -> list[dict[str, Any]]:
    """What we sent to the people of the case, and when; the text itself, never the address."""
    return [{"channel": row.kind, "text": row.payload.get("text", ""), "at": row.sent_at or row.created_at,
             "sent": row.sent_at is not None, "given_up": row.state == "dead"}
            for row in unit.known(_TOLD, {"case": case_id})]  # fmt: skip


def ask_told(unit: Unit, case_id: int) -> None:
    """`told` will be asked for this."""
    unit.soon(_TOLD, {"case": case_id})


def _agency(unit: Unit, case: Row[Any]) -> str | None:
    """The lead agency, by the name it had when it settled the case."""
    return agency_changes.name_at(unit, case.lead_agency, case.closed_at)


def _filled(unit: Unit, words: str, case: Row[Any], language: str = "vi") -> str:
    """ "Đã chuyển {don_vi}" with the agency's name."""
    nobody = {"vi": "đơn vị xử lý", "en": "the agency in charge"}[language]
    return words.replace("{don_vi}", _agency(unit, case) or nobody).replace("{ma}", case.number)


def _awaits(unit: Unit, number: str, message: str) -> bool:
    table = model.subscriptions
    waits = select(func.count()).select_from(table.join(model.cases))
    mine = (model.cases.c.number == number, table.c.kind == "message", table.c.message == message)
    return bool(unit.scalar(waits.where(*mine)))

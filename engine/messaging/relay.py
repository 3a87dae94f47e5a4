"""A handler writes to whoever reported, and sees neither number nor name: the hotline sends it, by the way they came.

What they answer comes in by the same way, and stands in the case like everything they add, behind the veil.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import Row, bindparam, literal_column, select

from engine import mail
from engine.errors import InvalidRequest, WrongState
from engine.language.vietnamese import nfc, plain
from engine.model import cases, people
from engine.model import outbox as table
from engine.people import access
from engine.people.access import Account
from engine.queues import outbox
from engine.runtime import Unit
from engine.storage.prepared import Prepared
from engine.terms.calendar import ZONE

LONGEST = 480  # letters
A_DAY = 5  # messages, for one case, from midnight to midnight in Vietnam
TOPIC = "relay"
_REPORTER = Prepared(
    select(people, cases.c.channel)
    .select_from(people.join(cases))
    .where(people.c.case_id == bindparam("case"), people.c.part == literal_column("'reporter'"))
)
_LATELY = Prepared(
    select(table.c.answer, table.c.created_at)
    .where(table.c.case_id == bindparam("case"), table.c.topic == bindparam("topic"))
    .where(table.c.created_at >= bindparam("since"))
)


def write(unit: Unit, number: str, text: str, *, by: Account) -> str:
    """Owe the reporter a message; returns the kind of way it goes.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: it is empty or endless.
        WrongState: nobody can be reached, or they have been written to often enough today.
    """
    case = access.find(unit, by, "relay", number, lock=True)
    text = nfc(text).strip()
    if not 0 < len(text) <= LONGEST:
        raise InvalidRequest(f"A message has 1 to {LONGEST} letters.", field="text")
    reporter, kind = _reporter(unit, case.id)
    if reporter is None or kind is None:
        raise WrongState(f"Whoever reported {number} left no way to be reached.")
    if _left(unit, case.id) <= 0:
        raise WrongState(f"They have been written to {A_DAY} times today: wait until tomorrow.")
    words = f"{number}: {text}"
    payload = {"text": plain(words) if kind == "sms" else words}
    outbox.put(unit, case.id, kind, TOPIC, 0, payload, f"{number}:relay:{uuid4().hex}", person_id=reporter.id)
    unit.record(case.id, "relayed", by.login, channel=kind, text=TOPIC)
    return kind


def way(unit: Unit, case_id: int) -> tuple[str | None, int]:
    """By which kind of way whoever reported is written to, never to whom, and how many messages are left today."""
    return _reporter(unit, case_id)[1], _left(unit, case_id)


def _reporter(unit: Unit, case_id: int) -> tuple[Row[Any] | None, str | None]:
    reporter = unit.first(_REPORTER, {"case": case_id})
    return reporter, mail.way_to(reporter) if reporter is not None else None


def _left(unit: Unit, case_id: int) -> int:
    return A_DAY - len(today(unit, case_id, TOPIC))


def today(unit: Unit, case_id: int, topic: str) -> list[Row[Any]]:
    """What was owed to whoever reported a case, about this, since midnight in Vietnam."""
    midnight = unit.now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return unit.all(_LATELY, {"case": case_id, "topic": topic, "since": midnight})

"""What somebody tells us in writing, and which case it belongs to.

In this order: more for the case they name, if it is theirs and open; the answer to what a case of theirs asks; a rating
(0: it is not solved), if that is all they say and a case waits for one; more for the conversation that they began
within the last day; else a conversation of its own, a case of the type that ``message_type`` in province.toml names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select

from engine import contacts, intake, messages
from engine.cases import COMMENT_MAX
from engine.channels import fetches
from engine.errors import WrongState
from engine.language.vietnamese import nfc
from engine.model import cases, people, provinces, subscriptions
from engine.people import access
from engine.people.access import Account
from engine.privacy import persons
from engine.public import tracking
from engine.runtime import Unit

CONVERSATION = timedelta(days=1)
NOT_SOLVED = "Trả lời 0: chưa được giải quyết"
_STARS = re.compile(r"[0-5]\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")


@dataclass(frozen=True)
class Heard:
    """What somebody told us, by whatever channel.

    Attributes:
        who: with their address on the channel in the field of the channel's name (zalo, facebook, viber, email).
        links: where pictures, files and places they sent can be seen; they are kept with the words.
        files: those of the links that lead to a file: it is fetched, before the link expires.
        number: the case they say it belongs to, as far as the channel shows.
        begins: whether the channel shows what belongs together, and this is no part of what was said before.
    """

    who: intake.Person
    text: str = ""
    subject: str = ""
    links: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    number: str | None = None
    begins: bool = False

    def take(self, unit: Unit, arrival: Any) -> Taken | None:
        """As `take` says."""
        return take(unit, arrival, self)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it; ``case_id`` ``None``: it was only counted."""

    case_id: int | None
    contact_id: int


def take(unit: Unit, arrival: Any, heard: Heard) -> Taken | None:
    """Give what was heard to the case it belongs to, or make one of it. ``None``: nothing was said.

    Args:
        arrival: its row of `arrivals`.

    Raises:
        WrongState: the province has no report type for messages.
        EngineError: whatever the doors of the engine refuse.
    """
    pieces = _pieces(heard)
    if not pieces:
        return None
    by = access.channel(arrival.channel, arrival.province)
    _one_at_a_time(unit, arrival, heard)
    noted = {"channel": arrival.channel, "call_id": arrival.event_id, "started_at": arrival.received_at}
    contact = contacts.begin(unit, arrival.province, noted, by=by)
    found, stars = _belongs(unit, arrival, heard, pieces)
    if found is None:
        case_id = _opened(unit, arrival, heard, pieces, contact, by)
        fetches.owe(unit, case_id, heard.files)
        return Taken(case_id, contact.id)
    fetches.owe(unit, found.id, heard.files)
    if stars == 0 and "reopen" in tracking.may(unit, found.number):
        tracking.say(unit, found.number, "reopen", text=NOT_SOLVED)
    elif stars is not None:
        tracking.say(unit, found.number, "rating", stars=stars)
    else:
        for piece in pieces:
            tracking.say(unit, found.number, "information", text=piece)
    became = {"contact": contact.id, "of_province": arrival.province, "case": found.id, "who": by.login}
    unit.write(contacts.BECAME_A_CASE, became)
    return Taken(found.id, contact.id)


def _belongs(unit: Unit, arrival: Any, heard: Heard, pieces: list[str]) -> tuple[Row[Any] | None, int | None]:
    """The case it belongs to, and the rating if it is one."""
    theirs, stars = _theirs(arrival, heard), _stars(pieces)
    if heard.number is not None:  # never more than a hint: only a case of their own is added to
        theirs_too = theirs.where(cases.c.number == heard.number)
        named = unit.first(theirs_too.where(cases.c.closed_at.is_(None)))
        if named is not None:
            return named, None
        if stars is not None and (settled := _that_may_be_rated(unit, theirs_too, stars)) is not None:
            return settled, stars
    asked = None if heard.begins else unit.first(_awaiting(theirs, messages.MORE_INFORMATION))
    if asked is not None:
        return asked, None
    if stars is not None and (settled := _that_may_be_rated(unit, theirs, stars)) is not None:
        return settled, stars
    if heard.begins:
        return None, None
    begun = (cases.c.report_type == _message_type(unit, arrival), cases.c.closed_at.is_(None),
             cases.c.opened_at > unit.now - CONVERSATION)  # fmt: skip
    return unit.first(theirs.where(*begun)), None


def _stars(pieces: list[str]) -> int | None:
    """T06 asks for 1 to 5, and for 0 if it is not solved."""
    return int(pieces[0]) if len(pieces) == 1 and _STARS.match(pieces[0]) else None


def _that_may_be_rated(unit: Unit, theirs: Any, stars: int) -> Row[Any] | None:
    """The case whose process waits for it; else, as one answered at once, their newest that is closed. But nobody would
    read there that it is not solved (0): the desk shall."""
    settled = unit.first(_awaiting(theirs, messages.RATING))
    if settled is None and stars:
        settled = unit.first(theirs.where(cases.c.closed_at.is_not(None)))
    return settled if settled is not None and "rating" in tracking.may(unit, settled.number) else None


def _theirs(arrival: Any, heard: Heard) -> Any:
    """The cases of whoever wrote, newest first."""
    field = _field(arrival.channel)
    mine = select(cases.c.id, cases.c.number).join(people, people.c.case_id == cases.c.id)
    mine = mine.where(persons.known_by(field, getattr(heard.who, field)), people.c.part == "reporter")
    return mine.where(cases.c.province == arrival.province).order_by(cases.c.id.desc()).limit(1)


def _field(channel: str) -> str:
    """Where people's addresses on a channel are kept."""
    return "phone" if channel == "sms" else channel


def _awaiting(theirs: Any, message: str) -> Any:
    waits = select(subscriptions.c.case_id).where(subscriptions.c.kind == "message", subscriptions.c.message == message)
    return theirs.where(cases.c.id.in_(waits) | cases.c.duplicate_of.in_(waits))


def _opened(unit: Unit, arrival: Any, heard: Heard, pieces: list[str], contact: Row[Any], by: Account) -> int:
    report = intake.Report(
        _message_type(unit, arrival), {"noi_dung": pieces[0]}, arrival.channel,
        reporter=heard.who, contact=contact.id, subject=heard.subject,
    )  # fmt: skip
    receipt = intake.receive(unit, report, by=by)
    for piece in pieces[1:]:
        tracking.say(unit, receipt.number, "information", text=piece)
    return receipt.case_id


def _message_type(unit: Unit, arrival: Any) -> str:
    settings = unit.scalar(select(provinces.c.settings).where(provinces.c.code == arrival.province))
    if "message_type" not in settings:
        raise WrongState(f"The province {arrival.province} has no type for messages: message_type in province.toml.")
    return str(settings["message_type"])


def _pieces(heard: Heard) -> list[str]:
    """The words and links, in pieces that a form or a comment can hold; nothing of a long message is lost."""
    words = _CONTROL.sub(" ", nfc("\n".join([heard.text, *heard.links]))).strip()
    cut = (words[start : start + COMMENT_MAX].strip() for start in range(0, len(words), COMMENT_MAX))
    return [piece for piece in cut if piece]


def _one_at_a_time(unit: Unit, arrival: Any, heard: Heard) -> None:
    """Hold back what the same person says at the same moment, so that both do not begin a conversation. SQLite has only
    one writer anyway."""
    if unit.locks_rows:
        who = f"{arrival.province}:{arrival.channel}:{getattr(heard.who, _field(arrival.channel))}"
        unit.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(who, 0))))

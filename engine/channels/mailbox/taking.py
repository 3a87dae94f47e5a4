"""What becomes of a letter: a case, a word about the case that it answers, or only a contact.

Letters of programs are counted and kept, and nothing answers them. Whose case it is shows the sender's address: a
letter that names a case of somebody else is one like any other, and tells its sender nothing of that case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import Row, func, select

from engine import contacts, intake
from engine.channels import arrivals, conversations
from engine.channels.arrivals import Event, Readers
from engine.channels.conversations import Heard, Taken
from engine.channels.mailbox.letter import Bounce, File, Letter, identity, read
from engine.channels.mailbox.postman import Keep
from engine.errors import InvalidRequest
from engine.files import attachments
from engine.files.attachments import Store, Stored
from engine.model import accounts, agencies, cases, people
from engine.model import contacts as contacts_table
from engine.model import outbox as outbox_table
from engine.notifiers import smtp
from engine.people import access
from engine.privacy import persons
from engine.queues import outbox
from engine.runtime import Runtime, Unit

CHANNEL = "email"
FROM_ONE_SENDER = 20  # letters within `WITHIN`; what comes beyond is a loop, or somebody who does not want an answer
WITHIN = timedelta(hours=1)
_NUMBER = re.compile(r"\b1022\.[A-Z]{1,6}\.\d{8}\.\d{5,9}\b")
_WITHOUT_WORDS = "(Thư không có chữ)"


@dataclass(frozen=True)
class Posted:
    """A letter that has come in, and where its files are kept.

    Attributes:
        largest: bytes of a file.
    """

    letter: Letter
    store: Store
    largest: int

    def take(self, unit: Unit, arrival: Row[Any]) -> Taken | None:
        """Understand it; `engine.channels.arrivals` says when."""
        if self.letter.bounce is not None:
            _bounced(unit, self.letter.bounce)
        if (why := self._unanswered(unit, arrival)) is not None:
            return _only_counted(unit, arrival, why)
        kept, refused = self._files()
        heard = self._heard(unit, refused)
        taken = conversations.take(unit, arrival, heard)
        if taken is not None:
            _attach(unit, taken.case_id, kept)
        return taken

    def _unanswered(self, unit: Unit, arrival: Row[Any]) -> str | None:
        if self.letter.automatic is not None:
            return f"Thư tự động ({self.letter.automatic})"
        if self.letter.message_id and _sent(unit, self.letter.message_id) is not None:
            return "Thư của chính tổng đài"
        if _lately(unit, arrival.province, self.letter.sender) >= FROM_ONE_SENDER:
            return "Quá nhiều thư từ một địa chỉ"
        return None

    def _heard(self, unit: Unit, refused: list[str]) -> Heard:
        letter = self.letter
        text = letter.text or letter.subject or _WITHOUT_WORDS
        if refused:
            text += f"\n\n(Tệp không nhận được: {', '.join(refused)})"
        who = intake.Person(name=letter.name or None, email=letter.sender)
        return Heard(who, text, letter.subject, number=_named(unit, letter), begins=True)

    def _files(self) -> tuple[list[tuple[File, Stored]], list[str]]:
        """What is kept, and the names of what is not."""
        kept, refused = [], list(self.letter.left_out)
        for file in self.letter.files:
            try:
                kept.append((file, self.store.put(BytesIO(file.content), self.largest)))
            except InvalidRequest:
                refused.append(file.name)
        return kept, [name[: attachments.NAME_MAX] for name in refused]


def reader(store: Store, largest: int) -> Any:
    """What `engine.channels.arrivals` reads letters with.

    Args:
        largest: bytes of a file.
    """
    return lambda raw: Posted(read(raw), store, largest)


def keeper(runtime: Runtime, readers: Readers) -> Keep:
    """What a postman keeps letters with. Should understanding one fail, a worker tries again."""

    def keep(province: str, raw: bytes) -> None:
        for arrival_id in arrivals.put(runtime, province, CHANNEL, [Event(identity(raw), raw)]):
            arrivals.attempt(runtime, arrival_id, readers)

    return keep


def _named(unit: Unit, letter: Letter) -> str | None:
    """The case that a letter says it is about, by what it answers or by its subject; anybody can say so."""
    for answered in letter.answers:
        if (row := _sent(unit, answered)) is not None:
            return str(unit.scalar(select(cases.c.number).where(cases.c.id == row.case_id)))
    found = _NUMBER.search(letter.subject)
    return found[0] if found else None


def _sent(unit: Unit, message_id: str) -> Row[Any] | None:
    """The row of the outbox that a letter of ours was made from."""
    key = smtp.key_of(message_id)
    row = unit.first(select(outbox_table).where(outbox_table.c.key == key)) if key else None
    return row if row is not None and row.kind == CHANNEL and row.reference in (None, message_id) else None


def _bounced(unit: Unit, bounce: Bounce) -> None:
    """Only a report that knows whom we wrote to is believed: anybody can write one."""
    row = _sent(unit, bounce.original)
    if row is None:
        return
    address = unit.scalar(
        select(people.c.email).where(people.c.id == row.person_id) if row.person_id is not None
        else select(accounts.c.email).where(accounts.c.id == row.account_id) if row.account_id is not None
        else select(agencies.c.email).where(agencies.c.key == row.agency)
    )  # fmt: skip
    if address and address.lower() in bounce.recipients:
        outbox.came_back(unit, row, f"the letter came back: {bounce.status or 'undeliverable'}")


def _lately(unit: Unit, province: str, sender: str) -> int:
    theirs = persons.cases_of("email", sender).where(people.c.part == "reporter")
    came = select(func.count()).where(contacts_table.c.case_id.in_(theirs), contacts_table.c.province == province)
    return int(unit.scalar(came.where(contacts_table.c.started_at > unit.now - WITHIN)))


def _only_counted(unit: Unit, arrival: Row[Any], why: str) -> Taken:
    by = access.channel(arrival.channel, arrival.province)
    noted = {"channel": arrival.channel, "call_id": arrival.event_id, "started_at": arrival.received_at}
    return Taken(None, contacts.begin(unit, arrival.province, noted | {"outcome": "refused", "topic": why}, by=by).id)


def _attach(unit: Unit, case_id: int, kept: list[tuple[File, Stored]]) -> None:
    number = str(unit.scalar(select(cases.c.number).where(cases.c.id == case_id)))
    for file, stored in kept:
        attachments.add(unit, number, stored, file.name, by=access.citizen(number))

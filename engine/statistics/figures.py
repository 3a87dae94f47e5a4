"""The figures of a day or any period, in the shape the hotlines publish them, and their balance.

Every contact falls on exactly one line, so the lines of a period add up to its contacts. What had ended without anybody
saying how is a line of its own: as long as there is one, the report is out of balance and says by how much. (Hà Nội's
6,107 calls of 3/9/2021 leave 1,581 unexplained.) Contacts and cases are never mixed: a case counts by the contact that
opened it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, union_all

from engine import branches
from engine.directory import list_agencies
from engine.errors import InvalidRequest
from engine.model import cases, contacts, provinces
from engine.paging import Page, page, read_cursor
from engine.people import access
from engine.people.access import NAMED_ONLY, Account, Target
from engine.runtime import Unit
from engine.sql import local_hour

AT_ONCE = "giai_dap_ngay"  # the outcome of a case that the desk answered in the call (C.0)
NEVER_REACHED = "nho"  # and of a missed call whose caller could not be reached again
NAMES = {
    "answered": "Giải đáp, xử lý, tư vấn trực tiếp",
    "transferred": "Chuyển sở, ngành, quận, huyện, thị xã",
    "open": "Đang xử lý tại tổng đài",
    "missed": "Nhỡ, bỏ dở",
    "refused": "Từ chối, trùng, gọi nhầm",
    "complaints": "Khiếu nại, tố cáo (không tính là phản ánh, kiến nghị)",
    "unknown": "Kết thúc mà không rõ kết quả",
}
OUT_NAMES = {"calls_out": "Cuộc gọi ra chủ động", "consultations": "Lượt tư vấn qua cuộc gọi ra"}
TOPICS_SHOWN = 10

_of_case = contacts.c.case_id.is_not(None)
LINE: ColumnElement[str] = case(
    (and_(_of_case, cases.c.secrecy == NAMED_ONLY), "complaints"),
    (contacts.c.outcome == "answered", "answered"),
    (and_(_of_case, cases.c.outcome == AT_ONCE), "answered"),
    (and_(_of_case, cases.c.outcome == NEVER_REACHED), "missed"),
    (and_(_of_case, cases.c.lead_agency.is_not(None)), "transferred"),
    (and_(_of_case, cases.c.closed_at.is_(None)), "open"),
    (_of_case, "refused"),
    (contacts.c.outcome == "missed", "missed"),
    (contacts.c.outcome.in_(("refused", "duplicate", "wrong_number")), "refused"),
    (contacts.c.ended_at.is_(None), "open"),
    else_="unknown",
)
_ADVISED = contacts.c.outcome.in_(("answered", "case"))


@dataclass(frozen=True)
class Lines:
    """How many contacts came in, and on which line each fell."""

    received: int = 0
    answered: int = 0
    transferred: int = 0
    open: int = 0
    missed: int = 0
    refused: int = 0
    complaints: int = 0
    unknown: int = 0

    @property
    def unexplained(self) -> int:
        """What is missing from the sum of the outcomes: 0 in a balanced report."""
        said = self.answered + self.transferred + self.open + self.missed + self.refused + self.complaints
        return self.received - said


@dataclass(frozen=True)
class Figures:
    """A period's report (F.1).

    Attributes:
        name: of the province.
        since: when ``cumulative`` begins; ``None``: it was not asked for.
        by_agency: (key of who took the contact, its name, lines); a key of ``None``: nobody did, or nobody said so.
        by_key: (key, what it meant when the period ended, lines), in the order of the keys.
        topics: (in a few words, how often), most frequent first; of what was refused, none.
        calls_out, consultations: calls that the hotline made, and those of them in which somebody was advised.
    """

    province: str
    name: str
    begins: datetime
    ends: datetime
    lines: Lines
    by_key: Sequence[tuple[str, str | None, Lines]]
    by_channel: Sequence[tuple[str, Lines]]
    by_agency: Sequence[tuple[str | None, str | None, Lines]]
    topics: Sequence[tuple[str, int]]
    calls_out: int
    consultations: int
    since: datetime | None = None
    cumulative: Lines = field(default_factory=Lines)


def report(
    unit: Unit, account: Account, province: str, begins: datetime, ends: datetime, since: datetime | None = None,
    branch: str | None = None,
) -> Figures:  # fmt: skip
    """The figures of the contacts that began from ``begins`` on and before ``ends``.

    Args:
        since: count everything from then until ``ends``, too. All aware.
        branch: count only those of this key.

    Raises:
        NotAllowed: the account may not count this province's contacts, or (of one key) not see exact figures.
        InvalidRequest: the period is none.
    """
    access.require(account, "count" if branch is None else "figure", Target(province), unit)
    if ends <= begins or (since is not None and since > begins):
        raise InvalidRequest("A period begins before it ends, and what is counted since a date begins no later.")
    came = _came(province, begins, ends, branch=branch)
    keys = {row.key: row.name for row in branches.at(unit, province, ends)}
    named = {row.key: row.name for row in list_agencies(unit, province)}
    by_key = _grouped(unit, contacts.c.branch, came)
    out = _came(province, begins, ends, "out", branch)
    counts = unit.first(select(func.count(), func.count().filter(_ADVISED)).select_from(contacts).where(out))
    calls_out, consultations = counts or (0, 0)
    return Figures(
        province, str(unit.scalar(select(provinces.c.name).where(provinces.c.code == province))), begins, ends,
        _lines(unit, came),
        [(key, keys.get(key), lines) for key, lines in by_key if key is not None],
        [(str(channel), lines) for channel, lines in _grouped(unit, contacts.c.channel, came)],
        [(key, named.get(key), lines) for key, lines in _grouped(unit, contacts.c.agency, came)],
        _topics(unit, came), calls_out, consultations, since,
        _lines(unit, _came(province, since, ends, branch=branch)) if since else Lines(),
    )  # fmt: skip


def by_hour(
    unit: Unit, account: Account, province: str, begins: datetime, ends: datetime, branch: str | None = None
) -> list[tuple[str, Lines]]:
    """The contacts of a period by the Vietnamese hour, "00" to "23", in which they began.

    Raises:
        NotAllowed: the account may not see exact figures.
    """
    access.require(account, "figure", Target(province), unit)
    found = dict(_grouped(unit, local_hour(contacts.c.started_at), _came(province, begins, ends, branch=branch)))
    return [(hour, found.get(hour, Lines())) for hour in (f"{number:02d}" for number in range(24))]


def behind(
    unit: Unit, account: Account, province: str, begins: datetime, ends: datetime, *, line: str | None = None,
    branch: str | None = None, channel: str | None = None, agency: str | None = None, hour: str | None = None,
    topic: str | None = None, limit: int = 50, after: str | None = None,
) -> Page:  # fmt: skip
    """The contacts behind a figure, oldest first, each with the number of its case if there is one.

    Args:
        line: of the report, or one of `OUT_NAMES`.
        agency: who took them; "" for those that nobody did.

    Raises:
        NotAllowed, InvalidRequest: as for `report`; or there is no such line.
    """
    access.require(account, "contact", Target(province), unit)
    if line is not None and line not in NAMES and line not in OUT_NAMES:
        raise InvalidRequest(f"There is no line {line!r}: there are {', '.join(NAMES | OUT_NAMES)}.", field="line")
    conditions = [_came(province, begins, ends, "out" if line in OUT_NAMES else "in", branch)]
    conditions += [LINE == line] if line in NAMES else []
    conditions += [_ADVISED] if line == "consultations" else []
    conditions += [contacts.c.channel == channel] if channel else []
    conditions += [contacts.c.agency == agency if agency else contacts.c.agency.is_(None)] if agency is not None else []
    conditions += [local_hour(contacts.c.started_at) == hour] if hour else []
    conditions += [contacts.c.topic == topic, _ASKED] if topic else []
    if after is not None:
        conditions.append(contacts.c.id > read_cursor(after)[1])
    query = _joined(contacts, cases.c.number.label("case"), LINE.label("line")).where(*conditions)
    return page(unit.all(query.order_by(contacts.c.id).limit(limit + 1)), limit)


# Why something was refused, such as a letter that a program wrote, is no topic that people ask about.
_ASKED = or_(contacts.c.outcome.is_(None), contacts.c.outcome != "refused")


def _joined(*columns: Any) -> Any:
    return select(*columns).select_from(contacts.outerjoin(cases, cases.c.id == contacts.c.case_id))


def _came(
    province: str, begins: datetime, ends: datetime, direction: str = "in", branch: str | None = None
) -> ColumnElement[bool]:
    at = contacts.c.started_at
    began = (contacts.c.province == province, at >= begins, at < ends)
    came = and_(*began, contacts.c.direction == direction, contacts.c.leg_of.is_(None))
    return came if branch is None else and_(came, contacts.c.branch == branch)


def _lines(unit: Unit, which: ColumnElement[bool]) -> Lines:
    # received is counted by itself: were a line ever to lose a contact, the report would be out of balance; but at the
    # same moment, or a contact that comes in meanwhile would do that
    received = select(literal("received").label("line"), func.count().label("n")).select_from(contacts).where(which)
    by_line = _joined(LINE.label("line"), func.count().label("n")).where(which).group_by(LINE)
    return Lines(**{row.line: row.n for row in unit.all(union_all(received, by_line))})


def _grouped(unit: Unit, by: Any, which: ColumnElement[bool]) -> list[tuple[Any, Lines]]:
    query = _joined(by.label("key"), LINE.label("line"), func.count().label("n")).where(which)
    found: dict[Any, dict[str, int]] = {}
    for row in unit.all(query.group_by(by, LINE).order_by(by.nulls_last())):
        found.setdefault(row.key, {})[row.line] = row.n
    return [(key, Lines(sum(by_line.values()), **by_line)) for key, by_line in found.items()]


def _topics(unit: Unit, which: ColumnElement[bool]) -> list[tuple[str, int]]:
    topic, often = contacts.c.topic, func.count().label("n")
    query = select(topic, often).where(which, topic.is_not(None), _ASKED).group_by(topic)
    return [(row.topic, row.n) for row in unit.all(query.order_by(often.desc(), topic).limit(TOPICS_SHOWN))]


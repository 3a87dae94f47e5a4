"""The reports of F.2. A case counts in the period in which it was received, a contact in that in which it began.

What is open or late is so at the instant of asking. So for all cases: received = on time + late + still open.

Of two published reports none may be grouped by the same thing, or by parts of it: what one hides could be had by taking
the other's rows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, true

from engine.intake import CHANNEL_NAMES
from engine.model import agencies, areas, cases, contacts, publications, tasks
from engine.people import access
from engine.public.open_data import IS_SHOWN
from engine.runtime import Unit
from engine.sql import entry, local_day, local_hour, seconds
from engine.statistics.description import Base, Column, Dimension, Statistic
from engine.statistics.figures import AT_ONCE, LINE
from engine.statistics.lookups import CALL_REACHED, CALL_STEP, FIFTH_DAY, NOW

UNTRUE = ("khong_dung_thuc_te", "khong_dung")  # outcomes of C.0 that the types share
NOT_ELIGIBLE = ("chua_du_dieu_kien",)
HOUR = 3600


def _types(unit: Unit, _province: str) -> Mapping[str, str]:
    return {package.code: package.name.get("vi", package.code) for package in unit.catalogue.all_current(unit)}


def _agencies(unit: Unit, province: str) -> Mapping[str, str]:
    query = select(agencies.c.key, agencies.c.name).where(agencies.c.province == province)
    return {row.key: row.name for row in unit.all(query)}


def _areas(unit: Unit, province: str) -> Mapping[str, str]:
    query = select(areas.c.code, areas.c.name).where(areas.c.province == province)
    return {row.code: row.name for row in unit.all(query)}


def _outcomes(unit: Unit, _province: str) -> Mapping[str, str]:
    found = [package.type.get("outcomes", {}) for package in unit.catalogue.all_current(unit)]
    return {key: str(outcome["vi"]) for outcomes in found for key, outcome in outcomes.items()}


def _channels(_unit: Unit, _province: str) -> Mapping[str, str]:
    return CHANNEL_NAMES


CASES = Base("cases", cases, cases.c.id, cases.c.opened_at, cases.c.number, access.CASES, "see", true())
# complaints and denunciations are no petitions (NĐ 20/2008/NĐ-CP Đ.1; domain report, R.1)
PETITIONS = replace(CASES, always=cases.c.secrecy != access.NAMED_ONLY)
PLANNED = replace(CASES, always=entry(CALL_STEP, cases.c.report_type).is_not(None))
CONTACTS = Base(
    "contacts", contacts.outerjoin(cases, cases.c.id == contacts.c.case_id), contacts.c.id, contacts.c.started_at,
    contacts.c.id, access.Columns(contacts.c.province, lambda agency: contacts.c.agency == agency,
                                  area=contacts.c.area), "contact",
    and_(contacts.c.direction == "in", contacts.c.leg_of.is_(None)),
)  # fmt: skip

BY_TYPE = Dimension("report_type", "Loại phản ánh", "Report type", cases.c.report_type, _types)
BY_AGENCY = Dimension("agency", "Đơn vị chủ trì", "Lead agency", cases.c.lead_agency, _agencies)
BY_DISTRICT = Dimension("area", "Quận, huyện", "District", cases.c.area, _areas)
BY_COMMUNE = Dimension("commune", "Xã, phường", "Commune", cases.c.commune, _areas)
BY_OUTCOME = Dimension("outcome", "Kết quả", "Outcome", cases.c.outcome, _outcomes)
BY_DAY = Dimension("day", "Ngày", "Day", local_day(contacts.c.started_at))
BY_HOUR = Dimension("hour", "Giờ", "Hour", local_hour(contacts.c.started_at))
BY_CHANNEL = Dimension("channel", "Kênh", "Channel", contacts.c.channel, _channels)

_closed, _open = cases.c.closed_at.is_not(None), cases.c.closed_at.is_(None)
_in_time = and_(_closed, or_(cases.c.due_at.is_(None), cases.c.closed_at <= cases.c.due_at))
_overdue = and_(_open, cases.c.paused_at.is_(None), cases.c.due_at < NOW)
_taken = seconds(cases.c.opened_at, cases.c.closed_at)

RECEIVED = Column("received", "Tiếp nhận", "Received", true())
ON_TIME = Column("on_time", "Xong đúng hạn", "Settled on time", _in_time)
LATE = Column("late", "Xong quá hạn", "Settled late", and_(_closed, cases.c.closed_at > cases.c.due_at))
OPEN = Column("open", "Còn đang xử lý", "Still open", _open)
OVERDUE = Column("overdue", "Trong đó đã quá hạn", "Of these overdue", _overdue, part_of="open")
HOURS = Column("mean_hours", "Số giờ trung bình", "Mean hours", _closed, "mean", value=_taken, unit=HOUR)
P90_HOURS = Column("p90_hours", "Số giờ của 90 %", "90 % within hours", _closed, "p90", value=_taken, unit=HOUR)
FIRST_CONTACT = Column(
    "first_contact", "Giải đáp ngay (%)", "Answered at first contact (%)", cases.c.outcome == AT_ONCE, "share", true()
)
ON_TIME_SHARE = Column("on_time_share", "Đúng hạn (%)", "On time (%)", _in_time, "share", _closed)
RETURNED = Column("returned", "Bị trả lại", "Returned", cases.c.returns > 0)
RETURNED_SHARE = Column("returned_share", "Bị trả lại (%)", "Returned (%)", cases.c.returns > 0, "share", true())
REOPENED = Column("reopened_share", "Mở lại (%)", "Reopened (%)", cases.c.reopenings > 0, "share", true())
RATED = Column("rated", "Được đánh giá", "Rated", cases.c.rating.is_not(None))
RATED_SHARE = Column(
    "rated_share", "Được đánh giá (%)", "Rated (%)", and_(_closed, cases.c.rating.is_not(None)), "share", _closed
)
SATISFIED = Column(
    "satisfied_share", "Hài lòng, từ 4 sao (%)", "Satisfied, 4 stars or more (%)", cases.c.rating >= 4, "share",
    cases.c.rating.is_not(None),
)  # fmt: skip
RATING = Column(
    "mean_rating", "Số sao trung bình", "Mean rating", cases.c.rating.is_not(None), "mean", value=cases.c.rating
)
SETTLED = Column("settled", "Đã xong", "Settled", _closed)
UNTRUE_COUNT = Column("untrue", "Không đúng thực tế", "Untrue", cases.c.outcome.in_(UNTRUE), part_of="received")
UNTRUE_SHARE = Column(
    "untrue_share", "Không đúng thực tế (%)", "Untrue (%)", and_(_closed, cases.c.outcome.in_(UNTRUE)), "share", _closed
)
NOT_ELIGIBLE_COUNT = Column(
    "not_eligible", "Chưa đủ điều kiện", "Not eligible", cases.c.outcome.in_(NOT_ELIGIBLE)
)  # fmt: skip
NOT_ELIGIBLE_SHARE = Column(
    "not_eligible_share", "Chưa đủ điều kiện (%)", "Not eligible (%)",
    and_(_closed, cases.c.outcome.in_(NOT_ELIGIBLE)), "share", _closed,
)  # fmt: skip
EXTENDED = Column("extended", "Được gia hạn", "Extended", cases.c.extensions > 0)
EXTENSIONS = Column("extensions", "Số lần gia hạn", "Extensions", true(), "sum", value=cases.c.extensions)
RETURNS = Column("returns", "Số lần trả lại", "Returns", true(), "sum", value=cases.c.returns)
PING_PONG = Column("ping_pong", "Trả lại từ 2 lần", "Returned twice or more", cases.c.returns >= 2)

# Passed on: the first task that somebody other than a desk or the office had. Without one, the desk settled it itself.
_elsewhere = agencies.c.kind.not_in(("desk", "office"))
_passed_on = (
    select(func.min(tasks.c.created_at)).join(agencies, agencies.c.key == tasks.c.group)
    .where(tasks.c.case_id == cases.c.id, _elsewhere).correlate(cases).scalar_subquery()
)  # fmt: skip
_in_five = local_day(_passed_on) <= entry(FIFTH_DAY, local_day(cases.c.opened_at))
_overdue_five = local_day(NOW) > entry(FIFTH_DAY, local_day(cases.c.opened_at))
_shown = exists().where(publications.c.case_id == cases.c.id, IS_SHOWN)
PASSED_IN_FIVE = Column("passed_on_time", "Chuyển trong 5 ngày làm việc", "Passed on within 5 working days",
                        and_(_passed_on.is_not(None), _in_five))  # fmt: skip
PASSED_LATE = Column("passed_late", "Chuyển sau 5 ngày làm việc", "Passed on later",
                     and_(_passed_on.is_not(None), ~_in_five))  # fmt: skip
AT_DESK = Column("at_desk", "Đầu mối tự giải đáp", "Settled by the desk", and_(_passed_on.is_(None), _closed))
NOT_PASSED = Column("not_passed_on", "Chưa chuyển", "Not passed on yet", and_(_passed_on.is_(None), _open))
NOT_PASSED_LATE = Column("not_passed_overdue", "Trong đó đã quá 5 ngày", "Of these beyond 5 working days",
                         and_(_passed_on.is_(None), _open, _overdue_five), part_of="not_passed_on")  # fmt: skip
PUBLISHED = Column("published", "Đã công khai kết quả", "Result published", and_(_closed, _shown))


def _calls(*conditions: Any) -> Any:
    called = (tasks.c.case_id == cases.c.id, tasks.c.element == entry(CALL_STEP, cases.c.report_type),
              tasks.c.status == "done", *conditions)  # fmt: skip
    return select(func.count()).select_from(tasks).where(*called).correlate(cases).scalar_subquery()


_made = _calls()
_reached = _calls(
    tasks.c.call_result == entry(CALL_REACHED, cases.c.report_type)
)
ON_LIST = Column("planned", "Người trong danh sách", "People on the list", true())
CALLED = Column("called", "Đã gọi", "Called", _made > 0)
REACHED = Column("reached", "Đã gặp", "Reached", _reached > 0, part_of="called")
CALLS_MADE = Column("calls", "Số cuộc đã gọi", "Calls made", true(), "sum", value=_made)
CALLS_REACHED = Column("calls_reached", "Số cuộc gặp được", "Calls answered", true(), "sum", value=_reached)
DAYS = Column("mean_days", "Số ngày trung bình", "Mean days", _closed, "mean", value=_taken, unit=24 * HOUR)

_answered = contacts.c.answered_at
_waited = seconds(contacts.c.started_at, _answered)
_talked = seconds(_answered, contacts.c.ended_at)
_has_talked = and_(_answered.is_not(None), contacts.c.ended_at.is_not(None))
CALLS = Column("received", "Cuộc đến", "Came in", true())
PICKED_UP = Column("picked_up", "Có người nghe", "Picked up", _answered.is_not(None))
MISSED = Column("missed", "Nhỡ, bỏ dở", "Missed", func.coalesce(LINE, "") == "missed")
WAIT = Column("mean_wait", "Chờ trung bình (giây)", "Mean wait (s)", _answered.is_not(None), "mean", value=_waited)
P90_WAIT = Column("p90_wait", "Chờ của 90 % (giây)", "90 % waited (s)", _answered.is_not(None), "p90", value=_waited)
TALK = Column("mean_talk", "Nói chuyện trung bình (giây)", "Mean talk (s)", _has_talked, "mean", value=_talked)

HANDLING = (RECEIVED, ON_TIME, LATE, OPEN, OVERDUE, HOURS, P90_HOURS, FIRST_CONTACT)

STATISTICS = {
    one.key: one
    for one in (
        Statistic("by-hour", 1, "Theo kênh, giờ, ngày", "By channel, hour and day", CONTACTS,
                  (BY_DAY, BY_HOUR, BY_CHANNEL), (CALLS, PICKED_UP, MISSED, WAIT, P90_WAIT, TALK)),
        Statistic("by-type", 2, "Theo loại phản ánh", "By report type", CASES, (BY_TYPE,), HANDLING),
        Statistic("by-agency", 2, "Theo đơn vị chủ trì", "By lead agency", CASES, (BY_AGENCY,), HANDLING, True),
        Statistic("by-district", 2, "Theo quận, huyện", "By district", CASES, (BY_DISTRICT,), HANDLING, True),
        Statistic("ranking", 4, "Xếp hạng đơn vị", "Ranking of agencies", CASES, (BY_AGENCY,),
                  (RECEIVED, SETTLED, ON_TIME_SHARE, RETURNED_SHARE, REOPENED, RATED, RATING)),
        Statistic("untrue", 5, "Không đúng thực tế, chưa đủ điều kiện", "Untrue and not eligible", CASES, (BY_TYPE,),
                  (RECEIVED, SETTLED, UNTRUE_COUNT, UNTRUE_SHARE, NOT_ELIGIBLE_COUNT, NOT_ELIGIBLE_SHARE)),
        Statistic("ping-pong", 6, "Gia hạn, trả lại", "Extensions and returns", CASES, (BY_TYPE, BY_AGENCY),
                  (RECEIVED, EXTENDED, EXTENSIONS, RETURNED, RETURNS, PING_PONG)),
        Statistic("rating", 7, "Đánh giá của người dân", "What citizens thought", CASES, (BY_AGENCY,),
                  (SETTLED, RATED, RATED_SHARE, SATISFIED, RATING)),
        Statistic("decree-20", 8, "Phản ánh, kiến nghị theo Nghị định 20/2008/NĐ-CP", "Petitions under decree 20/2008",
                  PETITIONS, (BY_TYPE,),
                  (RECEIVED, AT_DESK, PASSED_IN_FIVE, PASSED_LATE, NOT_PASSED, NOT_PASSED_LATE, PUBLISHED)),
        Statistic("oversight", 9, "Giám sát của HĐND, MTTQ", "For People's Council and Fatherland Front", CASES,
                  (BY_TYPE,), (RECEIVED, ON_TIME, LATE, OPEN, UNTRUE_COUNT), True),
        Statistic("calls", 10, "Gọi ra theo kế hoạch (F0)", "Planned calls (F0 cohort)", PLANNED, (BY_TYPE, BY_OUTCOME),
                  (ON_LIST, CALLED, REACHED, CALLS_MADE, CALLS_REACHED, DAYS, OPEN)),
        Statistic("by-commune", 12, "Theo xã, phường", "By commune", CASES, (BY_DISTRICT, BY_COMMUNE),
                  HANDLING),
    )
}  # fmt: skip

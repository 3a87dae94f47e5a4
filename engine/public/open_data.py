"""What anybody may know of cases, without saying who they are: only those of class C0, and nothing about a person.

A case is shown if it was received as C0 and its report type still is. Of what the citizen wrote, words and place, a
type shows nothing unless its type.toml says so: ``public = ["description", "address"]``. The words are then shown
without telephone numbers and e-mail addresses. Once somebody has decided what is published
(`engine.public.publications`), only the edited text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, literal_column, select

from engine.errors import InvalidRequest, NotFound
from engine.model import areas, cases, events, provinces, publications
from engine.model.records import LOOKED
from engine.packages import Package
from engine.places import agency_changes
from engine.runtime import Unit

PUBLIC = "C0"
SPAN = timedelta(days=90)  # of one search at most
LIMIT_MAX = 1_000  # cases in one answer
REACH = 10_000  # cases that pages of one search lead to; further ones are found by narrower dates

IS_PUBLIC = cases.c.secrecy == literal_column(f"'{PUBLIC}'")  # a literal: a bound value would miss the partial index
# What somebody has edited for the public; see `engine.public.publications`.
IS_SHOWN = and_(publications.c.approved_at.is_not(None), publications.c.withdrawn_at.is_(None))
_PHONE = re.compile(r"\+?\d(?:[\s.\-()]{0,2}\d){8,14}")
_EMAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")
_HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Search:
    """Which cases; what is left out leaves a question open.

    Attributes:
        province: a jurisdiction as `province_of` knows it.
        report_types: codes; empty for all.
        since, until: when the case was opened, both inclusive, aware. Without one, `SPAN` counted from the other;
            without both, the last `SPAN`.
        closed: only those that are settled for the citizen (or, ``False``, are not).
        page: counted from 1; limit: cases on a page.
    """

    province: str | None = None
    report_types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    closed: bool | None = None
    page: int = 1
    limit: int = LIMIT_MAX


# -- what can be reported ------------------------------------------------------------------------------------------


def province_of(unit: Unit, name: str | None) -> str | None:
    """The code of a province, which is named by it, by its short name, or by ``jurisdiction_id`` of its province.toml.

    Returns:
        ``None`` if no name is given: all provinces.

    Raises:
        NotFound: this server serves no such province.
    """
    if not name:
        return None
    for row in unit.all(select(provinces.c.code, provinces.c.short, provinces.c.settings).order_by(provinces.c.code)):
        names = (row.code, row.short, row.settings.get("jurisdiction_id"))
        if name.casefold() in [each.casefold() for each in names if isinstance(each, str)]:
            return str(row.code)
    raise NotFound(f"There is no province {name!r} here: name one by its code, such as 74, or leave it out.")


def _in_jurisdiction(unit: Unit, name: str | None) -> str | None:
    """`province_of` with the refusal that citizens' apps show."""
    try:
        return province_of(unit, name)
    except NotFound:
        raise NotFound(f"jurisdiction_id: Máy chủ này không phục vụ địa phương {_quoted(name)}.") from None


def services(unit: Unit, jurisdiction: str | None = None) -> list[Package]:
    """The report types in force that people can report, whatever their class; not those for calls that were missed
    and for messages that nobody has read yet.

    Raises:
        NotFound: there is no such jurisdiction.
    """
    wanted = _in_jurisdiction(unit, jurisdiction)
    found = [one for one in unit.catalogue.all_current(unit) if wanted in (None, str(one.province["code"]))]
    return [one for one in found if one.code not in (one.province.get("missed_call"), one.province.get("message_type"))]


def public_types(unit: Unit) -> list[str]:
    """The codes of the report types that are of class C0 in the version in force."""
    return [package.code for package in unit.catalogue.all_current(unit) if _is_public(package)]


def service(unit: Unit, code: str, jurisdiction: str | None = None) -> Package:
    """The report type with this code, in the version in force.

    Raises:
        NotFound: there is none, or not in this jurisdiction.
    """
    wanted = _in_jurisdiction(unit, jurisdiction)
    try:
        package = unit.catalogue.current(unit, code)
    except NotFound:
        raise NotFound(f"service_code: Không có loại phản ánh {_quoted(code)}.") from None
    if wanted not in (None, str(package.province["code"])):
        raise NotFound(f"service_code: Địa phương này không có loại phản ánh {_quoted(code)}.")
    return package


# -- what was reported ---------------------------------------------------------------------------------------------


def search(unit: Unit, wanted: Search) -> list[dict[str, Any]]:
    """Public cases, newest first.

    Raises:
        NotFound: there is no such jurisdiction or report type.
        InvalidRequest: the dates are the wrong way round or more than `SPAN` apart, or the page is beyond `REACH`.
    """
    since, until = _window(unit, wanted)
    known = {package.code: package for package in services(unit, wanted.province)}
    for code in wanted.report_types:
        if code not in known:
            raise NotFound(f"service_code: Không có loại phản ánh {_quoted(code)}.")
    if wanted.page * wanted.limit > REACH:
        raise InvalidRequest(f"page: Chỉ xem được {REACH} phản ánh đầu tiên; hãy thu hẹp start_date và end_date.")
    packages = [known[code] for code in wanted.report_types or known]
    conditions = [cases.c.opened_at >= since, cases.c.opened_at <= until]
    if wanted.closed is not None:
        conditions.append(cases.c.closed_at.is_not(None) if wanted.closed else cases.c.closed_at.is_(None))
    return _found(unit, packages, conditions, wanted.limit, (wanted.page - 1) * wanted.limit)


def by_number(unit: Unit, numbers: Iterable[str], jurisdiction: str | None = None) -> list[dict[str, Any]]:
    """Those of these cases that are public, newest first; at most `LIMIT_MAX`."""
    return _found(unit, services(unit, jurisdiction), [cases.c.number.in_(list(numbers))], LIMIT_MAX)


def show(unit: Unit, number: str, jurisdiction: str | None = None) -> dict[str, Any]:
    """Raises:
    NotFound: there is no such case, or it is not public; which of the two is not said.
    """
    for found in by_number(unit, [number], jurisdiction):
        return found
    raise NotFound(f"Không có phản ánh công khai nào mang số {_quoted(number)}.")


def _window(unit: Unit, wanted: Search) -> tuple[datetime, datetime]:
    until = wanted.until or (min(wanted.since + SPAN, unit.now) if wanted.since else unit.now)
    since = wanted.since or until - SPAN
    if until < since and wanted.until:
        raise InvalidRequest("end_date: Ngày kết thúc phải sau ngày bắt đầu.")
    if until - since > SPAN:
        raise InvalidRequest(f"start_date, end_date: Một lần hỏi chỉ được trong khoảng {SPAN.days} ngày.")
    return since, until


def _found(
    unit: Unit, packages: list[Package], conditions: list[ColumnElement[bool]], limit: int, skipped: int = 0
) -> list[dict[str, Any]]:
    """Args:
    packages: in force now; what is secret by now is not shown, even if it was not when it was reported.
    """
    shows = {package.code: package.type.get("public", ()) for package in packages if _is_public(package)}
    newest_first = (cases.c.opened_at.desc(), cases.c.id.desc())
    page = select(cases.c.id).where(IS_PUBLIC, cases.c.report_type.in_(list(shows)), *conditions)
    page = page.order_by(*newest_first).limit(limit).offset(skipped)
    changed = select(events.c.at).where(events.c.case_id == cases.c.id, events.c.kind.not_in(LOOKED))
    changed_at = changed.order_by(events.c.id.desc()).limit(1).correlate(cases).scalar_subquery()
    columns = (cases.c.number, cases.c.definition_id, cases.c.report_type, cases.c.status, cases.c.area, cases.c.place,
               cases.c.report, cases.c.opened_at, cases.c.due_at, cases.c.closed_at, changed_at.label("changed_at"),
               cases.c.lead_agency, areas.c.name.label("area_name"),
               publications.c.case_id.label("decided"), IS_SHOWN.label("shown"), publications.c.words,
               publications.c.result)  # fmt: skip
    query = select(*columns).outerjoin(publications, publications.c.case_id == cases.c.id)
    query = query.outerjoin(areas, areas.c.code == cases.c.area).where(cases.c.id.in_(page.subquery().select()))
    rows = unit.all(query.order_by(*newest_first))
    named = agency_changes.names_at(unit, [(row.lead_agency, row.closed_at) for row in rows])
    return [_shown(unit, row, shows[row.report_type], named.get((row.lead_agency, row.closed_at))) for row in rows]


def _is_public(package: Package) -> bool:
    return package.type.get("secrecy") == PUBLIC


def _shown(unit: Unit, row: Row[Any], shows: Iterable[str], agency: str | None) -> dict[str, Any]:
    """A case in public words: ``closed``, ``status`` in a sentence, ``words`` and ``place`` if its type shows them.

    ``words`` and ``result`` as edited, where they are published; the citizen's own words only if nobody has decided.
    """
    package = unit.catalogue.pinned(unit, row.definition_id)
    words = package.status(row.status)
    edited = row.shown and row.closed_at is not None
    raw = "description" in shows and row.decided is None  # once somebody has decided, it is not for the type to say
    said = str(words.get("citizen") or words.get("vi") or "")
    return {
        "number": row.number, "report_type": row.report_type, "name": package.name, "closed": row.closed_at is not None,
        "status": said.replace("{don_vi}", agency or "đơn vị xử lý").replace("{ma}", row.number),
        "agency": agency, "opened_at": row.opened_at, "due_at": row.due_at,
        "changed_at": row.closed_at or row.changed_at or row.opened_at,
        "area": row.area, "where": ", ".join(filter(None, (row.area_name, package.province.get("name")))),
        "words": row.words if edited else _without_addresses(str(row.report.get("noi_dung") or "")) if raw else None,
        "result": row.result if edited else None,
        "place": row.place if "address" in shows else None,
    }  # fmt: skip


def _without_addresses(text: str) -> str:
    return _PHONE.sub(_HIDDEN, _EMAIL.sub(_HIDDEN, text))


def _quoted(name: str) -> str:
    """What a stranger sent, short enough to be repeated."""
    return f"“{name[:80]}”"

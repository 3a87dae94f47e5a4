"""What is asked about posted requests, and how a case is told: the query, and the answer, of GET requests."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import request

from engine.errors import InvalidRequest
from engine.public.open_data import LIMIT_MAX, Search
from engine.terms.calendar import OUR_YEARS, ZONE
from webapi.open311 import places

STATES = ("open", "closed")

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def jurisdiction() -> str | None:
    return request.args.get("jurisdiction_id") or None


def numbers() -> list[str]:
    """The cases that are asked for by number; empty if any are."""
    return _codes("service_request_id")


def read() -> Search:
    """Raises:
    InvalidRequest: a parameter is not what it has to be.
    """
    states = set(_listed("status"))
    if states - set(STATES):
        raise InvalidRequest("status: Chỉ có open và closed.")
    return Search(
        province=jurisdiction(), report_types=tuple(dict.fromkeys(_codes("service_code"))),
        since=_moment("start_date"), until=_moment("end_date"),
        closed="closed" in states if len(states) == 1 else None,
        page=_count("page", 1, 999_999), limit=_count("page_size", LIMIT_MAX, LIMIT_MAX),
    )  # fmt: skip


def told(case: dict[str, Any]) -> dict[str, Any]:
    """A public case, as GeoReport tells it."""
    lat, long = places.point(case["place"] or "")
    return {
        "service_request_id": case["number"], "status": STATES[case["closed"]],
        "status_notes": case["result"] or case["status"],
        "service_name": case["name"].get("vi") or case["report_type"], "service_code": case["report_type"],
        "description": case["words"], "agency_responsible": case["agency"], "service_notice": None,
        "requested_datetime": _written(case["opened_at"]), "updated_datetime": _written(case["changed_at"]),
        "expected_datetime": _written(case["due_at"]), "address": case["place"] or case["where"],
        "address_id": case["area"], "zipcode": None, "lat": lat, "long": long, "media_url": None,
    }  # fmt: skip


def _written(at: datetime | None) -> str | None:
    """In Vietnam's zone, to the second."""
    return at.astimezone(ZONE).isoformat(timespec="seconds") if at else None


def _listed(name: str) -> list[str]:
    """What is separated by commas, or sent more than once."""
    return [part.strip() for value in request.args.getlist(name) for part in value.split(",") if part.strip()]


def _codes(name: str) -> list[str]:
    found = _listed(name)
    if len(found) > LIMIT_MAX:
        raise InvalidRequest(f"{name}: Tối đa {LIMIT_MAX} giá trị.")
    if not all(map(_CODE.fullmatch, found)):
        raise InvalidRequest(f"{name}: Có giá trị không phải là mã.")
    return found


def _count(name: str, otherwise: int, most: int) -> int:
    text = request.args.get(name) or str(otherwise)
    if not _COUNT.fullmatch(text) or int(text) > most:
        raise InvalidRequest(f"{name}: Hãy gửi một số nguyên từ 1 đến {most}.")
    return int(text)


def _moment(name: str) -> datetime | None:
    text = request.args.get(name)
    if not text:
        return None
    text = text.strip().replace(" ", "+")  # a plus sign that nobody escaped
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or moment.year not in OUR_YEARS:
        raise InvalidRequest(f"{name}: Hãy viết ngày giờ có múi giờ, ví dụ 2021-09-03T00:00:00+07:00.")
    return moment

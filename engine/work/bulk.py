"""Open data in bulk: a month's published results of a province, as files that anybody may take away (F.2, 11).

What somebody has edited and published is in it (`engine.public.publications`), in the words that were published; and
how many cases of each public type there were, without small numbers. Nothing else of any case is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine.errors import InvalidRequest
from engine.model import areas, provinces
from engine.people.access import Account
from engine.public import publications
from engine.public.open_data import province_of, public_types
from engine.runtime import Unit
from engine.statistics import table

LICENCE = "CC-BY-4.0"  # unless province.toml says otherwise: open_data_licence = "…"
COUNTS = "oversight"  # by report type; no other published report may be grouped by that (`statistics.catalogue`)
REQUESTS = (  # the names of Open311 GeoReport v2
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "area",
    "closed_datetime", "published_datetime", "title",
)  # fmt: skip
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Month:
    """What is handed out.

    Attributes:
        requests: cells in the order of `REQUESTS`, for what was published in the month.
        counted: names of the columns of ``counts``.
        counts: for each report type with enough cases received in the month.
    """

    province: str
    publisher: str
    licence: str
    begins: datetime
    ends: datetime
    made_at: datetime
    requests: list[tuple[Any, ...]]
    counted: tuple[str, ...]
    counts: list[tuple[Any, ...]]


def month(unit: Unit, jurisdiction: str, begins: datetime, ends: datetime) -> Month:
    """Raises:
    NotFound: there is no such jurisdiction.
    InvalidRequest: the period is no calendar month that is over.
    """
    code = province_of(unit, jurisdiction)
    if code is None:
        raise InvalidRequest("Say of which province.", field="province")
    anybody = Account(0, "system", "system", "overseer", province=code)
    counted = table.make(unit, anybody, COUNTS, code, begins, ends, published=True)
    row = unit.first(select(provinces.c.name, provinces.c.settings).where(provinces.c.code == code))
    assert row is not None
    public = public_types(unit)
    # what other types there are, and the row in which small ones are put together, are nobody's business here
    counts = [(*one.keys, *one.names, *one.values) for one in counted.rows if one.keys[0] in public]
    return Month(
        code, row.name, row.settings.get("open_data_licence", LICENCE), begins, ends, unit.now,
        list(_requests(unit, code, begins, ends)),
        ("service_code", "service_name", *(column.key for column in counted.columns)), counts,
    )  # fmt: skip


def _requests(unit: Unit, province: str, begins: datetime, ends: datetime) -> Iterator[tuple[Any, ...]]:
    types = {one.code: one.name.get("vi", one.code) for one in unit.catalogue.all_current(unit)}
    named = {row.code: row.name for row in unit.all(select(areas.c.code, areas.c.name))}
    after, more = None, True
    while more:
        found = publications.published(unit, province, between=(begins, ends), limit=_AT_ONCE, after=after)
        for row in found.items:
            yield (row.number, "closed", row.result, types[row.report_type], row.report_type, row.words,
                   named.get(row.area), row.closed_at, row.approved_at, row.subject)  # fmt: skip
        after, more = found.after, found.after is not None

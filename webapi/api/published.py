"""What the public is told of closed cases: reading it, without a token."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from marshmallow import fields

from engine.paging import Page
from engine.public import publications
from engine.statistics import periods
from engine.work import bulk
from webapi import auth, tabular
from webapi.api.blueprint import Blueprint, Code, Out, PageQuery, Words, instant, page_of

bp = Blueprint("published", "For anybody: what became of public cases. No token.", public=True)
_HEADER = ("number", "report_type", "province", "area", "closed_at", "published_at", "subject", "words", "result")


class PublishedQuery(PageQuery):
    province = Words(80, metadata={"description": "a province's code or short name"})
    report_type = Code()
    period = Words(10, metadata={"description": "of its publication: 2021-09-03, 2021-W36, 2021-09 or 2021-Q3"})


class PublishedOut(Out):
    """A closed case, as the public may know it."""

    number = fields.String()
    report_type = fields.String()
    province = fields.String()
    area = fields.String(allow_none=True)
    closed_at = instant()
    published_at = instant(attribute="approved_at")
    subject = fields.String()
    words = fields.String()
    result = fields.String()


@bp.open("GET", "/published", page_of(PublishedOut, "published case"), PublishedQuery)
def index(query: dict[str, Any]) -> Any:
    """What is published, the newest first"""
    return _page(query)


@bp.open("GET", "/published/sheet.csv", None, PublishedQuery)
def as_csv(query: dict[str, Any]) -> Any:
    """The same for a spreadsheet; the header Link names the next page"""
    found = _page(query)
    rows = [PublishedOut().dump(row) for row in found.items]
    content = tabular.csv_of([_HEADER, *(tuple(row[name] for name in _HEADER) for row in rows)])
    answer = Response(content, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="published.csv"'
    if found.after:
        further = request.args.to_dict() | {"after": found.after}
        answer.headers["Link"] = f'<{url_for(str(request.endpoint), **further)}>; rel="next"'
    return answer


@bp.open("GET", "/open-data/<name:province>/<name:month>", None)
def in_bulk(province: str, month: str) -> Any:
    """A month of open data (2021-09): requests.csv, counts.csv, and about.json with the licence and the date"""
    with auth.runtime().read() as unit:
        made = bulk.month(unit, province, *periods.read(month))
    answer = Response(tabular.bulk_of(made), mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="1022-{made.province}-{month}.zip"'
    return answer


def _page(query: dict[str, Any]) -> Page:
    period = query.pop("period", None)
    with auth.runtime().read() as unit:
        return publications.published(unit, between=period and periods.read(period), **query)

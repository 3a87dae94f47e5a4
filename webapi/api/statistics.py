"""The reports of F.2: what there are, each as JSON, for a spreadsheet and to print, and what is behind its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Response, render_template
from marshmallow import fields

from engine.errors import InvalidRequest
from engine.people.access import Account
from engine.runtime import Unit
from engine.statistics import late as lateness
from engine.statistics import periods, table
from engine.statistics.catalogue import STATISTICS
from engine.statistics.table import Row, Table
from engine.terms.calendar import ZONE
from webapi import tabular
from webapi.api.blueprint import Blueprint, Code, Flag, In, Out, PageQuery, Words, instant, page_of, province_of
from webapi.tabular import Cells

bp = Blueprint("statistics", "Reports on what became of contacts and cases.")
ONE = "/statistics/<name:key>"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LATE = {
    "number": "Số hồ sơ", "report_type": "Loại", "area": "Quận, huyện", "lead_agency": "Đơn vị chủ trì",
    "due_at": "Hạn", "hours_late": "Quá hạn (giờ)", "step": "Bước", "step_due_at": "Hạn của bước",
    "group": "Đơn vị đang giữ", "assignee": "Người phụ trách",
}  # fmt: skip


class PeriodQuery(In):
    """A period in one word, or from an instant on and before another."""

    province = Code(metadata={"description": "else the caller's own"})
    period = Words(10, metadata={"description": "2021-09-03, 2021-W36, 2021-09 or 2021-Q3: Vietnamese days"})
    begins = instant(data_key="from")
    ends = instant(data_key="to")


class TableQuery(PeriodQuery):
    published = fields.Boolean(
        load_default=False, truthy={"true", "1"}, falsy={"false", "0"},
        metadata={"description": "without numbers that tell of few people; whole months that are over"},
    )  # fmt: skip


class BehindQuery(PageQuery, PeriodQuery):
    """A column, and the keys of a row; "" for things that have none."""

    column = Code(required=True)
    report_type = fields.String()
    agency = fields.String()
    area = fields.String()
    commune = fields.String()
    outcome = fields.String()
    day = fields.String()
    hour = fields.String()
    channel = fields.String()


class ProvinceQuery(In):
    province = Code(metadata={"description": "else the caller's own"})


class PartOut(Out):
    key = fields.String()
    vi = fields.String()
    en = fields.String()


class ColumnOut(PartOut):
    kind = fields.String(metadata={"description": "count, sum, share (%), mean or p90"})


class StatisticOut(PartOut):
    published = Flag(metadata={"description": "there is a version without small numbers"})
    by = fields.List(fields.Nested(PartOut))
    columns = fields.List(fields.Nested(ColumnOut))


class StatisticsOut(Out):
    items = fields.List(fields.Nested(StatisticOut))


class RowOut(Out):
    keys = fields.Dict(metadata={"description": "by dimension; \"*\": small rows put together"})
    names = fields.List(fields.String())
    values = fields.Dict(metadata={"description": "by column; null: nothing to divide by or to measure"})


class TableOut(PartOut):
    """A report."""

    province = fields.String()
    begins = instant(data_key="from")
    ends = instant(data_key="to")
    published = Flag()
    by = fields.List(fields.Nested(PartOut))
    columns = fields.List(fields.Nested(ColumnOut))
    rows = fields.List(fields.Nested(RowOut))
    total = fields.Nested(RowOut, allow_none=True, metadata={"description": "null: it would tell of few people"})


class BehindOut(Out):
    id = fields.Integer()
    number = fields.String(metadata={"description": "of the case; of a contact its id"})
    at = instant()


class LateOut(Out):
    number = fields.String()
    report_type = fields.String()
    area = fields.String(allow_none=True)
    lead_agency = fields.String(allow_none=True)
    due_at = instant()
    hours_late = fields.Float()
    step = fields.String(allow_none=True)
    step_due_at = instant(allow_none=True)
    group = fields.String(allow_none=True)
    assignee = fields.String(allow_none=True)


class LatesOut(Out):
    items = fields.List(fields.Nested(LateOut))


@bp.read("/statistics", StatisticsOut)
def index(unit: Unit, caller: Account) -> Any:
    """What reports there are, and what their columns count"""
    return {"items": list(STATISTICS.values())}


@bp.read(ONE, TableOut, TableQuery)
def show(unit: Unit, caller: Account, query: dict[str, Any], key: str) -> Any:
    """A report"""
    made = _made(unit, caller, key, query)
    return {
        **vars(made.statistic), **vars(made), "rows": [_row(made, row) for row in made.rows],
        "total": made.total and _row(made, made.total),
    }  # fmt: skip


@bp.read(f"{ONE}/sheet.csv", None, TableQuery)
def as_csv(unit: Unit, caller: Account, query: dict[str, Any], key: str) -> Any:
    """The same for a spreadsheet"""
    return _file(tabular.csv_of(_cells(_made(unit, caller, key, query))), "text/csv", f"{key}.csv")


@bp.read(f"{ONE}/sheet.xlsx", None, TableQuery)
def as_workbook(unit: Unit, caller: Account, query: dict[str, Any], key: str) -> Any:
    """The same as an Excel workbook"""
    return _file(tabular.workbook_of(_cells(_made(unit, caller, key, query))), XLSX, f"{key}.xlsx")


@bp.read(f"{ONE}/page.html", None, TableQuery)
def as_page(unit: Unit, caller: Account, query: dict[str, Any], key: str) -> Any:
    """The same as a page to print"""
    made = _made(unit, caller, key, query)
    return Response(render_template("statistic.html", made=made, cells=list(_cells(made))[3:], zone=ZONE))


@bp.read(f"{ONE}/behind", page_of(BehindOut, "thing behind a number"), BehindQuery)
def behind(unit: Unit, caller: Account, query: dict[str, Any], key: str) -> Any:
    """What a number of a report counts, as far as you may see it, oldest first"""
    begins, ends = _period(query)
    by = {dimension.key for one in STATISTICS.values() for dimension in one.by}
    at = {name: value for name, value in query.items() if name in by}
    return table.behind(unit, caller, key, province_of(query, caller), begins, ends, query["column"], at,
                        limit=query["limit"], after=query.get("after"))  # fmt: skip


@bp.read("/late-cases", LatesOut, ProvinceQuery)
def late(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Cases that are late, with the steps they wait at and who should take them; the latest first"""
    return {"items": lateness.late(unit, caller, province_of(query, caller))}


@bp.read("/late-cases/sheet.csv", None, ProvinceQuery)
def late_as_csv(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The same for a spreadsheet"""
    rows = lateness.late(unit, caller, province_of(query, caller))
    cells = [tuple(_local(row[name]) for name in _LATE) for row in rows]
    return _file(tabular.csv_of([tuple(_LATE.values()), *cells]), "text/csv", "late.csv")


def _made(unit: Unit, caller: Account, key: str, query: dict[str, Any]) -> Table:
    begins, ends = _period(query)
    return table.make(unit, caller, key, province_of(query, caller), begins, ends, query["published"])


def _period(query: dict[str, Any]) -> tuple[datetime, datetime]:
    if "period" in query and not {"begins", "ends"} & set(query):
        return periods.read(query["period"])
    if {"begins", "ends"} <= set(query) and "period" not in query:
        return query["begins"], query["ends"]
    raise InvalidRequest("Say which period: either period=2021-09, or from= and to=.", field="period")


def _row(made: Table, row: Row) -> dict[str, Any]:
    by = [dimension.key for dimension in made.statistic.by]
    return {
        "keys": dict(zip(by, row.keys, strict=False)), "names": row.names,
        "values": dict(zip((column.key for column in made.columns), row.values, strict=True)),
    }  # fmt: skip


def _cells(made: Table) -> Iterator[Cells]:
    by = made.statistic.by
    yield made.statistic.vi, made.province
    yield "Từ", _local(made.begins)
    yield "Đến trước", _local(made.ends)
    yield (*(dimension.vi for dimension in by), *(column.vi for column in made.columns))
    for row in made.rows:
        yield (*(name or "(chưa rõ)" for name in row.names), *row.values)
    if made.total:
        yield ("Tổng", *[""] * (len(by) - 1), *made.total.values)


def _local(value: Any) -> Any:
    return f"{value.astimezone(ZONE):%H:%M %d/%m/%Y}" if isinstance(value, datetime) else value


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, mimetype=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})

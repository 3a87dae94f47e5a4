"""The day's report (F.1) as a page: its table, the sentence that says whether it balances, bars, and from every number
to its contacts or cases. Who may count but not see contacts gets the numbers without the links; who may not see exact
figures (overseers) neither hours nor cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Response, request, url_for
from sqlalchemy import select

from engine import branches
from engine.errors import InvalidRequest
from engine.model import provinces
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.statistics import figures, periods, table
from engine.terms.calendar import ZONE
from webapi import tabular
from webapi.ui import office
from webapi.ui.pages import Pages, page, undone
from webapi.ui.words import _, channels, in_language

bp = Pages("ui_figures")
NARROW = ("line", "branch", "channel", "agency", "hour", "topic", "after")
HANDLED = ("by-type", "by-agency")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.read("/tinh/bao-cao")
def show(unit: Unit, caller: Account) -> Any:
    try:
        made, asked = _asked(unit, caller)
    except InvalidRequest as error:
        if error.facts.get("field") != "period":
            raise
        return undone(_("Không có kỳ nào viết như vậy."), url_for("ui_figures.show"))
    links = access.allows(caller, "contact", Target(made.province), unit)
    exact = _exact(unit, caller, made, asked.get("phim"))
    parts = _parts(made, bool(exact["hours"]), "phim" in asked)
    return page("ui/report.html", made=made, asked=asked, names=line_names(), out=figures.OUT_NAMES, links=links,
                parts=parts, beside=periods.beside(asked["ky"]), **exact)  # fmt: skip


@bp.read("/tinh/bao-cao/cuoc-goi")
def behind(unit: Unit, caller: Account) -> Any:
    """The contacts behind a number: ?ky=2021-09-03&line=missed&branch=5.1. Nothing personal, but the case's number."""
    province, (begins, ends) = _province(unit, caller), periods.read(_period(unit))
    if since := request.args.get("tu"):
        begins = periods.read(since)[0]
    narrow = {name: value for name in NARROW if (value := request.args.get(name)) or (name == "agency" and value == "")}
    found = figures.behind(unit, caller, province, begins, ends, **narrow)  # type: ignore[arg-type]
    return page("ui/report_behind.html", found=found, names=line_names(), channels=channels(),
                period=(begins, ends))  # fmt: skip


@bp.read("/tinh/bao-cao/vu-viec")
def cases(unit: Unit, caller: Account) -> Any:
    """The cases behind a number: ?ky=2021-09-03&bang=by-type&cot=overdue&report_type=NYP."""
    asked, (begins, ends) = request.args, periods.read(_period(unit))
    at = {name: asked[name] for name in ("report_type", "agency") if name in asked}
    found = table.behind(unit, caller, asked.get("bang", ""), _province(unit, caller), begins, ends,
                         asked.get("cot", ""), at, after=asked.get("after"))  # fmt: skip
    return page("ui/report_cases.html", found=found, period=(begins, ends))


@bp.read("/tinh/bao-cao.csv")
def as_csv(unit: Unit, caller: Account) -> Any:
    return _file(tabular.as_csv(_asked(unit, caller)[0]), "text/csv", "1022.csv")


@bp.read("/tinh/bao-cao.xlsx")
def as_workbook(unit: Unit, caller: Account) -> Any:
    return _file(tabular.as_workbook(_asked(unit, caller)[0]), XLSX, "1022.xlsx")


def _asked(unit: Unit, caller: Account) -> tuple[figures.Figures, dict[str, str]]:
    province, period = _province(unit, caller), _period(unit)
    more = {name: value for name in ("tu", "phim") if (value := request.args.get(name, "").strip())}
    (begins, ends), since = periods.read(period), periods.read(more["tu"])[0] if "tu" in more else None
    made = figures.report(unit, caller, province, begins, ends, since, more.get("phim"))
    return made, {"province": province, "ky": period} | more


def _exact(unit: Unit, caller: Account, made: figures.Figures, key: str | None) -> dict[str, Any]:
    """What only who may see exact figures is shown: by hour, by key, and what became of the period's cases."""
    if not access.allows(caller, "figure", Target(made.province), unit):
        return {"keys": [], "hours": [], "handled": []}
    period = (made.province, made.begins, made.ends)
    keys = [(row.key, in_language(row.name)) for row in branches.at(unit, made.province, made.ends)]
    types = office.type_names(unit)
    handled = [] if key else [_rows(table.make(unit, caller, one, *period), types) for one in HANDLED]
    return {"keys": keys, "hours": figures.by_hour(unit, caller, *period, key), "handled": handled}


def _rows(made: table.Table, types: dict[str, str]) -> dict[str, Any]:
    """A statistic's rows by name: their key, their columns, and what they are called, in the reader's language."""
    columns, by = [one.key for one in made.columns], made.statistic.by[0].key
    rows = [dict(zip(columns, row.values, strict=True))
            | {"name": types.get(row.keys[0]) or in_language(row.names[0]), "key": row.keys[0]}
            for row in made.rows]  # fmt: skip
    return {"key": made.statistic.key, "by": by, "rows": rows}


def _parts(made: figures.Figures, exact: bool, of_one_key: bool) -> list[tuple[str, list[tuple[str, int, Any]]]]:
    """What the contacts are also counted by: a title, and what each row is called, counts, and is narrowed by."""
    keys = [(f"{key} · {in_language(name, '–')}", lines.received, {"branch": key}) for key, name, lines in made.by_key]
    said = channels()
    ways = [(said.get(key, key), lines.received, {"channel": key}) for key, lines in made.by_channel]
    takers = [(in_language(name, key) or _("Chưa ai nhận"), lines.received, {"agency": key or ""})
              for key, name, lines in made.by_agency]  # fmt: skip
    topics = [(topic, count, {"topic": topic}) for topic, count in made.topics]
    found = [(_("Theo phím"), [] if of_one_key else keys), (_("Theo kênh"), ways)]
    found += [(_("Theo nơi nhận"), takers), (_("Nội dung nổi bật"), topics)] if exact else []
    return [(title, rows) for title, rows in found if rows]


def line_names() -> dict[str, str]:
    """What the lines of the report are called: `figures.NAMES` and `figures.OUT_NAMES` in the reader's language."""
    return {
        "answered": _("Giải đáp, xử lý, tư vấn trực tiếp"), "transferred": _("Chuyển sở, ngành, quận, huyện, thị xã"),
        "open": _("Đang xử lý tại tổng đài"), "missed": _("Nhỡ, bỏ dở"),
        "refused": _("Từ chối, trùng, gọi nhầm"),
        "complaints": _("Khiếu nại, tố cáo (không tính là phản ánh, kiến nghị)"),
        "unknown": _("Kết thúc mà không rõ kết quả"), "calls_out": _("Cuộc gọi ra chủ động"),
        "consultations": _("Lượt tư vấn qua cuộc gọi ra"),
    }  # fmt: skip


def _period(unit: Unit) -> str:
    """As asked for; else yesterday, the last day that is over."""
    yesterday: datetime = unit.now.astimezone(ZONE) - timedelta(days=1)
    return request.args.get("ky") or f"{yesterday:%Y-%m-%d}"


def _province(unit: Unit, caller: Account) -> str:
    asked = request.args.get("province") or caller.province or unit.scalar(
        select(provinces.c.code).order_by(provinces.c.code).limit(1))  # fmt: skip
    if asked is None:
        raise InvalidRequest("There is no province yet.")
    return str(asked)


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, mimetype=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})

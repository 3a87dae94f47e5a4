"""The day's report (F.1) as a page: its table, the sentence that says whether it balances, bars, and from every number
to its contacts. Who may count but not see contacts (analysts, overseers) gets the numbers without the links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy import select

from engine import access, figures
from engine.access import Account, Target
from engine.calendar import ZONE
from engine.errors import InvalidRequest
from engine.intake import CHANNEL_NAMES
from engine.model import provinces
from engine.runtime import Unit
from engine.statistics import periods
from webapi import tabular
from webapi.ui.pages import Pages, page

bp = Pages("ui_figures")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.read("/tinh/bao-cao")
def show(unit: Unit, caller: Account) -> Any:
    made, asked = _asked(unit, caller)
    links = access.allows(caller, "contact", Target(made.province), unit)
    return page("ui/report.html", made=made, asked=asked, names=figures.NAMES, links=links, channels=CHANNEL_NAMES,
                most=max((lines.received for _, _, lines in made.by_key), default=0))  # fmt: skip


@bp.read("/tinh/bao-cao/cuoc-goi")
def behind(unit: Unit, caller: Account) -> Any:
    """The contacts behind a number: ?ky=2021-09-03&line=missed&branch=5.1. Nothing personal, but the case's number."""
    province, (begins, ends) = _province(unit, caller), periods.read(_period(unit))
    narrow = {name: request.args[name] for name in ("line", "branch", "channel", "after") if request.args.get(name)}
    found = figures.behind(unit, caller, province, begins, ends, **narrow)  # type: ignore[arg-type]
    return page("ui/report_behind.html", found=found, names=figures.NAMES, channels=CHANNEL_NAMES)


@bp.read("/tinh/bao-cao.csv")
def as_csv(unit: Unit, caller: Account) -> Any:
    return _file(tabular.as_csv(_asked(unit, caller)[0]), "text/csv", "1022.csv")


@bp.read("/tinh/bao-cao.xlsx")
def as_workbook(unit: Unit, caller: Account) -> Any:
    return _file(tabular.as_workbook(_asked(unit, caller)[0]), XLSX, "1022.xlsx")


def _asked(unit: Unit, caller: Account) -> tuple[figures.Figures, dict[str, str]]:
    province, period = _province(unit, caller), _period(unit)
    since = request.args.get("tu") or None
    begins, ends = periods.read(period)
    made = figures.report(unit, caller, province, begins, ends, periods.read(since)[0] if since else None)
    return made, {"province": province, "ky": period} | ({"tu": since} if since else {})


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

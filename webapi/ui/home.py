"""The first page: which province, and for staff the way in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from engine.model import provinces
from webapi import auth
from webapi.ui.pages import Pages, page

bp = Pages("ui_start")


@bp.open("GET", "/")
def home() -> Any:
    with auth.runtime().read() as unit:
        served = unit.all(select(provinces.c.code, provinces.c.name, provinces.c.short).order_by(provinces.c.name))
    return page("ui/home.html", served=served)

"""Which pages a role has, in the order of its menu; the first one is where it lands after logging in.

An entry whose page is not there (yet) is left out.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, request, url_for

from engine.people.access import Account
from webapi.ui.words import _

OWN = "ui_login.account"  # who one is, and the way out: everybody has it

MENUS: dict[str, tuple[str, ...]] = {
    "operator": ("ui_desk.show", "ui_worklist.index", "ui_cases.index", "ui_publishing.index"),
    "handler": ("ui_worklist.index", "ui_cases.index"),
    "monitor": ("ui_worklist.index", "ui_cases.index"),
    "office": ("ui_office.show", "ui_stuck.index", "ui_incidents.index", "ui_worklist.index", "ui_cases.index",
               "ui_imports.index", "ui_publishing.index", "ui_figures.show"),
    "overseer": ("ui_overseer.show", "ui_figures.show"),
    "analyst": ("ui_analyst.index", "ui_office.show", "ui_stuck.index", "ui_incidents.index", "ui_figures.show"),
    "admin": ("ui_admin.show", "ui_office.show", "ui_stuck.index", "ui_incidents.index", "ui_analyst.index",
              "ui_figures.show"),
    "client": (),
}  # fmt: skip

WITHIN = {  # pages behind an entry's
    "ui_line": "ui_desk", "ui_callback": "ui_desk", "ui_drafting": "ui_analyst", "ui_beginning": "ui_analyst",
    "ui_comparing": "ui_analyst", "ui_moving": "ui_analyst", "ui_replaying": "ui_analyst",
    "ui_rehearsing": "ui_analyst", "ui_covering": "ui_analyst", "ui_heat": "ui_office",
    "ui_unmasking": "ui_office", "ui_backlog": "ui_office", "ui_agencies": "ui_admin", "ui_calendars": "ui_admin",
}  # fmt: skip


def label(endpoint: str) -> str:
    return {
        "ui_desk.show": _("Tiếp nhận mới"),
        "ui_worklist.index": _("Việc cần làm"),
        "ui_cases.index": _("Vụ việc"),
        "ui_office.show": _("Điều hành"),
        "ui_stuck.index": _("Vướng mắc"),
        "ui_imports.index": _("Danh sách"),
        "ui_incidents.index": _("Sự cố"),
        "ui_publishing.index": _("Công bố"),
        "ui_figures.show": _("Báo cáo"),
        "ui_overseer.show": _("Giám sát"),
        "ui_analyst.index": _("Quy trình"),
        "ui_admin.show": _("Quản trị"),
    }[endpoint]


def menu(account: Account | None) -> list[dict[str, Any]]:
    """The entries of an account's menu: address, label, and whether one is there now."""
    here = (request.endpoint or "").partition(".")[0]
    here = WITHIN.get(here, here)
    return [
        {"url": url_for(endpoint), "label": label(endpoint), "here": endpoint.partition(".")[0] == here}
        for endpoint in MENUS.get(account.role if account else "", ())
        if endpoint in current_app.view_functions
    ]


def landing(account: Account) -> str:
    """Where an account begins."""
    entries = menu(account)
    return str(entries[0]["url"]) if entries else url_for(OWN)

"""What waits for the workers, row by row: behind the numbers of the office's page and of the page of incidents."""

from __future__ import annotations

from typing import Any

from flask import request

from engine.paging import Page
from engine.people.access import Account
from engine.runtime import Unit
from engine.statistics import overview
from engine.work import backlog
from webapi.ui import office, stuck
from webapi.ui.pages import Pages, page
from webapi.ui.words import _, channels

bp = Pages("ui_backlog")
JOBS, LETTERS, HELD = "viec", "tin", "dang-lam"
QUEUES = {JOBS: "jobs", LETTERS: "outbox"}


@bp.read("/tinh/hang-doi")
def show(unit: Unit, caller: Account) -> Any:
    """?xem=tin: what is to be sent; dang-lam: what workers are at; else what is to be done."""
    office.must_be_office(unit, caller)
    wanted = request.args.get("xem")
    chosen = wanted if wanted in (LETTERS, HELD) else JOBS
    queues = backlog.depth(unit)
    found = _rows(unit, caller, chosen)
    agencies = overview.names(unit, "agency", sorted({row.agency for row in found.items if row.agency}))
    return page("ui/backlog.html", rows=found.items, after=found.after, chosen=chosen, tabs=_tabs(queues),
                others=_others(unit, caller, chosen, queues), what=stuck.job_names() | channels(), agencies=agencies,
                types=office.type_names(unit),
                texts=office.text_names(unit, [(row.report_type, row.topic) for row in found.items]))  # fmt: skip


def _rows(unit: Unit, caller: Account, chosen: str) -> Page:
    if chosen == HELD:
        return Page(backlog.in_hand(unit, caller), None)
    return backlog.due(unit, caller, QUEUES[chosen], request.args.get("after"))


def _others(unit: Unit, caller: Account, chosen: str, queues: dict[str, dict[str, float]]) -> int:
    """How many rows are counted, and not shown."""
    if chosen == HELD:
        return 0
    what = QUEUES[chosen]
    return backlog.of_others(unit, caller, what, int(queues[what]["due"]))


def _tabs(queues: dict[str, dict[str, float]]) -> dict[str, tuple[str, float]]:
    held = sum(queue["leased"] for queue in queues.values())
    return {JOBS: (_("Việc đến giờ đang chờ"), queues["jobs"]["due"]),
            LETTERS: (_("Tin chờ gửi"), queues["outbox"]["due"]), HELD: (_("Đang làm"), held)}  # fmt: skip

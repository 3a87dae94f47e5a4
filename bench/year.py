"""A year of a large province: what its closed cases leave behind, and what they cost those who come after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench import fill, ours
from bench.bed import Bed, Figures, database_bytes, percentile, timed
from bench.hosts import Client, running
from bench.lifecycles import in_turns
from engine import model
from engine.runtime import Runtime
from engine.storage.database import connect

CASES = 3_600_000  # 300,000 a month
LOOKS = 100
OFFICE = {"login": "office", "name": "Office", "role": "office", "agency": "desk"}
TABLES = (model.cases, model.instances, model.participants, model.people, model.deadlines, model.events)
LISTS = {
    "newest": "limit=50", "closed": "limit=50&open=false", "open_by_due": "limit=50&open=true&sort=due",
    "one_number": "q=1022.FILL.77", "words": "q=het+gao",
}  # fmt: skip


def year(bed: Bed) -> Figures:
    """A year of 3,600,000 closed cases: their bytes; calls beside them and beside none; lists, and a month's reports"""
    urls, count = {name: bed.make(f"year_{name}") for name in ("empty", "full")}, bed.some(CASES)
    with (
        running("ours", urls["empty"], ours.prepare(urls["empty"])) as empty,
        running("ours", urls["full"], ours.prepare(urls["full"])) as full,
    ):
        full.client().lifecycle()  # one to copy
        bed.say(f"writing {count:,} closed cases with their history")
        before = database_bytes(urls["full"])
        fill.multiply(urls["full"], count, TABLES, _spread(bed.kind))
        figures: Figures = {"closed_cases": count}
        figures["bytes_per_closed_case"] = round((database_bytes(urls["full"]) - before) / count)
        bed.say("calls, in turns")
        figures |= in_turns(bed, empty, full)
        office, looks = Client(full, _office(urls["full"])), bed.some(LOOKS, 10)
        for name, words in LISTS.items():
            bed.say(f"list: {name}")
            took = [timed(lambda words=words: office.get(f"/api/v1/cases?{words}")) for _ in range(looks)]
            figures[f"list_{name}_p95_ms"] = round(percentile(took, 0.95), 1)
        month = f"{datetime.now(UTC) - timedelta(days=60):%Y-%m}"
        for one in office.get("/api/v1/statistics")["items"]:
            bed.say(f"report: {one['key']}")
            path = f"/api/v1/statistics/{one['key']}?period={month}"
            figures[f"report_{one['key']}_ms"] = round(min(timed(lambda path=path: office.get(path)) for _ in range(2)))
    return figures


def _spread(kind: str) -> dict[str, str]:
    """Opened by turns in the last year, closed two days later."""
    opened = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 days', -((n * 7919) % 31000000) || ' seconds')"
    closed = opened.replace("-3 days", "-1 day")
    if kind == "postgresql":
        opened = "now() - interval '3 days' - ((n * 7919::bigint) % 31000000) * interval '1 second'"
        closed = f"{opened} + interval '2 days'"
    return {"cases.opened_at": opened, "cases.closed_at": closed, "events.at": closed}


def _office(url: str) -> str:
    """A token of somebody who may see all of the province, and its reports."""
    database = connect(url)
    with Runtime(database, lambda: datetime.now(UTC)).begin() as unit:
        token = ours.issue(unit, OFFICE)
    database.dispose()
    return token

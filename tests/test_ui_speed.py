"""How long pages take, measured: `./manage speed` runs it and prints; it is no part of the suite.

The worklist's time on the server with 100,000 open tasks, on both databases; and how long the worklist and a task take
to be there in a real browser that has a sixth of this machine's processor and 1.6 Mbit/s, and has kept nothing.
"""

from __future__ import annotations

import time
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from engine import model
from engine.people import accounts
from tests.browser import Site
from tests.province import Province
from tests.screens import stage
from tests.test_ui_work import logged_in

TASKS, AT_ONCE, SERVER_MOST = 100_000, 5_000, 0.150  # seconds
TIMES = 5
LOAD_MOST, SLOWER, BITS, LATENCY = 2.5, 6, 1_600_000, 150  # seconds, times, per second, milliseconds
WHO = ("ubnd_74_718", "tongdai_74", "vpubnd_74")
VIEWS = ("", "?xem=toi", "?xem=chua-nhan", "?loai=BDKK", "?khu=718", "?loai=BDTT&xem=chua-nhan", "?q=khong+co+dau",
         "?q=1022.FILL.77777")  # fmt: skip
pytestmark = [pytest.mark.speed, pytest.mark.timeout(3600)]


def test_the_worklist_with_many_open_tasks(province: Province):
    number = province.passes_on("BDTT", area="718")
    _fill(province, number)
    slow, database = [], province.runtime.database.dialect.name
    for who in WHO:
        visitor = logged_in(province, who)
        for view in VIEWS:
            took, busy, size, statements = _asked(province, visitor, f"/viec{view}")
            slow += [(who, view, took)] if took > SERVER_MOST else []
            print(f"{database:10} {who:12} /viec{view:28} {took * 1000:6.0f} ms ({busy * 1000:4.0f} ms of our"
                  f" processor) {statements} statements {size:8,} B", flush=True)  # fmt: skip
        page = visitor.opens("/viec")
        if following := page.find("//a[@rel='next']/@href"):
            took, busy, size, statements = _asked(province, visitor, following[0])
            print(f"{database:10} {who:12} {'the next page':33} {took * 1000:6.0f} ms ({busy * 1000:4.0f} ms of our"
                  f" processor) {statements} statements", flush=True)  # fmt: skip
            slow += [(who, "next", took)] if took > SERVER_MOST else []
    assert slow == []


def _asked(province: Province, visitor: Any, address: str) -> tuple[float, float, int, int]:
    """Seconds by the clock and of this process (in which SQLite is, and PostgreSQL is not), the size of the page, and
    how many statements it took, who is looking included."""
    times, busy, said = [], [], []
    heard = (province.runtime.database, "before_cursor_execute", lambda *told: said.append(told[2]))
    event.listen(*heard)
    for _once in range(TIMES):
        begin, worked = time.perf_counter(), time.process_time()
        answer = visitor.client.get(address)
        times.append(time.perf_counter() - begin)
        busy.append(time.process_time() - worked)
        assert answer.status_code == 200
    event.remove(*heard)
    return median(times), median(busy), len(answer.data), len(said) // TIMES


def _fill(province: Province, number: str) -> None:
    """Copies of a case with one open task: of several agencies, types and areas, due at different times."""
    groups = ("ubnd_74_718", "ubnd_74_718", "tongdai_74", "ubnd_74_719")
    with province.runtime.begin() as unit:
        case = dict(unit.first(select(model.cases).where(model.cases.c.number == number))._mapping)
        open_task = (model.tasks.c.case_id == case["id"], model.tasks.c.status == "open")
        task = dict(unit.first(select(model.tasks).where(*open_task))._mapping)
        holder = accounts.authenticate(unit, province.shipped.tokens["ubnd_74_718"]).id
        first, task = case["id"] + 1, {name: value for name, value in task.items() if name != "id"}
        for start in range(first, first + TASKS, AT_ONCE):
            ids = range(start, start + AT_ONCE)
            unit.execute(insert(model.cases), [case | {
                "id": id, "number": f"1022.FILL.{id}", "report_type": ("BDTT", "BDKK")[id % 2],
                "subject": f"Việc số {id}", "search_text": f"viec so {id}"} for id in ids])  # fmt: skip
            unit.execute(insert(model.tasks), [task | {
                "case_id": id, "group": groups[id % 4], "report_type": ("BDTT", "BDKK")[id % 2],
                "area": ("718", "719")[id % 3 % 2], "assignee": holder if id % 20 == 0 else None,
                "due_at": unit.now + timedelta(minutes=id * 7919 % 20_000)} for id in ids])  # fmt: skip
    with province.runtime.database.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def test_the_first_load_on_a_slow_machine(site: Site):
    names = stage(site.province)
    slow = []
    window = site.window("ubnd_74_718")
    for path in ("/viec", f"/viec/{names['task']}", "/tiep-nhan", "/tra-cuu"):
        if path == "/tiep-nhan":
            window = site.window("tongdai_74")
        times = [_loaded(window, path) for _once in range(3)]
        took = median(one["interactive"] for one in times)
        slow += [(path, took)] if took > LOAD_MOST and path.startswith("/viec") else []
        painted, loaded = (median(one[name] for one in times) for name in ("painted", "loaded"))
        print(f"{path:14} painted after {painted:5.2f} s, usable after {took:5.2f} s, all of it after {loaded:5.2f} s;"
              f" {times[0]['bytes'] // 1000:,} kB", flush=True)  # fmt: skip
    assert slow == []


def _loaded(window: Any, path: str) -> dict[str, Any]:
    """Seconds until it was painted, scripts had run, and all was there, with an empty cache."""
    told = window.context.new_cdp_session(window)
    told.send("Network.enable")
    told.send("Network.clearBrowserCache")
    told.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY,
              "downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8})  # fmt: skip
    told.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    window.goto(path, wait_until="load")
    window.wait_for_timeout(300)
    found = window.evaluate("""() => {
        const page = performance.getEntriesByType("navigation")[0], all = performance.getEntriesByType("resource");
        const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? page.loadEventEnd;
        return {painted: painted / 1000, interactive: Math.max(painted, page.domContentLoadedEventEnd) / 1000,
                loaded: page.loadEventEnd / 1000,
                bytes: page.transferSize + all.reduce((sum, one) => sum + one.transferSize, 0)};
    }""")
    told.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    told.detach()
    return dict(found)
